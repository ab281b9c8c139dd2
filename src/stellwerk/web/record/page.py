"""The record page: header, steps, conversation and history, and everything that stands beside."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
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
from stellwerk.web.record import drafts
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


def draw(request: HttpRequest, page: "RecordPage", status: int = 200, **changes: Any) -> HttpResponse:
    """Draw the record page, in the type's own template where there is one."""
    template = select_template([f"{page.record.kind}/record_detail.html", "stellwerk/record_detail.html"])
    context = {**page.context(), **changes}
    return HttpResponse(template.render(context, request), status=status)


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

    record: Any
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

    def address(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.record.reference, *args])

    def context(self) -> dict[str, Any]:
        """Collect what record_detail.html draws."""
        stream = self.stream  # makes known whom it names, before the first name is asked for
        self.names.want(self._ids())
        return {
            **self.head(),
            "texts": list(self.texts()),
            "stream": stream.entries(),
            "stream_tabs": self.stream_tabs(),
            "stream_more_url": self._stream_url(before=stream.earliest) if stream.has_earlier else "",
            "oldest_first": stream.oldest_first,
            "order_url": self.address("record_order"),
            "composer": self.composer(),
            "sections": self.sections(),
            **self.links(),
            "attachments": self.attachments(),
            **self.watching(),
            **self.sharing(),
            "referring_url": self.address("record_referring") if referrers(self.record, self.person) else "",
            "journal_url": self.address("record_history") if self.inside else "",
            "notice": self.record_type.notice(self.record, self.person) if self.inside else "",
            "record_palette_url": f"{reverse('palette')}?record={self.record.reference}",
        }

    def head(self) -> dict[str, Any]:
        """Collect what stands above: title, status, facts and steps."""
        return {
            "record": {
                "reference": self.record.reference,
                "title": self.record.title,
                "url": self.record.get_absolute_url(),
                "ended": not self.record.is_open,
                "edit_url": self.address("record_field", "title") if self.may_change("title") else "",
            },
            "type": {
                "label": self.record_type.label,
                "label_plural": self.record_type.label_plural,
                "list_url": reverse("list", args=[self.record_type]),
                "icon": self.record_type.icon,
            },
            "status": components.status(
                self.record.status,
                self.record.get_status_display(),
                self.record_type.tone_of(self.record.status),
                pill=True,
            )
            if self.record.status
            else "",
            "facts": list(self.facts()),
            "steps": self.steps(),
            "menu": self.menu(),
            "version": self.standing.version,
        }

    # -- what the record says ------------------------------------------------------------------------

    def facts(self) -> Iterable[Any]:
        """Draw what people look for first: priority, who asks, since when."""
        leading = [name for name, field in self.record_type.own_fields.items() if field.leads]
        for name in (*leading, *requestable(self.record_type).participants[:1]):
            if self._readable(name) and self.values.get(name) is not None:
                yield self.renderer.value(name, self.values[name])
        opened = components.moment(self.record.created_at)
        yield format_html("{} {}", _("opened"), opened)
        if self.standing.updated_at != self.record.created_at:
            yield format_html("{} {}", _("updated"), components.moment(self.standing.updated_at))

    def texts(self) -> Iterable[dict[str, Any]]:
        """Draw the long texts, which read better beside the conversation than among the properties."""
        for name in self._long_texts():
            value = str(self.values.get(name) or "")
            if value:
                shown, cut = opening(value)
                yield {
                    **self.item(name, drawn=render(shown)),
                    "more_url": self.address("record_text", name) if cut else "",
                }

    def sections(self) -> list[dict[str, Any]]:
        """Arrange the properties as declared, then custom ones, then what nobody sets by hand."""
        long, drawn = set(self._long_texts()), []
        for section in self.record_type.sections:
            names = [n for n in section.fields if n not in CORE and n not in long and self._readable(n)]
            one = {"title": section.title, "items": [self.item(name) for name in names]}
            from_whom = requestable(self.record_type).participants[:1]
            drawn.append(one | ({"others": self.others()} if set(from_whom) & set(names) else {}))
        own = self.record_type.own_fields
        added = [name for name in self.fields if name not in own and self._readable(name)]
        drawn.append({"title": _("More"), "items": [self.item(name) for name in added]})
        retired = [
            name
            for name, f in self.record_type.retired_fields.items()
            if f.readable_by(internal=self.inside) and not f.is_empty(self.values.get(name))
        ]
        drawn.append({"title": _("No longer used"), "items": [self.item(name) for name in retired]})
        declared = {name for section in self.record_type.sections for name in section.fields}
        derived = [n for n in own if n not in declared and n not in long and n not in CORE]
        shown = [self.item(name) for name in derived if self.values.get(name) and self._readable(name)]
        drawn.append({"title": _("Recorded"), "items": shown})
        empty = self._empty_texts() if self.may_edit else []
        if empty:
            drawn.append({"title": _("Not filled in"), "items": [self.item(name) for name in empty]})
        return [section for section in drawn if section["items"]]

    def others(self) -> dict[str, str] | None:
        """Say where to find what else there is from whom the record is; None where the reader may not look them up."""
        for name in requestable(self.record_type).participants[:1] if self.inside else ():
            pk = self.values.get(name)
            who = self.names.get(pk) if isinstance(pk, int) else None
            if who and who.url:
                address = reverse("record_referring", args=[who.reference])
                query = urlencode({"as": name, "besides": self.record.reference})
                return {"name": who.title, "url": f"{address}?{query}"}
        return None

    def item(self, name: str, drawn: Any = None) -> dict[str, Any]:
        """Prepare one property, as parts/property.html draws it."""
        return {
            "name": name,
            "label": self.renderer.label(name),
            "value": self.renderer.value(name, self.values.get(name)) if drawn is None else drawn,
            "edit_url": self.address("record_field", name) if self.may_change(name) else "",
            "dialog": self.in_dialog(name),
            "to_me": self.person.reference if self.may_take_over(name) else "",
        }

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

    def _ids(self) -> Iterable[Any]:
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

    def steps(self) -> list[dict[str, Any]]:
        return [
            {
                "name": step.name,
                "label": step.label,
                "icon": step.icon,
                "natural": step.natural and number == 0,
                "url": self.address(step.page) if step.page else self.address("record_step", step.name),
                "asks": bool(step.fields),
            }
            for number, step in enumerate(self.possible_steps)
        ]

    def menu(self) -> list[dict[str, Any]]:
        """List what else can be done, the type's own actions first."""
        own = self.record_type.commands(self.record, self.person) if self.inside else []
        drawn = [{"title": a.title, "url": a.url, "icon": a.icon, "dialog": a.dialog} for a in own]
        general = (
            ("record_edit", _("Edit everything"), "pencil", False, self.may_edit and not self.fixed),
            ("record_links", _("Add a link"), "link", True, self.may_edit),
            ("record_watchers", _("Add a watcher"), "eye", True, self.may_edit),
            ("record_shares", _("Share"), "share-2", True, self.may_edit),
            ("record_history", _("Full history"), "history", False, self.inside),
        )
        return drawn + [
            {"title": title, "url": self.address(name), "icon": icon, "dialog": dialog}
            for name, title, icon, dialog, allowed in general
            if allowed
        ]

    def composer(self) -> dict[str, Any] | None:
        """Prepare the place to write; None for who may only read."""
        if not self.policy.may_comment(self.record):
            return None
        draft, others = drafts.at(reply_place(self.record), self.person)
        reply = (_("Reply"), _("Write a reply. Everyone on this record can read it."))
        if not requestable(self.record_type).participants:
            reply = (_("Comment"), _("Write a comment. Everyone who sees this record can read it."))
        kinds = [{"value": "reply", "label": reply[0], "hint": reply[1]}]
        if self.inside:
            hint = _("Write a note. Only staff can read it.")
            kinds.append({"value": "note", "label": _("Internal note"), "hint": hint})
        return {
            "url": self.address("record_say"),
            "kinds": kinds,
            "kind": draft.get("kind", ""),
            "hint": next((k["hint"] for k in kinds if k["value"] == draft.get("kind")), kinds[0]["hint"]),
            "body": draft.get("body", ""),
            "draft_url": reverse("draft", args=[reply_place(self.record)]),
            "mentions_url": self.address("record_mentions") if self.inside else "",
            "templates_url": self.address("record_templates"),
            "templates": requestable(self.record_type).reply_templates(self.record, self.person)
            if self.inside
            else [],
            "accept": "",
            "steps": composer_steps(self) if self.inside else [],
            "seen": self.record.journal_count,
            "others": drafts.writing(self.record, others) if self.inside else "",
            "limit": settings.UPLOAD_LIMIT // 2**20,
            "types": ", ".join(sorted(ALLOWED)),
        }

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

    def stream_tabs(self) -> list[dict[str, Any]]:
        return [
            {"title": SHOW_LABELS[show], "url": self._stream_url(show), "active": show == self.show}
            for show in SHOWS
        ]

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

    def links(self) -> dict[str, Any]:
        """Group the links by what they say; the first ones, unless all are asked for."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for link in self._links if self.all_links else self._links[:MOST_LINKS]:
            outward = link.source_id == self.record.pk
            other = self.names.get(link.target_id if outward else link.source_id)
            if other is None or not other.url:
                continue
            kind = types.get(link.type)
            declared = registry.get(other.kind)
            label, tone = declared.status_label(other.status), declared.tone_of(other.status)
            groups.setdefault(str(kind.label if outward else kind.inverse), []).append(
                {
                    "reference": other.reference,
                    "title": other.title,
                    "url": other.url,
                    "status": components.status(other.status, label, tone) if other.status else "",
                    "remove_url": self.address("record_unlink", link.pk) if self.may_edit else "",
                }
            )
        more = not self.all_links and len(self._links) > MOST_LINKS
        return {
            "links": [{"label": capfirst(label), "items": items} for label, items in groups.items()],
            "links_all_url": f"{self.record.get_absolute_url()}?links=all" if more else "",
            "link_add_url": self.address("record_links") if self.may_edit else "",
        }

    def attachments(self) -> list[dict[str, Any]]:
        files = attachments_of(self.record, self.person).order_by("-id")[:MOST_RELATED]
        return [
            {
                "name": file.name,
                "url": self.address("record_file", file.pk),
                "size": file.blob.size,
                "at": file.at,
                "internal": file.internal,
                "remove_url": self.address("record_file_remove", file.pk)
                if may_detach(file, self.record, self.person)
                else "",
            }
            for file in files
        ]

    def watching(self) -> dict[str, Any]:
        """Who follows; guests see only whether they do."""
        people = dict(watchers_of(self.record).values_list("pk", "title")[:MOST_RELATED])
        return {
            "watchers": [title for pk, title in people.items() if self.inside or pk == self.person.pk],
            "watching": self.person.pk in people,
            "watch_url": self.address("record_watch"),
            "watcher_add_url": self.address("record_watchers") if self.may_edit else "",
        }

    def sharing(self) -> dict[str, Any]:
        """With whom the record is shared, and in what capacity."""
        if not self.inside:
            return {"shares": []}
        drawn = []
        for share in self._shares[:MOST_RELATED]:
            name = self.names.get(share.party_id or share.person_id or 0)
            if name:
                drawn.append(
                    {
                        "name": name.title,
                        "url": name.url,
                        "capacity": share.get_capacity_display(),
                        "remove_url": self.address("record_unshare", share.pk) if self.may_edit else "",
                    }
                )
        return {"shares": drawn, "share_add_url": self.address("record_shares") if self.may_edit else ""}


def reply_place(record: Record) -> str:
    """Name the place under which what is written on a record is kept until it is sent."""
    return f"{drafts.REPLY}:{record.reference}"


def composer_steps(page: RecordPage) -> list[dict[str, Any]]:
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
        drawn.append({"name": step.name, "label": step.label, "form": form if names else None})
    return drawn
