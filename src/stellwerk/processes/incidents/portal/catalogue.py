"""The service catalogue as the portal shows it."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.activity.comments.rendering import render as markdown
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.search import index
from stellwerk.processes.incidents.portal.context import ServiceText, Tile
from stellwerk.processes.services.service import Service
from stellwerk.vocabulary import Text

FACTS = (
    ("value", _("What it gives you")),
    ("user_group", _("Who it is for")),
    ("features", _("Features")),
    ("options", _("Options")),
    ("support_hours", _("Support hours")),
    ("contact", _("Contact")),
    ("terms", _("Terms of use")),
)


def catalogue(person: Person) -> QuerySet[Service]:
    """Select the services in the catalogue, by name."""
    found: QuerySet[Service] = (
        Service.objects.visible_to(person).filter(open_to_all=True).order_by("title", "pk")
    )
    return found


def search(person: Person, text: str) -> list[Service]:
    """Find services by words; all of them without a word."""
    services = catalogue(person)
    if not text.strip():
        return list(services)
    ids = index.find(services, text, internal=False).page(1)
    by_id = services.in_bulk(ids)
    return [by_id[pk] for pk in ids if pk in by_id]


def tile(service: Service) -> Tile:
    return Tile(service.title, service.summary, reverse("portal_service", args=[service.reference]))


def detail(service: Service) -> ServiceText:
    return ServiceText(service.title, service.summary, markdown(service.description))


def facts(service: Service) -> list[tuple[Text, str]]:
    """List what the specification says, leaving out what it does not."""
    return [(label, markdown(getattr(service, name))) for name, label in FACTS if getattr(service, name)]
