"""Finding the record that an address names, as its own type."""

from django.http import Http404
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of


def visible_record(person: Person, reference: str) -> Record:
    """Return the record with this reference; Http404, in the same words, when it is foreign or does not exist."""
    try:
        model = registry.for_prefix(reference.partition("-")[0]).model
    except LookupError:
        raise _nowhere() from None
    bears_it = model._default_manager.filter(reference=reference.upper())
    record: Record | None = bears_it.first()
    if record is None or not _plainly_sees(person, record):
        # Asked as well of what does not exist, so that both take as long.
        record = bears_it.visible_to(person).first()
    if record is None:
        raise _nowhere()
    return record


def _plainly_sees(person: Person, record: Record) -> bool:
    return policy_of(person).plainly_sees(record.record_type, record.pk, record.party_id, record.open_to_all)


def inside_record(person: Person, reference: str) -> Record:
    """Return the record for somebody who works on it; who only reads it as a guest gets the same as for none."""
    record = visible_record(person, reference)
    if not policy_of(person).sees_internal(record):
        raise _nowhere()
    return record


def version_of(text: str | None) -> int | None:
    """Read the version that a form carries; without one, or with nonsense, nothing is compared."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _nowhere() -> Http404:
    return Http404(_("There is no such record, or you don't have access to it."))
