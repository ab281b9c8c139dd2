"""What is written down: no secret, and no line that somebody outside wrote."""

import io
import logging
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from stellwerk.accounts.links import make_link
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.worker import Worker
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.write import services
from stellwerk.processes.incidents.incident import Incident
from stellwerk.site.logs import logging_settings

pytestmark = pytest.mark.django_db

PASSWORD = "canary of a password"  # noqa: S105  # nosec B105 -- a test's
WRONG = "canary of another guess"
NEW = "canary of a newer password"


def test_no_secret_is_written_down_or_told(
    gus: Person,
    root: Person,
    mailoutbox: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache.clear()
    caplog.set_level(logging.DEBUG)
    gus.set_password(PASSWORD)
    Person.objects.filter(pk=gus.pk).update(password=gus.password)
    client, program = Client(raise_request_exception=False), Program(gus)
    told: list[Any] = []
    for password in (WRONG, PASSWORD):
        told.append(client.post("/account/login/", {"login": "gus", "password": password}))
    told.append(client.post("/account/reauthenticate/", {"password": PASSWORD}))
    app = client.get("/account/2fa/totp/activate/").context["form"].secret
    told.append(client.post("/account/2fa/totp/activate/", {"code": "000000"}))
    told.append(
        client.post("/account/password/change/", {"oldpassword": WRONG, "password1": NEW, "password2": NEW})
    )
    told.append(
        client.post(
            "/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": "x"}
        )
    )
    client.post("/account/password/reset/", {"email": gus.email})
    Worker().drain()
    mailed = re.search(r"/key/(\S+)/", mailoutbox[-1].body)
    assert mailed
    link = make_link(gus, by=root)
    told += [client.get(f"/account/password/reset/key/{mailed[1]}x/"), client.get(f"{link}x/")]
    told += [program.get("me"), program.get("incidents?nonsense=1"), program.post("incidents", {})]
    told += [client.get("/api/v1/me", headers={"authorization": f"Bearer {program.secret}x"})]
    told += [
        client.get(path) for path in ("/account/tokens/", "/account/sessions/", f"/records/{gus.reference}/")
    ]

    def broken(*given: Any, **named: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(services, "machine_values", broken)
    told += [
        client.post("/portal/new/incident/", {"title": "x", "once": "o"}),
        program.post("incidents", {"title": "x"}),
    ]
    assert [answer.status_code for answer in told[-2:]] == [500, 500]
    assert Incident.objects.count() == 0
    secrets = {
        PASSWORD,
        WRONG,
        NEW,
        program.secret,
        program.secret[4:],
        mailed[1],
        link.split("-")[-1].strip("/"),
    }
    secrets |= {client.cookies["stellwerk_session"].value, gus.password, *stored(gus)}
    written = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    assert "broken on purpose" in written
    bodies = "\n".join(answer.content.decode() for answer in told)
    for secret in secrets:
        assert secret not in written
        assert secret not in bodies
        assert secret not in str(list(Entry.objects.values_list("changes", "reason")))
    assert app not in written
    for word in ("Traceback", "broken on purpose", "RuntimeError", "/src/", "SELECT "):
        assert word not in bodies


def stored(person: Person) -> set[str]:
    """What of the secrets lies in the database: hashes, and the key of the second factor once it is set."""
    hashes = set(ApiToken.objects.filter(person=person).values_list("digest", flat=True))
    return hashes | {
        str(each.data["secret"]) for each in Authenticator.objects.filter(user=person, type="totp")
    }


FORGED = "a\r\n2026-11-26 [info] forged\x1b[31m\x1b]0;x\x07\x08\x85\u2028\u2029\u202eb\x00"


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_message_is_one_line_whoever_wrote_it(form: str) -> None:
    settings = logging_settings(form, "INFO")
    formatter = settings["formatters"]["line"]
    made = formatter.pop("()")(**formatter)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(made)
    log = logging.getLogger("stellwerk.test")
    log.addHandler(handler)
    try:
        log.warning("Not Found: %s", FORGED)
    finally:
        log.removeHandler(handler)
    line = written.getvalue().removesuffix("\n")
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert "forged" in line
