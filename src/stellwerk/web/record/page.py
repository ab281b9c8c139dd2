"""The record page: header, steps, conversation and history, and everything that stands beside."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import select_template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.attachments.content import ALLOWED
from stellwerk.kernel.activity.attachments.removal import may_detach
from stellwerk.kernel.activity.attachments.services import attachments_of
from stellwerk.kernel.activity.comments.rendering import opening, render
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.notifications.services import mark_read
from stellwerk.kernel.activity.watching.services import watchers_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import link_types as types
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.values import MachineValue, machine_values
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.permissions.guest_view import Standing, standing
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.share import Share
from stellwerk.signed_in import SignedInRequest
from stellwerk.web import components
from stellwerk.web.fields.renderer import Cell
from stellwerk.web.parts import RecordHead, Tab, TypeHead
from stellwerk.web.record import drafts
from stellwerk.web.record.context import (
    AttachedFile,
    Composer,
    ComposerStep,
    Detail,
    Head,
    LinkedRecord,
    LinkGroup,
    Links,
    MenuItem,
    OfferedStep,
    OthersPlace,
    Property,
    PropertySection,
    SharedWith,
    Sharing,
    Watching,
    WordKind,
)
from stellwerk.web.record.forms import RecordForm
from stellwerk.web.record.lookup import visible_record
from stellwerk.web.record.referring import referrers
from stellwerk.web.record.rendering import Names, Renderer
from stellwerk.web.record.stream import SHOWS, Stream

MOST_RELATED = 50
MOST_LINKS = 8
MOST_LINKED = 500
SHOW_LABELS = {
    "all": gettext_lazy("All"),
    "conversation": gettext_lazy("Conversation"),
    "history": gettext_lazy("History"),
}
CORE = ("title", "status")


@login_required
@require_safe
def record_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Show a record; `show` filters the stream, `before` goes on with what is earlier."""
    person = request.user
    record = visible_record(person, reference)
    page = RecordPage(record, person)
    if requestable(record.record_type).portal_page and not page.inside:
        return redirect(requestable(record.record_type).portal_page, record.reference)
    show = request.GET.get("show", "")
    before = request.GET.get("before", "")
    page.show = show if show in SHOWS else "all"
    page.before = int(before) if before.isdecimal() and len(before) < 10 else None
    page.all_links = request.GET.get("links") == "all"
    mark_read(person, record)
    return draw(request, page)


def draw(
    request: HttpRequest, page: "RecordPage", status: int = 200, composer: Composer | None = None
) -> HttpResponse:
    """Draw the record page, in the type's own template where there is one; `composer` stands in for its own."""
    template = select_template([f"{page.record.kind}/record_detail.html", "stellwerk/record_detail.html"])
    return HttpResponse(template.render(page.context(composer), request), status=status)


@login_required
@require_POST
def order_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Turn the reader's conversations round: newest first, or oldest first."""
    person = request.user
    record = visible_record(person, reference)
    oldest = request.POST.get("order") == Person.StreamOrder.OLDEST_FIRST
    person.stream_order = Person.StreamOrder.OLDEST_FIRST if oldest else Person.StreamOrder.NEWEST_FIRST
    person.save(update_fields=["stream_order"])
    return redirect(record)


