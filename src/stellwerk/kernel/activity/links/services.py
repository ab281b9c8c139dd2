"""Tying records to each other."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model import link_types as types
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.link_types import LinkType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked
from stellwerk.vocabulary import JsonObject, JsonValue


def link(source: Record, key: str, target: Record, *, by: Actor) -> Link:
    """Say that `source` has the relation `key` to `target`; both journals note it.

    The writer must be allowed to edit `source` and to see `target`. Linking twice changes nothing.
    """
    kind = types.get(key)
    if source.pk == target.pk:
        raise ValidationError(_("A record can't be linked to itself. Choose another one."))
    with transaction.atomic():
        source, target = _both_locked(source, target)
        _require(source, target, by)
        known = Link.objects.filter(_between(source, target, kind.symmetric), type=key).first()
        if known and known.origin != Link.Origin.RULED_OUT:
            return known
        if kind.ordered:
            _require_no_way_back(source, target, kind)
        if known:
            known.origin = Link.Origin.MANUAL
            known.save(update_fields=["origin"])
        made = known or Link.objects.create(source_id=source.pk, target_id=target.pk, type=key)
        # A symmetric one that was ruled out may run the other way.
        ends = (source, target) if made.source_id == source.pk else (target, source)
        before = Link.Origin.RULED_OUT.value if known else None
        _note_both(*ends, ChangeContext(Verb.LINK, by), key, before, str(made.origin))
    return made


def unlink(link: Link, *, by: Actor) -> None:
    """Remove a link, unless it is gone already; a computed one is ruled out, so that it does not come back."""
    with transaction.atomic():
        source, target = _both_locked(link.source, link.target)
        _require(source, target, by)
        found = Link.objects.filter(pk=link.pk).exclude(origin=Link.Origin.RULED_OUT).first()
        if found is None:
            return
        before, after = found.origin, None
        if before == Link.Origin.COMPUTED:
            found.origin = after = Link.Origin.RULED_OUT
            found.save(update_fields=["origin"])
        else:
            found.delete()
        _note_both(source, target, ChangeContext(Verb.UNLINK, by), found.type, before, after)


def links_of(record: Record, person: Actor) -> QuerySet[Link]:
    """Select the record's links in both directions whose other end `person` may see."""
    visible = Record.objects.visible_to(person).values("pk")
    mine = Q(source_id=record.pk, target__in=visible) | Q(target_id=record.pk, source__in=visible)
    return Link.objects.filter(mine).exclude(origin=Link.Origin.RULED_OUT).select_related("source", "target")


def _both_locked(source: Record, target: Record) -> tuple[Record, Record]:
    """Lock both ends in the order of their ids, so that two writers cannot wait for each other."""
    first, second = sorted((source.specific, target.specific), key=lambda record: record.pk)
    first, second = locked(first), locked(second)
    return (first, second) if first.pk == source.pk else (second, first)


def _require(source: Record, target: Record, by: Actor) -> None:
    policy = policy_of(by)
    if not Record.objects.filter(policy.visible(Record), pk=target.pk).exists():
        raise ValidationError({"target": _("Select a record from the list.")})
    if not policy.may_edit(source):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to link it.") % source.reference
        )


def _require_no_way_back(source: Record, target: Record, kind: LinkType) -> None:
    """Refuse a link that would close a circle, in which each record stands above itself."""
    reached = step = {target.pk}
    there = Link.objects.filter(type=kind.key).exclude(origin=Link.Origin.RULED_OUT)
    while step:
        if source.pk in step:
            ends = {"target": target.reference, "source": source.reference}
            said = _(
                "%(target)s already leads to %(source)s through links of this type. This one would close a "
                "circle."
            )
            raise ValidationError({"target": said % ends})
        step = set(there.filter(source__in=step).values_list("target", flat=True)) - reached
        reached = reached | step


def _between(source: Record, target: Record, symmetric: bool) -> Q:
    there = Q(source_id=source.pk, target_id=target.pk)
    return there | Q(source_id=target.pk, target_id=source.pk) if symmetric else there


def _note_both(
    source: Record, target: Record, context: ChangeContext, key: str, before: str | None, after: str | None
) -> None:
    for record, other, direction in ((source, target, "out"), (target, source, "in")):
        about: JsonObject = {"type": key, "with": other.pk, "direction": direction}
        values: list[JsonValue] = [
            about | {"origin": origin} if origin else None for origin in (before, after)
        ]
        note(record, context, {"@link": values})
