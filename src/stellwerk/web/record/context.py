"""What the templates of a record's pages draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.forms.boundfield import BoundField

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.requestable import ReplyTemplate
from stellwerk.vocabulary import Text
from stellwerk.web.fields.renderer import Cell
from stellwerk.web.parts import RecordHead, Tab, TypeHead
from stellwerk.web.record.forms import FormSection, RecordForm
from stellwerk.web.record.stream import Change, StreamEntry


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """A step that can be taken; `asks` when it needs more than a click."""

    label: Text
    icon: str
    url: str
    asks: bool
    natural: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """What else can be done; `dialog` when it opens over the page."""

    title: Text
    url: str
    icon: str
    dialog: bool


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above: title, status, facts and steps."""

    record: RecordHead
    type: TypeHead
    status: Cell
    facts: Sequence[Cell]
    steps: Sequence[OfferedStep]
    menu: Sequence[MenuItem]
    version: int


@dataclass(frozen=True, slots=True)
class Property:
    """One property; without an `edit_url` it stays as it is."""

    name: str
    label: str
    value: Cell
    edit_url: str = ""
    dialog: bool = False
    to_me: str = ""
    """The reader's reference, where a button makes them the value."""
    more_url: str = ""
    """Where a long text is in full."""
    cancel_url: str = ""


@dataclass(frozen=True, slots=True)
class OthersPlace:
    """Whose other records can be looked up, and where."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class PropertySection:
    title: Text
    items: Sequence[Property]
    others: OthersPlace | None = None


@dataclass(frozen=True, slots=True)
class WordKind:
    """A kind of words that can be written: a reply, or a note."""

    value: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class ComposerStep:
    """A step that can be taken together with a reply; `form` holds the short fields that it asks for."""

    name: str
    label: Text
    form: RecordForm | None = None


@dataclass(frozen=True, slots=True)
class Composer:
    """The place to write."""

    url: str
    kinds: Sequence[WordKind]
    kind: str = ""
    hint: str = ""
    body: str = ""
    draft_url: str = ""
    mentions_url: str = ""
    templates_url: str = ""
    templates: Sequence[ReplyTemplate] = ()
    accept: str = ""
    steps: Sequence[ComposerStep] = ()
    step: str = ""
    """The step that was chosen, when the words come back because something was wrong."""
    error: str = ""
    seen: int = 0
    """How many entries the journal had when the page was made."""
    others: str = ""
    """A sentence that says who else is writing."""
    limit: int = 0
    """Megabytes of a file."""
    types: str = ""


@dataclass(frozen=True, slots=True)
class LinkedRecord:
    reference: str
    title: str
    url: str
    status: Cell
    remove_url: str


@dataclass(frozen=True, slots=True)
class LinkGroup:
    label: str
    items: Sequence[LinkedRecord]


@dataclass(frozen=True, slots=True)
class Links:
    """The links by what they say; `links_all_url` when not all are shown."""

    links: Sequence[LinkGroup]
    links_all_url: str
    link_add_url: str


@dataclass(frozen=True, slots=True)
class AttachedFile:
    name: str
    url: str
    size: int
    at: datetime
    internal: bool
    remove_url: str


@dataclass(frozen=True, slots=True)
class Watching:
    """Who follows; guests see only whether they do."""

    watchers: Sequence[str]
    watching: bool
    watch_url: str
    watcher_add_url: str


@dataclass(frozen=True, slots=True)
class SharedWith:
    name: str
    url: str
    capacity: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class Sharing:
    """With whom the record is shared, and in what capacity."""

    shares: Sequence[SharedWith] = ()
    share_add_url: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """What only the record's own page draws."""

    texts: Sequence[Property]
    stream: Sequence[StreamEntry]
    stream_tabs: Sequence[Tab]
    stream_more_url: str
    oldest_first: bool
    order_url: str
    composer: Composer | None
    sections: Sequence[PropertySection]
    attachments: Sequence[AttachedFile]
    referring_url: str
    journal_url: str
    notice: str
    record_palette_url: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a small form says: its title, a sentence, and the button; `danger` when nothing brings it back."""

    title: Text
    submit_label: Text
    text: str = ""
    danger: bool = False


@dataclass(frozen=True, slots=True)
class SmallForm:
    """A small form in a dialog, or on a page of its own."""

    title: Text
    form: forms.Form
    action: str
    submit_label: Text
    cancel_url: str
    text: str = ""
    danger: bool = False
    version: int | None = None
    """What the record was when the form was made; None where nothing is compared."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """Editing one property where it stands."""

    item: Property
    field: BoundField
    others: Sequence[BoundField]
    """What must be mended with it."""
    form: RecordForm
    version: int
    warning: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A property that was changed in place, and what else changed with it."""

    item: Property
    others: Sequence[Property]
    from_other: bool
    """Whether the record is from somebody else now."""
    from_whom: OthersPlace | None
    access: str
    """A sentence: who lost or gained access."""


@dataclass(frozen=True, slots=True)
class ComparedLine:
    label: str
    yours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """What somebody wrote against what is stored now, and who was faster."""

    conflict: Sequence[ComparedLine] = ()
    conflict_who: str = ""


@dataclass(frozen=True, slots=True)
class WholeForm:
    """Everything that may be set on a record, or on a new one; those are drafts meanwhile."""

    title: str
    form: RecordForm
    sections: Sequence[FormSection]
    cancel_url: str
    submit_label: str = ""
    draft_url: str = ""


@dataclass(frozen=True, slots=True)
class NewOf:
    """Of what type a new record is."""

    type: TypeHead


@dataclass(frozen=True, slots=True)
class FullText:
    """One long text: as HTML, or a very long one as it was written."""

    title: str
    body: str
    plain: str
    who: Person | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JournalLine:
    number: int
    at: datetime
    who: str
    action: str
    changes: Sequence[Change]
    reason: str
    internal: bool
    brought: str
    digest: str


@dataclass(frozen=True, slots=True)
class Journal:
    entries: Sequence[JournalLine]
    total: int
    next_url: str
    verify_url: str
    as_of: BoundField


@dataclass(frozen=True, slots=True)
class AsOf:
    """The record as it was at a moment, or why there is nothing to show."""

    as_of_error: str = ""
    as_of_moment: datetime | None = None
    as_of_version: int = 0
    as_of_values: Sequence[tuple[str, Cell, bool]] = ()
    """Label, value, and whether it is another today."""


@dataclass(frozen=True, slots=True)
class Seals:
    """What came of checking the journal; None before that was asked."""

    intact: bool | None = None
    intact_text: str = ""
