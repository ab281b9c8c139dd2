"""What becomes of an uploaded file: a large one is looked at, and imported, by jobs that show how far they are.

A job that ends half-way leaves nothing and is run again; one whose work is done already does nothing. Access is asked
each time anew, of the person who uploaded and confirmed the file.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

from stellwerk.exchange import formats
from stellwerk.exchange.headings import LEFT_OUT, Headings, plain
from stellwerk.exchange.importing import CHANGE, CREATE, ERROR, UNCHANGED, Outcome, RecordImport
from stellwerk.exchange.models import BUSY, WAITING, ColumnMapping, ImportDraft
from stellwerk.kernel.activity.notifications.services import notify_outcome
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.job import job
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.days import zone_of
from stellwerk.tables.layout import Layout

MOST_AT_ONCE = 500
"""Rows of a file that is small enough to be looked at, and imported, while the person waits."""
SHOWN = 200
STATED = ("encoding", "delimiter", "sheet", "header_line")

State = ImportDraft.State


def begin(draft: ImportDraft) -> bool:
    """Look at a fresh file, or have a job do so; False, with nothing kept, while another of the person is under way.

    ValidationError for a file that cannot be read. A small file with a fault is not kept: there is nothing to confirm.
    One whose columns mean nothing waits to be explained.
    """
    opened = open_draft(draft)
    draft.reading["columns"] = kept_columns(draft.person, draft.record_type) | draft.reading.get(
        "columns", {}
    )
    headings = task_of(draft).headings
    headings.check(opened.columns)
    draft.reading["remarks"] = [*opened.remarks, *_left_out(headings, opened)]
    large = False
    if headings.unknown(opened.columns):
        draft.state = State.UNCLEAR
    else:
        first = list(islice(opened.rows, MOST_AT_ONCE + 1))
        large = len(first) > MOST_AT_ONCE
        if large:
            draft.state = State.CHECKING
        elif not first and len(opened.sheets) > 1:
            draft.state = State.UNCLEAR
        else:
            _put(draft, task_of(draft).rehearse(first, SHOWN), State.CHECKED)
    with transaction.atomic():
        person = Person.objects.select_for_update().get(pk=draft.person_id)
        if under_way(person):
            return False
        others = ImportDraft.objects.filter(person=person, state__in=[*BUSY, *WAITING]).exclude(pk=draft.pk)
        others.delete()
        if draft.state != State.REFUSED:
            draft.save()
        if large:
            _hand_over(draft, check_draft)
    return True


def confirm(draft: ImportDraft) -> None:
    """Import a file that was looked at, or have a job do so. Call inside a transaction, with the draft locked."""
    if draft.state != State.CHECKED:
        return
    if draft.rows > MOST_AT_ONCE:
        draft.state, draft.changed_at = State.RUNNING, timezone.now()
        _hand_over(draft, run_draft)
        return
    _put(draft, task_of(draft).run(rows_of(draft), SHOWN), State.DONE)
    draft.save()


def under_way(person: Person) -> ImportDraft | None:
    """Return the import of the person that a job has in hand, and has not given up."""
    for draft in ImportDraft.objects.filter(person=person, state__in=BUSY).defer("content"):
        if not has_failed(draft):
            return draft
    return None


def has_failed(draft: ImportDraft) -> bool:
    """Whether the job gave up for a reason that only whoever operates the system can mend."""
    if not draft.is_busy or draft.job is None:
        return False
    return DBTaskResult.objects.failed().filter(pk=draft.job).exists()


# -- the jobs --------------------------------------------------------------------------------------------


@job(retries=3)
def check_draft(draft_id: int) -> str:
    """Find out what importing a large file would do; others can write meanwhile."""
    draft = ImportDraft.objects.filter(pk=draft_id, state=State.CHECKING).select_related("person").first()
    if draft is None:
        return "nothing to do"

    def look() -> Outcome:
        rows = list(rows_of(draft))
        draft.rows = len(rows)
        return task_of(draft).rehearse(rows, SHOWN, lambda count: _show_progress(draft, count))

    with _as_for(draft.person):
        _attempt(draft, look, State.CHECKED)
        with transaction.atomic():
            return _end(draft, State.CHECKING)


@job(retries=3)
def run_draft(draft_id: int) -> str:
    """Import a large file that was confirmed; what it writes and its own end are one transaction."""
    draft = ImportDraft.objects.filter(pk=draft_id, state=State.RUNNING).select_related("person").first()
    if draft is None:
        return "nothing to do"
    rows = list(rows_of(draft))  # a workbook takes long to unpack: not while others wait to write
    with _as_for(draft.person), transaction.atomic():
        if not ImportDraft.objects.select_for_update().filter(pk=draft_id, state=State.RUNNING).exists():
            return "nothing to do"
        _attempt(draft, lambda: task_of(draft).run(rows, SHOWN), State.DONE)
        return _end(draft, State.RUNNING)


@contextmanager
def _as_for(person: Person) -> Iterator[None]:
    """Read times and say things as on the person's own pages."""
    with translation.override(person.language or settings.LANGUAGE_CODE), timezone.override(zone_of(person)):
        yield


