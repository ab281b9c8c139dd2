"""What the log says of a request."""

from typing import Any

import pytest
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.site.logs import Refusals


@pytest.mark.django_db
def test_a_page_that_is_not_for_somebody_leaves_no_traceback(
    client: Client, gus: Person, caplog: Any
) -> None:
    client.force_login(gus)
    caplog.handler.addFilter(Refusals())
    assert client.get("/access/").status_code == 403
    assert "Forbidden (Permission denied): /access/" in caplog.text
    assert "Traceback" not in caplog.text
