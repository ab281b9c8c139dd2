"""Export of a list, and import of a file: upload, look at what would happen, confirm, see what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from stellwerk.contexts import context_of
from stellwerk.exchange import drafts, formats
from stellwerk.exchange.export import Export
from stellwerk.exchange.headings import LEFT_OUT, Headings, plain
from stellwerk.exchange.importing import CHANGE, CREATE, Line, Outcome, RecordImport, keys_of
from stellwerk.exchange.models import WAITING, ImportDraft
from stellwerk.kernel.activity.notifications.services import mark_read_at
from stellwerk.kernel.fields.gone import Gone
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.days import today_of
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.rights import require_confirmed
from stellwerk.kernel.query.selection import Selection
from stellwerk.signed_in import SignedInRequest
from stellwerk.vocabulary import JsonValue, Text
from stellwerk.web.error_responses import refusal

OWN = ("format", "columns", "view")
"""Parameters of the export beside those that select."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What is imported, and where one goes from here."""

    label_plural: Text
    list_url: str
    import_url: str
    template_url: str


@dataclass(frozen=True, slots=True)
class Upload:
    """The form for a file, and what its columns may be."""

    form: "UploadForm"
    columns: Sequence[tuple[str, str]]
    under_way: ImportDraft | None


@dataclass(frozen=True, slots=True)
class Explaining:
    """A file of which must be said how it is read."""

    draft: ImportDraft
    form: "ExplainForm"
    opened: formats.Opened


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An import that a job has in hand."""

    draft: ImportDraft
    failed: bool
    writing: bool


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the outcome in words."""

    line: Line
    new: bool
    cells: Sequence[Sequence[str]]
    """Of each column the values before and after; none where it stays as it is."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What importing a file would do, or did."""

    draft: ImportDraft
    outcome: Outcome
    done: bool
    columns: Sequence[str]
    figures: Sequence[tuple[str, int]]
    remarks: Sequence[str]
    lines: Sequence[ShownLine]
    hidden: int
    """How many lines are not shown."""


