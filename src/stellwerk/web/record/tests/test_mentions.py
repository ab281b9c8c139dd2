"""Who is offered after an @: those who may read what is written, of whom the writer knows."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stellwerk.kernel.activity.comments.rendering import mentioned_names, names_in, render
from stellwerk.kernel.activity.comments.services import comment, mentioned
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.record.mentions import suggestions


@pytest.fixture
def incident(centre: Party, gus: Person) -> Incident:
    return create(Incident, {"title": "No mail", "party": centre, "requester": gus}, by=SYSTEM)


def offered(incident: Incident, by: Person, text: str, *, internal: bool = False) -> list[str]:
    return [found.username for found in suggestions(incident, by, text, internal=internal)]


def test_colleagues_and_the_requester_are_offered_by_name_or_user_name(
    incident: Incident, agent: Person, maria: Person
) -> None:
    assert offered(incident, agent, "ma") == ["maria"]
    assert offered(incident, agent, "kell") == ["maria"]
    assert offered(incident, agent, "gu") == ["gus"]
    assert offered(incident, agent, "") == offered(incident, agent, "nobody at all") == []
    assert offered(incident, agent, "arno") == []


def test_of_an_internal_note_only_its_readers_are_offered(
    incident: Incident, agent: Person, maria: Person
) -> None:
    assert offered(incident, agent, "gu", internal=True) == []
    assert offered(incident, agent, "ma", internal=True) == ["maria"]


def test_who_may_not_read_the_record_is_not_offered(
    incident: Incident, agent: Person, centre: Party, other_centre: Party, root: Person
) -> None:
    make_person("Milo Without", centre)
    elsewhere = make_person("Mila Elsewhere", centre)
    grant(elsewhere, Role.MANAGER, other_centre)
    for who in (agent, root):
        assert offered(incident, who, "mil") == []
    grant(elsewhere, Role.VIEWER, centre)
    assert offered(incident, agent, "mil") == ["mila"]
    transition(elsewhere, "leave", by=SYSTEM)
    assert offered(incident, agent, "mil") == []


def test_who_is_not_known_to_the_writer_is_not_offered(
    incident: Incident, agent: Person, other_centre: Party
) -> None:
    stranger = make_person("Sten Stranger", other_centre)
    grant(stranger, Role.MANAGER)
    assert offered(incident, agent, "ste") == []


def test_a_user_name_that_no_mention_can_hold_is_not_offered(
    incident: Incident, agent: Person, centre: Party
) -> None:
    for username in ("x y", "x@y@z"):
        person = make_person(f"Xenia {username}", centre, username=username)
        grant(person, Role.AGENT, centre)
    assert offered(incident, agent, "xenia") == []


def test_capitals_of_a_user_name_do_not_count(incident: Incident, agent: Person, centre: Party) -> None:
    person = make_person("Xaver Capital", centre, username="XaverC")
    grant(person, Role.AGENT, centre)
    assert offered(incident, agent, "xav") == ["xaverc"]
    assert mentioned("Ask @XaverC or @xaverc.") == [person]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@jo.doe@example.org please look", ["jo.doe@example.org"]),
        ("Ask @jo.doe@example.org.", ["jo.doe@example.org"]),
        ("(@jo.doe), @lena: and @gus.", ["jo.doe", "lena", "gus"]),
        ("Mail to jo@lena, jo.@lena, first-@lena or jo+it@lena.example", []),
        ("<jo@lena.example> [text](mailto:jo@lena) https://pages.example/@lena", []),
        ("In code `@lena` is nobody\n\n    @lena\n\n```\n@lena\n```\n", []),
        ("@under_score_name and **@maria**", ["under_score_name", "maria"]),
        ("@jo@lena@gus", []),
        ("@", []),
    ],
)
def test_a_name_is_mentioned_and_an_address_is_not(text: str, names: list[str]) -> None:
    assert mentioned_names(text) == names


def test_somebody_whose_user_name_is_an_address_is_told_and_nobody_else(
    incident: Incident, agent: Person, centre: Party
) -> None:
    short = make_person("Jo Short", centre, username="jo.doe")
    whole = make_person("Jo Whole", centre, username="jo.doe@example.org")
    for person in (short, whole):
        grant(person, Role.AGENT, centre)
    assert sorted(offered(incident, agent, "jo.doe")) == ["jo.doe", "jo.doe@example.org"]
    assert offered(incident, agent, "jo.doe@exa") == ["jo.doe@example.org"]
    said = "@Jo.Doe@example.org, please look"
    assert mentioned(said) == [whole]
    assert render(said, names_in([said], linked=False)) == "<p><strong>Jo Whole</strong>, please look</p>\n"
    comment(incident, said, by=agent, internal=True)
    assert list(Notification.objects.filter(why="mentioned").values_list("person", flat=True)) == [whole.pk]


def test_the_page_is_for_those_who_write_there_as_staff(
    client: Client, incident: Incident, agent: Person, maria: Person, gus: Person, centre: Party
) -> None:
    url = f"/records/{incident.reference}/mentions/?q=ma"
    client.force_login(gus)
    assert client.get(url).status_code == 404
    assert "data-mentions-url" not in client.get(f"/portal/tickets/{incident.reference}/").text
    viewer = make_person("Vera", centre)
    grant(viewer, Role.VIEWER, centre)
    client.force_login(viewer)
    assert client.get(url).status_code == 403
    client.force_login(agent)
    assert (
        f'data-mentions-url="{url.partition("?")[0]}"' in client.get(f"/records/{incident.reference}/").text
    )
    answer = client.get(url).text
    assert 'data-username="maria"' in answer
    assert "Maria Keller" in answer


def test_asking_costs_what_the_page_shows_and_not_what_there_is(
    incident: Incident, agent: Person, centre: Party
) -> None:
    for number in range(30):
        grant(make_person(f"Zoe{number} Many", centre), Role.VIEWER, centre)
    with CaptureQueriesContext(connection) as queries:
        assert len(suggestions(incident, agent, "zo", internal=False)) == 8
    assert len(queries) < 30
