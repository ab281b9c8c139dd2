"""Giving somebody a role: on the form, and by the verbs."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.write.services import create


def test_the_form_says_what_an_empty_party_and_process_mean(client: Client, root: Person) -> None:
    client.force_login(root)
    form = client.get("/role-assignments/new/").context["form"]
    assert (
        form["party"].help_text
        == "What the role is held for, including everything below it. If empty: all parties."
    )
    assert form.fields["process"].choices[0] == ("", "All processes")
    assert ("incidents", "Incidents") in form.fields["process"].choices
    assert form["valid_from"].value() == today().isoformat()


def test_a_process_that_no_declaration_names_is_refused(gus: Person) -> None:
    with pytest.raises(ValidationError, match="Choose one of: incidents, people, services"):
        create(RoleAssignment, {"person": gus, "role": "agent", "process": "incident"}, by=SYSTEM)
    assert not RoleAssignment.objects.filter(person=gus).exists()


def test_roles_and_memberships_begin_today_unless_something_else_is_said(gus: Person, desk: Team) -> None:
    assert create(RoleAssignment, {"person": gus, "role": "agent"}, by=SYSTEM).valid_from == today()
    assert create(TeamMembership, {"person": gus, "team": desk}, by=SYSTEM).valid_from == today()
