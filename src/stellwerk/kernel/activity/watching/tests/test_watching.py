import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from stellwerk.kernel.activity.watching.services import unwatch, watch, watchers_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def incident(maria: Person, gus: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)


def test_maria_watches_and_stops(incident: Incident, maria: Person) -> None:
    watch(incident, maria, by=maria)
    watch(incident, maria, by=maria)
    assert list(watchers_of(incident)) == [maria]
    unwatch(incident, maria, by=maria)
    assert list(watchers_of(incident)) == []


def test_maria_adds_a_colleague_and_gus_may_not(
    incident: Incident, maria: Person, agent: Person, gus: Person
) -> None:
    watch(incident, agent, by=maria)
    with pytest.raises(PermissionDenied):
        watch(incident, maria, by=gus)
    with pytest.raises(PermissionDenied):
        unwatch(incident, agent, by=gus)
    assert list(watchers_of(incident)) == [agent]


def test_who_may_not_see_the_record_cannot_watch_it(
    incident: Incident, maria: Person, nobody: Person
) -> None:
    with pytest.raises(ValidationError):
        watch(incident, nobody, by=maria)
    with pytest.raises(ValidationError):
        watch(incident, nobody, by=nobody)
    assert list(watchers_of(incident)) == []
