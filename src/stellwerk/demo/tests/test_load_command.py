"""The command that loads the demo says no to an installation in use."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import create


@pytest.mark.django_db
def test_an_installation_with_records_of_its_own_is_left_alone() -> None:
    create(Party, {"title": "A real university", "party_kind": Party.Kind.ORGANISATION}, by=SYSTEM)
    before = Record.objects.count()
    with pytest.raises(CommandError, match="The demo needs an empty one"):
        call_command("load_demo")
    assert Record.objects.count() == before


@pytest.mark.django_db
def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="isn't a date and time"):
        call_command("load_demo", now="tomorrow-ish")
    assert not Party.objects.exists()