@dataclass
class RecordPage:
    """What one person sees of one record. Everything it names is read in one query."""

    record: Record
    person: Person
    show: str = "all"
    before: int | None = None
    all_links: bool = False
    names: Names = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.person)
        self.record_type = self.record.record_type
        self.policy = policy_of(self.person)
        self.inside = self.policy.sees_internal(self.record)
        self.may_edit = self.policy.may_edit(self.record)
        self.fixed = self.record_type.fixed(self.record)
        self.renderer = Renderer(self.record_type, self.names)
        self.fields, self.settable = self.record_type.fields, self.record_type.settable
        self.values: dict[str, MachineValue] = machine_values(self.record)

    @cached_property
    def standing(self) -> Standing:
        """Version and last update, as the person sees them."""
        return standing(self.record, self.person)

    def address(self, name: str, *args: str | int) -> str:
        return reverse(name, args=[self.record.reference, *args])

    def context(self, composer: Composer | None = None) -> dict[str, object]:
        """Collect what record_detail.html draws."""
        stream = self.stream  # makes known whom it names, before the first name is asked for
        self.names.want(self._ids())
        detail = Detail(
            texts=list(self.texts()),
            stream=stream.entries(),
            stream_tabs=self.stream_tabs(),
            stream_more_url=self._stream_url(before=stream.earliest) if stream.has_earlier else "",
            oldest_first=stream.oldest_first,
            order_url=self.address("record_order"),
            composer=composer or self.composer(),
            sections=self.sections(),
            attachments=self.attachments(),
            referring_url=self.address("record_referring") if referrers(self.record, self.person) else "",
            journal_url=self.address("record_history") if self.inside else "",
            notice=self.record_type.notice(self.record, self.person) if self.inside else "",
            record_palette_url=f"{reverse('palette')}?record={self.record.reference}",
        )
        return context_of(self.head(), detail, self.links(), self.watching(), self.sharing())

    def head(self) -> Head:
        """Collect what stands above."""
        record, record_type = self.record, self.record_type
        status, tone = record.get_status_display(), record_type.tone_of(record.status)
        return Head(
            record=RecordHead(
                record.reference,
                record.title,
                record.get_absolute_url(),
                ended=not record.is_open,
                edit_url=self.address("record_field", "title") if self.may_change("title") else "",
            ),
            type=TypeHead(
                record_type.label,
                record_type.label_plural,
                reverse("list", args=[record_type]),
                record_type.icon,
            ),
            status=components.status(record.status, status, tone, pill=True) if record.status else "",
            facts=list(self.facts()),
            steps=self.steps(),
            menu=self.menu(),
            version=self.standing.version,
        )

    # -- what the record says ------------------------------------------------------------------------

    def facts(self) -> Iterable[Cell]:
        """Draw what people look for first: priority, who asks, since when."""
        leading = [name for name, field in self.record_type.own_fields.items() if field.leads]
        for name in (*leading, *requestable(self.record_type).participants[:1]):
            if self._readable(name) and self.values.get(name) is not None:
                yield self.renderer.value(name, self.values[name])
        opened = components.moment(self.record.created_at)
        yield format_html("{} {}", _("opened"), opened)
        if self.standing.updated_at != self.record.created_at:
            yield format_html("{} {}", _("updated"), components.moment(self.standing.updated_at))

    def texts(self) -> Iterable[Property]:
        """Draw the long texts, which read better beside the conversation than among the properties."""
        for name in self._long_texts():
            value = str(self.values.get(name) or "")
            if value:
                shown, cut = opening(value)
                more_url = self.address("record_text", name) if cut else ""
                yield replace(self.item(name), value=render(shown), more_url=more_url)

    def sections(self) -> list[PropertySection]:
        """Arrange the properties as declared, then custom ones, then what nobody sets by hand."""
        long, drawn = set(self._long_texts()), []
        from_whom = requestable(self.record_type).participants[:1]
        for section in self.record_type.sections:
            names = [n for n in section.fields if n not in CORE and n not in long and self._readable(n)]
            others = self.others() if set(from_whom) & set(names) else None
            drawn.append(PropertySection(section.title, [self.item(name) for name in names], others))
        own = self.record_type.own_fields
        added = [name for name in self.fields if name not in own and self._readable(name)]
        drawn.append(PropertySection(_("More"), [self.item(name) for name in added]))
        retired = [
            name
            for name, f in self.record_type.retired_fields.items()
            if f.readable_by(internal=self.inside) and not f.is_empty(self.values.get(name))
        ]
        drawn.append(PropertySection(_("No longer used"), [self.item(name) for name in retired]))
        declared = {name for section in self.record_type.sections for name in section.fields}
        derived = [n for n in own if n not in declared and n not in long and n not in CORE]
        shown = [self.item(name) for name in derived if self.values.get(name) and self._readable(name)]
        drawn.append(PropertySection(_("Recorded"), shown))
        empty = self._empty_texts() if self.may_edit else []
        drawn.append(PropertySection(_("Not filled in"), [self.item(name) for name in empty]))
        return [section for section in drawn if section.items]

    def others(self) -> OthersPlace | None:
        """Say where to find what else there is from whom the record is; None where the reader may not look them up."""
        for name in requestable(self.record_type).participants[:1] if self.inside else ():
            pk = self.values.get(name)
            who = self.names.get(pk) if isinstance(pk, int) else None
            if who and who.url:
                address = reverse("record_referring", args=[who.reference])
                query = urlencode({"as": name, "besides": self.record.reference})
                return OthersPlace(who.title, f"{address}?{query}")
        return None

    def item(self, name: str) -> Property:
        """Prepare one property, as parts/property.html draws it."""
        return Property(
            name=name,
            label=self.renderer.label(name),
            value=self.renderer.value(name, self.values.get(name)),
            edit_url=self.address("record_field", name) if self.may_change(name) else "",
            dialog=self.in_dialog(name),
            to_me=self.person.reference if self.may_take_over(name) else "",
        )

    def in_dialog(self, name: str) -> bool:
        """Whether a field is edited in a dialog, because it needs more room than its place on the page has."""
        field = self.fields.get(name)
        return name in CORE or (field is not None and field.is_text)

    def may_change(self, name: str) -> bool:
        return self.may_edit and name in self.settable and not self.fixed

    def may_take_over(self, name: str) -> bool:
        """Whether this field says in whose hands the record is, and the person could have it in theirs."""
        others = self.values.get(name) != self.person.pk
        return name == requestable(self.record_type).assignee and others and self.may_change(name)

    def _readable(self, name: str) -> bool:
        field = self.fields.get(name)
        return field is not None and field.readable_by(internal=self.inside)

    def _long_texts(self) -> list[str]:
        return [name for name, field in self.fields.items() if field.is_text and self._readable(name)]

    def _empty_texts(self) -> list[str]:
        return [n for n in self._long_texts() if not self.values.get(n) and self.may_change(n)]

    @property
    def _shares(self) -> list[Share]:
        return sorted(self.policy.shares_of(self.record), key=lambda share: share.pk)

    def _ids(self) -> Iterable[int | None]:
        yield from self.renderer.ids(self.values)
        yield from (share.party_id or share.person_id for share in self._shares)
        for link in self._links:
            yield from (link.source_id, link.target_id)

    # -- what can be done ----------------------------------------------------------------------------

    @cached_property
    def possible_steps(self) -> list[Transition]:
        """The steps that the person may take now and that would not be refused, natural ones first."""
        if not self.record_type.workflow:
            return []
        steps = self.record_type.workflow.steps_from(self.record.status)
        allowed = (step for step in steps if self.policy.may_take(step, self.record))
        return [step for step in allowed if step.is_worth_offering(self.record)]

    def steps(self) -> list[OfferedStep]:
        return [
            OfferedStep(
                name=step.name,
                label=step.label,
                icon=step.icon,
                natural=step.natural and number == 0,
                url=self.address(step.page) if step.page else self.address("record_step", step.name),
                asks=bool(step.fields),
            )
            for number, step in enumerate(self.possible_steps)
        ]

    def menu(self) -> list[MenuItem]:
        """List what else can be done, the type's own actions first."""
        own = self.record_type.commands(self.record, self.person) if self.inside else []
        general = (
            ("record_edit", _("Edit everything"), "pencil", False, self.may_edit and not self.fixed),
            ("record_links", _("Add a link"), "link", True, self.may_edit),
            ("record_watchers", _("Add a watcher"), "eye", True, self.may_edit),
            ("record_shares", _("Share"), "share-2", True, self.may_edit),
            ("record_history", _("Full history"), "history", False, self.inside),
        )
        return [MenuItem(command.title, command.url, command.icon, command.dialog) for command in own] + [
            MenuItem(title, self.address(name), icon, dialog)
            for name, title, icon, dialog, allowed in general
            if allowed
        ]

    def composer(self) -> Composer | None:
        """Prepare the place to write; None for who may only read."""
        if not self.policy.may_comment(self.record):
            return None
        draft, others = drafts.at(reply_place(self.record), self.person)
        kinds = [WordKind("reply", _("Reply"), _("Write a reply. Everyone on this record can read it."))]
        if not requestable(self.record_type).participants:
            hint = _("Write a comment. Everyone who sees this record can read it.")
            kinds = [WordKind("reply", _("Comment"), hint)]
        if self.inside:
            kinds.append(WordKind("note", _("Internal note"), _("Write a note. Only staff can read it.")))
        kind = draft.get("kind", "")
        templates = requestable(self.record_type).reply_templates if self.inside else None
        return Composer(
            url=self.address("record_say"),
            kinds=kinds,
            kind=kind,
            hint=next((each.hint for each in kinds if each.value == kind), kinds[0].hint),
            body=draft.get("body", ""),
            draft_url=reverse("draft", args=[reply_place(self.record)]),
            mentions_url=self.address("record_mentions") if self.inside else "",
            templates_url=self.address("record_templates"),
            templates=templates(self.record, self.person) if templates else [],
            steps=composer_steps(self) if self.inside else [],
            seen=self.record.journal_count,
            others=drafts.writing(self.record, others) if self.inside else "",
            limit=settings.UPLOAD_LIMIT // 2**20,
            types=", ".join(sorted(ALLOWED)),
        )

    # -- what stands beside --------------------------------------------------------------------------

    @cached_property
    def stream(self) -> Stream:
        return Stream(
            self.record,
            self.person,
            self.names,
            self.show,
            self.before,
            self.person.stream_order == Person.StreamOrder.OLDEST_FIRST,
        )

    def stream_tabs(self) -> list[Tab]:
        return [Tab(SHOW_LABELS[show], self._stream_url(show), show == self.show) for show in SHOWS]

    def _stream_url(self, show: str | None = None, before: int | None = None) -> str:
        show = show or self.show
        query = [f"show={show}"] if show != "all" else []
        query += [f"before={before}"] if before else []
        return f"{self.record.get_absolute_url()}{'?' if query else ''}{'&'.join(query)}"

    @cached_property
    def _links(self) -> list[Link]:
        """The first links in both directions, whether or not the other end is visible."""
        mine = Q(source_id=self.record.pk) | Q(target_id=self.record.pk)
        most = MOST_LINKED if self.all_links else MOST_LINKS + 1
        return list(Link.objects.filter(mine).exclude(origin=Link.Origin.RULED_OUT).order_by("id")[:most])

    def links(self) -> Links:
        """Group the links by what they say; the first ones, unless all are asked for."""
        groups: dict[str, list[LinkedRecord]] = {}
        for link in self._links if self.all_links else self._links[:MOST_LINKS]:
            outward = link.source_id == self.record.pk
            other = self.names.get(link.target_id if outward else link.source_id)
            if other is None or not other.url:
                continue
            kind = types.get(link.type)
            declared = registry.get(other.kind)
            label, tone = declared.status_label(other.status), declared.tone_of(other.status)
            groups.setdefault(str(kind.label if outward else kind.inverse), []).append(
                LinkedRecord(
                    reference=other.reference,
                    title=other.title,
                    url=other.url,
                    status=components.status(other.status, label, tone) if other.status else "",
                    remove_url=self.address("record_unlink", link.pk) if self.may_edit else "",
                )
            )
        more = not self.all_links and len(self._links) > MOST_LINKS
        return Links(
            links=[LinkGroup(capfirst(label), items) for label, items in groups.items()],
            links_all_url=f"{self.record.get_absolute_url()}?links=all" if more else "",
            link_add_url=self.address("record_links") if self.may_edit else "",
        )

    def attachments(self) -> list[AttachedFile]:
        files = attachments_of(self.record, self.person).order_by("-id")[:MOST_RELATED]
        return [
            AttachedFile(
                name=file.name,
                url=self.address("record_file", file.pk),
                size=file.blob.size,
                at=file.at,
                internal=file.internal,
                remove_url=self.address("record_file_remove", file.pk)
                if may_detach(file, self.record, self.person)
                else "",
            )
            for file in files
        ]

    def watching(self) -> Watching:
        people = dict(watchers_of(self.record).values_list("pk", "title")[:MOST_RELATED])
        return Watching(
            watchers=[title for pk, title in people.items() if self.inside or pk == self.person.pk],
            watching=self.person.pk in people,
            watch_url=self.address("record_watch"),
            watcher_add_url=self.address("record_watchers") if self.may_edit else "",
        )

    def sharing(self) -> Sharing:
        if not self.inside:
            return Sharing()
        drawn = []
        for share in self._shares[:MOST_RELATED]:
            name = self.names.get(share.party_id or share.person_id or 0)
            if name:
                remove_url = self.address("record_unshare", share.pk) if self.may_edit else ""
                drawn.append(SharedWith(name.title, name.url, share.get_capacity_display(), remove_url))
        return Sharing(drawn, self.address("record_shares") if self.may_edit else "")


def reply_place(record: Record) -> str:
    """Name the place under which what is written on a record is kept until it is sent."""
    return f"{drafts.REPLY}:{record.reference}"


def composer_steps(page: RecordPage) -> list[ComposerStep]:
    """Offer the steps that can be taken together with a reply, each with the short fields that it asks for.

    A text that a step asks for is the reply itself.
    """
    drawn = []
    for step in page.possible_steps:
        names = [name for name in step.asks if not page.fields[name].is_text]
        if any(page.fields[name].target for name in names):
            continue  # asks for more than fits here: the step has a form of its own
        form = RecordForm(page.record_type, names, page.person, prefix=step.name)
        for asked in form.fields.values():
            if isinstance(
                asked.widget, forms.Select
            ):  # its first line names it, for there is no room for a label
                named = [pair for pair in asked.widget.choices if pair[0]]
                asked.widget.choices = [("", f"{asked.label} …"), *named]
        drawn.append(ComposerStep(step.name, step.label, form if names else None))
    return drawn