@login_required
@require_safe
def export_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse | StreamingHttpResponse:
    """Send the list that the address describes as a file, while it is being read."""
    person = request.user
    try:
        form = formats.named(request.GET.get("format", "csv"))
        selection = Selection.parse(record_type, request.GET, person, ignoring=OWN)
        columns = [name for name in request.GET.get("columns", "").split(",") if name]
        blocks = _begun(Export(selection, columns).stream(form))
    except ValidationError as error:
        return refusal(request, error)
    name = f"{record_type.slug}-{today_of(person):%Y-%m-%d}.{form.name}"
    answer = StreamingHttpResponse(blocks, content_type=form.content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _begun(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Make the first block now, so that what cannot be written is told before anything is sent."""
    first = next(blocks, b"")

    def whole() -> Iterator[bytes]:
        yield first
        yield from blocks

    return whole()


class UploadForm(forms.Form):
    """The file to import, and the column by which its rows name their records."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV, XLSX or JSON. The first row names the columns. You can assign columns that don't match a "
            "field in the next step."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xlsm,.json"}),
    )
    key = forms.ChoiceField(
        label=gettext_lazy("Rows are known by"),
        help_text=gettext_lazy(
            "A row without a reference creates a record. A row with one changes that record."
        ),
    )

    def __init__(
        self,
        record_type: RecordType,
        data: QueryDict | None,
        files: MultiValueDict[str, UploadedFile[bytes]] | None,
    ) -> None:
        super().__init__(data, files, label_suffix="")
        choices = [(name, record_type.label_of(name)) for name in keys_of(record_type)]
        self.fields["key"] = forms.ChoiceField(
            label=self.fields["key"].label, help_text=self.fields["key"].help_text, choices=choices
        )

    def clean_file(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        try:
            formats.of_file(file.name or "")
        except ValidationError as error:
            raise ValidationError(error.messages) from None
        if (file.size or 0) > settings.UPLOAD_LIMIT:
            raise ValidationError(
                _("The file is too large. The limit is %d MB.") % (settings.UPLOAD_LIMIT // 2**20)
            )
        return file


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Take a file and show line by line what importing it would do; a large one is handed to a job."""
    person = request.user
    RecordImport(record_type, by=person)
    form = UploadForm(record_type, request.POST or None, request.FILES or None)
    if form.is_bound and form.is_valid():
        draft = _draft(record_type, person, form)
        try:
            if not drafts.begin(draft):
                raise ValidationError(_("Another import of yours is running. Wait until it's finished."))
        except ValidationError as error:
            form.add_error("file", ValidationError(error.messages))
        else:
            return _begun_with(request, record_type, draft)
    columns = [(name, record_type.label_of(name)) for name in ("reference", *record_type.settable)]
    context = context_of(_type(record_type), Upload(form, columns, drafts.under_way(person)))
    return render(request, "stellwerk/import_form.html", context, status=422 if form.is_bound else 200)


def _begun_with(request: HttpRequest, record_type: RecordType, draft: ImportDraft) -> HttpResponse:
    waits = draft.is_busy or draft.state == ImportDraft.State.UNCLEAR
    return redirect(draft) if waits else _shown(request, record_type, draft)


class ExplainForm(forms.Form):
    """How a file is to be read, and what those of its columns are that are not called like a field."""

    DELIMITERS: ClassVar[dict[str, Text]] = {
        "": gettext_lazy("Detect automatically"),
        "comma": gettext_lazy("Comma"),
        "semicolon": gettext_lazy("Semicolon"),
        "tab": gettext_lazy("Tab"),
        "pipe": gettext_lazy("Vertical bar"),
    }
    LEAVE = "-"

    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), required=False)
    header_line = forms.IntegerField(
        label=gettext_lazy("Line with the headings"), required=False, min_value=1, max_value=1_000
    )
    encoding = forms.CharField(
        label=gettext_lazy("Encoding"),
        help_text=gettext_lazy("Such as cp1250. Only needed if letters look wrong."),
        required=False,
        max_length=40,
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Columns are separated by"), required=False, choices=list(DELIMITERS.items())
    )

    def __init__(
        self, record_type: RecordType, draft: ImportDraft, opened: formats.Opened, data: QueryDict | None
    ) -> None:
        super().__init__(data, label_suffix="", initial={**draft.reading, "header_line": opened.line or None})
        own = Headings(record_type, {})
        stated = draft.reading.get("columns", {})
        self.headings = [name for name in opened.columns if not own.knows(name)]
        labels = ((name, record_type.label_of(name)) for name in ("reference", *record_type.settable))
        choices = [("", "---------"), (self.LEAVE, _("Leave it out")), *labels]
        for number, heading in enumerate(self.headings):
            known = stated.get(plain(heading))
            initial = self.LEAVE if known == LEFT_OUT else known
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=heading, required=False, choices=choices, initial=initial
            )
        self._drop_what_does_not_apply(draft, opened)

    def _drop_what_does_not_apply(self, draft: ImportDraft, opened: formats.Opened) -> None:
        is_text = formats.of_file(draft.name).name == "csv"
        applies = {
            "sheet": len(opened.sheets) > 1,
            "header_line": bool(opened.line),
            "encoding": is_text,
            "delimiter": is_text,
        }
        for name in [name for name, holds in applies.items() if not holds]:
            del self.fields[name]
        if "sheet" in self.fields:
            sheets = [(name, name) for name in opened.sheets]
            self.fields["sheet"] = forms.ChoiceField(label=_("Sheet"), choices=sheets, required=False)

    def stated(self) -> dict[str, object]:
        """Return what the form says of the file; what stands as it was found out is left to be found out again."""
        given = {name: self.cleaned_data.get(name) for name in drafts.STATED}
        return {name: value for name, value in given.items() if value}

    def columns(self) -> dict[str, str]:
        chosen = {
            heading: self.cleaned_data.get(f"column_{number}", "")
            for number, heading in enumerate(self.headings)
        }
        return {heading: LEFT_OUT if name == self.LEAVE else name for heading, name in chosen.items() if name}


def _explain(request: HttpRequest, record_type: RecordType, draft: ImportDraft) -> HttpResponse:
    """Ask how the file is to be read, and read it so."""
    try:
        opened = drafts.open_draft(draft)
    except ValidationError:
        draft.reading = {}
        opened = drafts.open_draft(draft)
    form = ExplainForm(record_type, draft, opened, request.POST or None)
    if form.is_bound and form.is_valid():
        before = dict(draft.reading)
        try:
            if not drafts.explain(draft, form.stated(), form.columns()):
                raise ValidationError(_("Another import of yours is running. Wait until it's finished."))
        except ValidationError as error:
            draft.reading = before
            form.add_error(None, ValidationError(error.messages))
        else:
            return _begun_with(request, record_type, draft)
    context = context_of(_type(record_type), Explaining(draft, form, opened))
    return render(request, "stellwerk/import_columns.html", context, status=422 if form.is_bound else 200)


def _draft(record_type: RecordType, person: Person, form: UploadForm) -> ImportDraft:
    file = form.cleaned_data["file"]
    return ImportDraft(
        person=person,
        record_type=record_type.key,
        name=file.name[-255:],
        key=form.cleaned_data["key"],
        content=file.read(),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def draft_page(request: SignedInRequest, record_type: RecordType, pk: int) -> HttpResponse:
    """Show how far an import is and what came of it; POST confirms it, once, however often the button is pressed."""
    person = request.user
    mine = ImportDraft.objects.filter(person=person, record_type=record_type.key, pk=pk)
    waiting = mine.filter(state__in=WAITING).select_related("person").first()
    if waiting and (waiting.state == ImportDraft.State.UNCLEAR or "explain" in request.GET):
        return _explain(request, record_type, waiting)
    if request.method == "POST":
        with transaction.atomic():
            draft = _found(mine.select_for_update())
            if record_type.concerns_rights:
                require_confirmed(person)
            drafts.confirm(draft)
        return redirect(draft)
    draft = _found(mine.defer("content"))
    if draft.is_busy:
        return _progress(request, record_type, draft)
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    mark_read_at(person, draft.get_absolute_url())
    return _shown(request, record_type, draft)


def _found(drafts_of_person: QuerySet[ImportDraft]) -> ImportDraft:
    draft = drafts_of_person.first()
    if draft is None:
        raise Http404(_("This file is no longer stored. Upload it again."))
    return draft


def may_import(record_type: RecordType, person: Person) -> bool:
    """Whether the page is worth offering to the person."""
    return bool(record_type.editable_fields) and policy_of(person).may_create_as_staff(record_type)


def _progress(request: HttpRequest, record_type: RecordType, draft: ImportDraft) -> HttpResponse:
    under_way = UnderWay(draft, drafts.has_failed(draft), draft.state == ImportDraft.State.RUNNING)
    context = context_of(_type(record_type), under_way)
    part = getattr(request, "htmx", False)
    return render(request, f"stellwerk/{'parts/' if part else ''}import_progress.html", context)


def _shown(request: HttpRequest, record_type: RecordType, draft: ImportDraft) -> HttpResponse:
    outcome = Outcome.from_json(draft.outcome)
    done = draft.state == ImportDraft.State.DONE
    lines = outcome.faults[: drafts.SHOWN] or outcome.lines
    names = [] if outcome.faults else list(dict.fromkeys(name for line in lines for name in line.changes))
    preview = Preview(
        draft=draft,
        outcome=outcome,
        done=done,
        columns=[record_type.label_of(name) for name in names],
        figures=drafts.figures(outcome, done=done),
        remarks=draft.reading.get("remarks", []),
        lines=_in_words(record_type, lines, names),
        hidden=max(0, _listed(outcome) - len(lines)),
    )
    context = context_of(_type(record_type), preview)
    fresh_fault = request.method == "POST" and outcome.counts["error"]
    return render(request, "stellwerk/import_preview.html", context, status=422 if fresh_fault else 200)


def _listed(outcome: Outcome) -> int:
    return outcome.counts["error"] or outcome.counts[CREATE] + outcome.counts[CHANGE]


def _in_words(record_type: RecordType, lines: list[Line], names: list[str]) -> list[ShownLine]:
    """Write the changes in the columns `names`, and what is referred to by its title."""
    fields = record_type.fields
    ids = {
        pk
        for line in lines
        for name, field in record_type.pointing.items()
        for value in line.changes.get(name, ())
        for pk in field.refers(value)
    }
    titles: dict[int | str, str] = dict(Record.objects.filter(pk__in=ids).values_list("pk", "title"))

    def said(name: str, value: JsonValue) -> str:
        field = fields.get(name) or Gone(name, name)
        return "" if field.is_empty(value) else field.text(value, titles.get)

    return [
        ShownLine(
            line,
            new=line.action == CREATE,
            cells=[[said(name, value) for value in line.changes.get(name, ())] for name in names],
        )
        for line in lines
    ]


def _type(record_type: RecordType) -> Imported:
    return Imported(
        label_plural=record_type.label_plural,
        list_url=reverse("list", args=[record_type]),
        import_url=reverse("import", args=[record_type]),
        template_url=f"{reverse('export', args=[record_type])}?format=xlsx",
    )
