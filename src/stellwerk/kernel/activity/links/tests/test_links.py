import pytest
from django.core.exceptions import ValidationError

from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.links.services import link, unlink
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def incidents(maria: Person, gus: Person) -> list[Incident]:
    """Three incidents of Gus."""
    given = {"requester": gus, "party": maria.party}
    return [create(Incident, {"title": title, **given}, by=SYSTEM) for title in ("First", "Second", "Third")]


@pytest.mark.parametrize("key", ["parent", "duplicate"])
def test_links_that_order_records_never_close_a_circle(
    key: str, incidents: list[Incident], maria: Person
) -> None:
    first, second, third = incidents
    link(first, key, second, by=maria)
    link(second, key, third, by=maria)
    for source, target in ((second, first), (third, first)):
        with pytest.raises(ValidationError) as refusal:
            link(source, key, target, by=maria)
        assert refusal.value.message_dict == {
            "target": [
                f"{target.reference} already leads to {source.reference} through links of this type. "
                "This one would close a circle."
            ]
        }
    assert Link.objects.count() == 2
    assert third.entries.count() == 2


def test_a_circle_may_be_closed_once_the_way_back_is_gone(incidents: list[Incident], maria: Person) -> None:
    first, second, _third = incidents
    unlink(link(first, "parent", second, by=maria), by=maria)
    link(second, "parent", first, by=maria)
    assert list(Link.objects.values_list("source", "target")) == [(second.pk, first.pk)]


def test_related_records_relate_both_ways_with_one_link(incidents: list[Incident], maria: Person) -> None:
    first, second, _third = incidents
    assert link(first, "related", second, by=maria) == link(second, "related", first, by=maria)
