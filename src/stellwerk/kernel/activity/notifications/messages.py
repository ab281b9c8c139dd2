"""What a journal entry says, in words: for notifications, mails and the history."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.requestable import requestable

PHRASES = {
    Verb.CREATE: gettext_lazy("opened this"),
    Verb.COMMENT: gettext_lazy("replied"),
    Verb.ATTACH: gettext_lazy("attached a file"),
    Verb.DETACH: gettext_lazy("removed a file"),
    Verb.LINK: gettext_lazy("linked this"),
    Verb.UNLINK: gettext_lazy("removed a link"),
    Verb.SHARE: gettext_lazy("shared this"),
    Verb.UNSHARE: gettext_lazy("stopped sharing this"),
    Verb.UNDO: gettext_lazy("undid a step"),
    Verb.WATCH: gettext_lazy("added a watcher"),
    Verb.UNWATCH: gettext_lazy("removed a watcher"),
    Verb.BASELINE: gettext_lazy("recorded who watched this"),
}


def phrase(entry: Entry, record_type: RecordType) -> str:
    """Say what was done, to follow a name: "replied", "resolved it", "changed impact and urgency"."""
    if entry.verb == Verb.COMMENT and entry.internal:
        return _("wrote an internal note")
    if entry.verb == Verb.COMMENT and not requestable(record_type).participants:
        return _("commented")
    if entry.verb == Verb.TRANSITION:
        return _step(entry, record_type)
    if entry.verb == Verb.CHANGE:
        changed = [label(name, record_type) for name in entry.changes if not name.startswith("@")]
        return _changed(changed) if changed else _("noted something")
    return str(PHRASES.get(entry.verb, entry.verb))  # type: ignore[call-overload]


def _step(entry: Entry, record_type: RecordType) -> str:
    """Use the step's own words; one that a later version no longer has is named."""
    step = record_type.workflow.by_name.get(entry.name) if record_type.workflow else None
    said = step.phrase(entry.changes) if step else ""
    return said or _("chose “%s”") % step_label(entry.name, record_type)


def describe(note: Notification) -> str:
    """Say in one sentence what a notification is about, seen by the person it is for."""
    entry = note.entry
    if entry is None:
        return note.text
    who = str(entry.actor or "Stellwerk")
    record_type = entry.record.record_type
    if note.why == "mentioned":
        return _("%s mentioned you") % who
    if note.why == "named":
        named = [name for name, pair in entry.changes.items() if pair[1] == note.person_id]
        return _("%(who)s entered you as %(what)s") % {
            "who": who,
            "what": " · ".join(label(name, record_type) for name in named if name in record_type.references),
        }
    return f"{who} {phrase(entry, record_type)}"


def step_label(name: str, record_type: RecordType) -> str:
    step = record_type.workflow.by_name.get(name) if record_type.workflow else None
    return str(step.label) if step else name


def label(name: str, record_type: RecordType) -> str:
    """Return a field's name as people read it, custom fields included; never fails for one that is gone."""
    field = record_type.own_fields.get(name) or record_type.fields.get(name)
    return str(field.label) if field else name.removeprefix("custom.").replace("_", " ")


def _changed(labels: list[str]) -> str:
    if len(labels) > 3:
        return ngettext("changed %d field", "changed %d fields", len(labels)) % len(labels)
    return _("changed %s") % ", ".join(labels)