def _attempt(draft: ImportDraft, go: Callable[[], Outcome], reached: State) -> None:
    """Note what came of it; who may no longer import, and a file that cannot be read on, are told so."""
    try:
        _put(draft, go(), reached)
    except PermissionDenied:
        _put(draft, Outcome(), reached)
        draft.refusal = _(
            "You no longer have permission to import this: your role has ended. Nothing was saved."
        )
    except ValidationError as error:
        _put(draft, Outcome(), reached)
        draft.refusal = " ".join(error.messages)


def _show_progress(draft: ImportDraft, count: int) -> None:
    ImportDraft.objects.filter(pk=draft.pk).update(looked_at=count, rows=draft.rows)


def _end(draft: ImportDraft, from_state: State) -> str:
    """Keep what came of it and tell the person, unless another worker has done so or the draft was forgotten."""
    kept = ("state", "rows", "looked_at", "outcome", "refusal", "content", "changed_at")
    mine = ImportDraft.objects.filter(pk=draft.pk, state=from_state)
    if not mine.update(**{name: getattr(draft, name) for name in kept}):
        return "nothing to do"
    notify_outcome(draft.person, told(draft), draft.get_absolute_url())
    return str(draft.state)


def _put(draft: ImportDraft, outcome: Outcome, reached: State) -> None:
    """Set what came of it on the draft; the file itself is needed only while it may still be confirmed."""
    draft.state = reached if outcome.acceptable else State.REFUSED
    draft.outcome = outcome.as_json()
    draft.rows = draft.looked_at = outcome.counts.total()
    draft.changed_at = timezone.now()
    if draft.state != State.CHECKED:
        draft.content = b""


def _hand_over(draft: ImportDraft, what: Task[[int], str]) -> None:
    draft.job = what.enqueue(draft.pk).id
    draft.save(update_fields=["state", "job", "changed_at"])


# -- reading and telling -----------------------------------------------------------------------------------


def task_of(draft: ImportDraft) -> RecordImport:
    """Return the import of the draft; PermissionDenied when the person may not import such records."""
    record_type = registry.get(draft.record_type)
    return RecordImport(record_type, by=draft.person, key=draft.key, columns=_columns(draft))


def rows_of(draft: ImportDraft) -> Iterator[tuple[int, dict[str, object]]]:
    return open_draft(draft).rows


def open_draft(draft: ImportDraft) -> formats.Opened:
    """Open the file as it was explained."""
    stated = {name: draft.reading[name] for name in STATED if draft.reading.get(name)}
    knows = Headings(registry.get(draft.record_type), _columns(draft)).knows
    return formats.opened(draft.name, io.BytesIO(bytes(draft.content)), Layout(**stated), knows)


def _left_out(headings: Headings, opened: formats.Opened) -> list[str]:
    left = [name for name in opened.columns if headings.meaning(name) == LEFT_OUT]
    return [_("Columns left out: %s.") % ", ".join(left)] if left else []


def kept_columns(person: Person, record_type: str) -> dict[str, str]:
    """Return what the person said last of the headings of such files, as far as there are such fields."""
    kept = ColumnMapping.objects.filter(person=person, record_type=record_type).first()
    return _existing(record_type, kept.columns) if kept else {}


def _columns(draft: ImportDraft) -> dict[str, str]:
    return _existing(draft.record_type, draft.reading.get("columns", {}))


def _existing(record_type: str, columns: dict[str, str]) -> dict[str, str]:
    """Forget fields that an installation has taken away since."""
    fields = (LEFT_OUT, *registry.get(record_type).fields)
    return {heading: name for heading, name in columns.items() if name in fields}


def explain(draft: ImportDraft, stated: Mapping[str, object], columns: dict[str, str]) -> bool:
    """Read a file again as it is explained now, and remember of its columns for the next one; see `begin`."""
    columns = {plain(heading): name for heading, name in columns.items()}
    before = draft.reading.get("columns", {})
    draft.reading = {**stated, "columns": before | columns}
    with transaction.atomic():
        going_on = begin(draft)
        mine = {"person": draft.person, "record_type": draft.record_type}
        kept = ColumnMapping.objects.filter(**mine).first() or ColumnMapping(**mine)
        lasting = {heading: name for heading, name in columns.items() if not heading.startswith("#")}
        kept.columns = {**kept.columns, **lasting}
        kept.save()
    return going_on


def told(draft: ImportDraft) -> str:
    """Say in one sentence what came of it."""
    done = draft.state == State.DONE
    said = {
        State.CHECKED: _("%s was checked and can be imported"),
        State.DONE: _("%s was imported"),
    }.get(State(draft.state), _("%s can't be imported as it is"))
    counted = figures(Outcome.from_json(draft.outcome), done=done)
    numbers = ", ".join(f"{count} {word}" for word, count in counted if count)
    return f"{said % draft.name}: {draft.refusal or numbers}"


def figures(outcome: Outcome, *, done: bool) -> list[tuple[str, int]]:
    """List how many rows do what, with the words for it."""
    words = {
        CREATE: _("created") if done else _("to create"),
        CHANGE: _("changed") if done else _("to change"),
        UNCHANGED: _("unchanged"),
        ERROR: _("with errors"),
    }
    left_out = [(_("with something left out"), outcome.left_out)] if outcome.left_out else []
    return [(word, outcome.counts[name]) for name, word in words.items()] + left_out
