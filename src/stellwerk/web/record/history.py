"""The full journal of a record: every entry, the state as of any moment, and the proof that nobody touched it."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.notifications.messages import phrase
from stellwerk.kernel.audit.roster import Roster
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import machine_values
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.record.context import AsOf, Journal, JournalLine, Seals
from stellwerk.web.record.lookup import inside_record
from stellwerk.web.record.page import RecordPage
from stellwerk.web.record.rendering import moment_of
from stellwerk.web.record.stream import Stream

SIZE = 50
MOST_FAULTS = 20


class AsOfForm(forms.Form):
    """The moment to look back to."""

    at = forms.CharField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}), required=False
    )


@login_required
@require_safe
def history_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Show the journal: `before` pages, `verify` checks the seals, `at` shows the record as it was then."""
    person = request.user
    page = RecordPage(inside_record(person, reference), person)
    before = request.GET.get("before", "")
    entries = Entry.objects.filter(record_id=page.record.pk).order_by("-number")
    if before.isdecimal() and len(before) < 10:
        entries = entries.filter(number__lt=int(before))
    rows = list(entries[: SIZE + 1])
    asked = AsOfForm(request.GET if request.GET.get("at") else None)
    journal = Journal(
        entries=drawn(page, rows[:SIZE]),
        total=page.record.journal_count,
        next_url=f"?before={rows[SIZE - 1].number}" if len(rows) > SIZE else "",
        verify_url=f"{reverse('record_history', args=[page.record.reference])}?verify=1",
        as_of=asked["at"],
    )
    then = _as_of(page, request.GET.get("at", ""))
    seals = _verified(page.record) if "verify" in request.GET else Seals()
    context = context_of(page.head(), journal, then, seals)
    return render(request, "stellwerk/journal.html", context, status=422 if then.as_of_error else 200)


def drawn(page: RecordPage, rows: list[Entry]) -> list[JournalLine]:
    """Draw journal entries for the table."""
    stream = Stream(page.record, page.person, page.names, rows=rows)
    return [
        JournalLine(
            number=row.number,
            at=row.at,
            who=stream.who(row),
            action=phrase(row, page.record_type),
            changes=list(stream.changes(row)),
            reason=row.reason,
            internal=row.internal,
            brought=row.brought_from,
            digest=row.digest[:10],
        )
        for row in rows
    ]


def _as_of(page: RecordPage, text: str) -> AsOf:
    """Rebuild the record as it was at a moment; says so when there was nothing yet."""
    if not text:
        return AsOf()
    moment = moment_of(text)
    if moment is None:
        return AsOf(_("Give a date and time, such as 2026-03-31 14:00."))
    past = as_of(page.record, moment)
    if past is None:
        return AsOf(_("It didn't exist yet at that moment. Choose a later one."))
    values = machine_values(past)
    page.names.want(page.renderer.ids(values))
    return AsOf(
        as_of_moment=timezone.localtime(moment),
        as_of_version=past.version,
        as_of_values=[
            (page.renderer.label(name), page.renderer.value(name, value), value != page.values.get(name))
            for name, value in values.items()
        ],
    )


def _verified(record: Record) -> Seals:
    """Check the record's seals now and say what came of it; its files are read by `stellwerk journal verify` alone."""
    verification = Verification(Record.objects.filter(pk=record.pk), Roster.current(), contents=False)
    faults = [str(fault) for fault in verification.faults()]
    if faults:
        text = _("The journal was changed after it was written: %s") % " ".join(faults[:MOST_FAULTS])
    else:
        text = (
            ngettext(
                "The seals of %d entry are intact, and the record matches its journal.",
                "The seals of all %d entries are intact, and the record matches its journal.",
                verification.entries,
            )
            % verification.entries
        )
    return Seals(not faults, text)
