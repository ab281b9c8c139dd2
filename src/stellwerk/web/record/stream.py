"""Conversation and history of a record in one column, with the journal as its backbone.

Paging goes by the number of the entry, so a page costs the same whatever the length of the stream: the entries,
their comments, their files, and the names of everything mentioned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.removal import may_detach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.rendering import SHOWN_AT_ONCE, names_in, opening, render
from stellwerk.kernel.activity.comments.services import comments_of
from stellwerk.kernel.activity.notifications.messages import phrase
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import QUIET, Entry, Verb
from stellwerk.kernel.model import link_types as types
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.web.record.rendering import Names, Renderer, Shown

SIZE = 20
MOST_TEXT = 6_000
LEAST_TEXT = 250
"""Characters that the messages of a page share, and that each one may have in any case."""
CONVERSATION = (Verb.COMMENT, Verb.ATTACH)
SHOWS = ("all", "conversation", "history")
RELATED = {"@link": "", "@share": gettext_lazy("Shared with"), "@watch": gettext_lazy("Watched by")}
"""What entries say of what is related, by name; links are called after their type."""
FOR_GUESTS = (Verb.CREATE, Verb.CHANGE, Verb.TRANSITION, Verb.COMMENT, Verb.ATTACH, Verb.DETACH)


@dataclass(frozen=True)
class Change:
    """One field of an entry as people read it."""

    label: str
    before: Shown
    after: Shown


@dataclass(frozen=True)
class FileLink:
    """A file of an entry."""

    name: str
    url: str
    size: int
    remove_url: str = ""


@dataclass
class StreamEntry:
    """What parts/entry.html draws."""

    kind: str
    who: str
    at: datetime
    what: str = ""
    body: SafeString | str = ""
    changes: Sequence[Change] = ()
    files: Sequence[FileLink] = ()
    anchor: str = ""
    via: str = ""
    """Where history brought from elsewhere came from, for staff."""
    more_url: str = ""
    reason: str = ""
    faulty: str = ""


@dataclass
class Stream:
    """One page of a record's stream as `person` may read it; `entries` is in the order asked for.

    `rows` are the journal entries to draw, newest first, for who has read them already.
    """

    record: Record
    person: Person
    names: Names
    show: str = "all"
    before: int | None = None
    oldest_first: bool = False
    rows: list[Entry] | None = None
    inside: bool = field(init=False)
    has_earlier: bool = field(init=False, default=False)
    _room: int = field(init=False, default=MOST_TEXT)

    def __post_init__(self) -> None:
        self.inside = policy_of(self.person).sees_internal(self.record)
        self.page = self._read() if self.rows is None else self.rows
        self._renderer = Renderer(self.record.record_type, self.names)
        for row in self.page:
            self.names.want([row.actor_id, *self._ids(row)])

    @property
    def earliest(self) -> int:
        """The number of the earliest entry on the page: what comes before it is the next page."""
        return self.page[-1].number if self.page else 0

    def entries(self) -> list[StreamEntry]:
        """Draw the page."""
        said = comments_of(self.page)
        files = self._files(said.values())
        people = names_in((comment.body for comment in said.values()), linked=self.inside)
        drawn = [self._draw(row, said.get(row.pk), files, people) for row in self.page]
        shown = [entry for entry in drawn if entry is not None]
        return shown[::-1] if self.oldest_first else shown

    # -- reading -------------------------------------------------------------------------------------

    def _read(self) -> list[Entry]:
        rows = Entry.objects.filter(record_id=self.record.pk).filter(self._condition())
        if self.before is not None:
            rows = rows.filter(number__lt=self.before)
        found = list(rows.order_by("-number")[: SIZE + 1])
        self.has_earlier = len(found) > SIZE
        return found[:SIZE]

    def _condition(self) -> Q:
        # What is quiet stands in the full history only.
        condition = ~Q(verb__in=QUIET) if self.inside else Q(internal=False, verb__in=FOR_GUESTS)
        if self.show == "conversation":
            condition &= Q(verb__in=CONVERSATION)
        elif self.show == "history":
            condition &= ~Q(verb__in=CONVERSATION)
        return condition

    def _files(self, said: Iterable[Comment]) -> list[Attachment]:
        """Read the files of this page: those of its comments, and those that came alone."""
        instants = [row.at for row in self.page if row.verb == Verb.ATTACH]
        comments = [comment.pk for comment in said]
        if not instants and not comments:
            return []
        wanted = Q(comment__in=comments)
        if instants:
            wanted |= Q(comment=None, at__gte=min(instants), at__lte=max(instants))
        files = Attachment.objects.filter(wanted, record_id=self.record.pk)
        if not self.inside:
            files = files.filter(internal=False)
        return list(files.select_related("blob").order_by("id"))

    def _ids(self, row: Entry) -> Iterable[object]:
        pointing = self.record.record_type.pointing
        for name, pair in row.changes.items():
            if field := pointing.get(name):
                for value in pair:
                    yield from field.refers(value)
            elif name.startswith("@"):
                yield from (value.get("with") for value in _listed(pair) if isinstance(value, dict))

    # -- drawing -------------------------------------------------------------------------------------

    def _draw(
        self, row: Entry, said: Comment | None, files: list[Attachment], people: dict[str, tuple[str, str]]
    ) -> StreamEntry | None:
        reason = row.reason if self.inside else ""
        entry = StreamEntry("change", self.who(row), row.at, anchor=f"entry-{row.pk}", reason=reason)
        entry.what = phrase(row, self.record.record_type)
        if row.brought_from and self.inside and row.verb == Verb.CREATE:  # once; the full history marks each
            entry.via = _("imported from %s") % row.brought_from
        if row.verb == Verb.COMMENT:
            return self._message(entry, row, said, files, people)
        if row.verb == Verb.ATTACH:
            return self._file(entry, row, files)
        if row.verb != Verb.CREATE:
            entry.changes = list(self.changes(row))
            if not entry.changes and not (row.reason and self.inside):
                return None
            if row.verb == Verb.CHANGE:
                entry.what = ""
        return entry

    def _message(
        self,
        entry: StreamEntry,
        row: Entry,
        said: Comment | None,
        files: list[Attachment],
        people: dict[str, tuple[str, str]],
    ) -> StreamEntry:
        entry.kind = "note" if row.internal else "reply"
        if said is None:
            entry.faulty = _(
                "This text was changed after it was written: it doesn't match its seal in the journal."
            )
            return entry
        text, cut = opening(said.body, min(SHOWN_AT_ONCE, max(self._room, LEAST_TEXT)))
        self._room -= len(text)
        entry.body = render(text, people)
        if cut:
            entry.more_url = reverse("record_comment", args=[self.record.reference, said.pk])
        entry.files = [self._link(file) for file in files if file.comment_id == said.pk]
        return entry

    def _file(self, entry: StreamEntry, row: Entry, files: list[Attachment]) -> StreamEntry | None:
        name = _text(row.changes.get("@file", [None, None])[1], "name")
        entry.files = [
            self._link(file)
            for file in files
            if file.comment_id is None and (file.at, file.name) == (row.at, name)
        ]
        entry.kind = "note" if row.internal else "attachment"
        return entry if entry.files else None

    def _link(self, file: Attachment) -> FileLink:
        place = [self.record.reference, file.pk]
        removable = may_detach(file, self.record, self.person)
        remove_url = reverse("record_file_remove", args=place) if removable else ""
        return FileLink(file.name, reverse("record_file", args=place), file.blob.size, remove_url)

    def changes(self, row: Entry) -> Iterable[Change]:
        """Draw what an entry changed, as far as the reader may know."""
        readable = () if self.inside else self.record.record_type.readable_fields(internal=False)
        for name, (before, after) in row.changes.items():
            if name in RELATED:
                yield self._related(name, before, after)
            elif name == "@file":
                yield Change(_("File"), *(_text(about, "name") for about in (before, after)))
            elif not name.startswith("@") and (self.inside or name in readable):
                yield Change(
                    self._renderer.label(name),
                    self._renderer.value(name, before),
                    self._renderer.value(name, after),
                )

    def _related(self, name: str, before: object, after: object) -> Change:
        """Draw an entry about a link or a share."""
        there = [isinstance(about, dict) and about.get("origin") != "ruled_out" for about in (before, after)]
        about = next((each for each in (after, before) if isinstance(each, dict)), {})
        with_whom = about.get("with")
        found = self.names.get(with_whom) if isinstance(with_whom, int) else None
        shown = found.title if found and (found.url or name != "@link") else _("a record that you cannot see")
        label = _link_label(about) if name == "@link" else str(RELATED[name])
        return Change(label, *(shown if each else "" for each in there))

    def who(self, row: Entry) -> str:
        """Name who made an entry."""
        if row.actor_id is None:
            return "Stellwerk"
        found = self.names.get(row.actor_id)
        return found.title if found else ""


def _listed(pair: Iterable[object]) -> Iterable[object]:
    """Go through what an entry says of one or of several."""
    for each in pair:
        yield from each if isinstance(each, list) else (each,)


def _text(about: object, name: str) -> str:
    return str(about.get(name, "")) if isinstance(about, dict) else ""


def _link_label(about: dict[str, object]) -> str:
    try:
        kind = types.get(str(about["type"]))
    except LookupError:
        return str(about.get("type", ""))
    return str(kind.label if about.get("direction") == "out" else kind.inverse).capitalize()
