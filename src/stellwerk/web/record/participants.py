"""Saying who loses access to a record when it is somebody else's, and who gains it when it is handed over."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.write.services import participant_shares


def warning(record: Record, name: str) -> str:
    """Say before a field is changed whom that takes access from, or may give it to; "" for most fields."""
    record_type = record.record_type
    if name in record_type.workers:
        return _("If they belong to another organisation, %s is shared with it.") % record.reference
    if name not in requestable(record_type).participants or getattr(record, f"{name}_id") is None:
        return ""
    follows = [
        other for other in requestable(record_type).participants if other not in record_type.editable_fields
    ]
    who = [
        other for one in (name, *follows) if (other := getattr(record, one)) and other.pk != record.party_id
    ]
    return _("Whoever no longer takes part loses access to %(reference)s: %(who)s.") % {
        "reference": record.reference,
        "who": " · ".join(dict.fromkeys(str(other) for other in who)),
    }


def gained_access(before: Record, after: Record) -> str:
    """Say with whom a change shared the record because they work on it now; "" with nobody."""
    if after.version - before.version < 2:
        return ""  # a share would have been noted beside the change
    noted = Entry.objects.filter(record_id=after.pk, number__gt=before.journal_count, verb=Verb.SHARE)
    parties = [changes["@share"][1]["with"] for changes in noted.values_list("changes", flat=True)]
    titles = Record.objects.filter(pk__in=parties).order_by("title").values_list("title", flat=True)
    about = {"who": " · ".join(titles), "reference": after.reference}
    return _("%(reference)s is now shared with %(who)s, whose staff works on it.") % about if titles else ""


def lost_access(before: Record, after: Record) -> str:
    """Say after a change from whom it took access; "" when it took it from nobody."""
    gone = participant_shares(before).keys() - participant_shares(after).keys()
    if not gone:
        return ""
    kept = Share.objects.filter(record_id=after.pk).values_list("person", "party")
    gone -= {pk for pair in kept for pk in pair if pk}
    people = {person.pk: person for person in Person.objects.filter(pk__in=gone)}
    seen = type(after)._default_manager
    still = {pk for pk, person in people.items() if seen.visible_to(person).filter(pk=after.pk).exists()}
    titles = Record.objects.filter(pk__in=gone - still).order_by("title").values_list("title", flat=True)
    return (
        ngettext(
            "%(who)s no longer has access to %(reference)s.",
            "%(who)s no longer have access to %(reference)s.",
            len(titles),
        )
        % {"who": " · ".join(titles), "reference": after.reference}
        if titles
        else ""
    )


def new_access(before: Record, after: Record) -> str:
    """Say after a change who lost and who gained access by it; "" when nobody did."""
    return " ".join(filter(None, [lost_access(before, after), gained_access(before, after)]))
