"""RecordType: the one declaration from which a type's lists, pages, API, exchange and permissions follow."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, cast

from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst, slugify
from django.utils.translation import override
from typing_extensions import TypeVar

from stellwerk.kernel.fields.added import added_to, formerly_added_to
from stellwerk.kernel.fields.build import of_column
from stellwerk.kernel.fields.field import Column, Field
from stellwerk.kernel.model.roles import Access, Role
from stellwerk.kernel.model.values import journaled_fields
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.model.workflow import Workflow
from stellwerk.vocabulary import Text, Values

if TYPE_CHECKING:
    from stellwerk.kernel.model.actor import Actor
    from stellwerk.kernel.model.record import Record

R = TypeVar("R", bound="Record", default="Record")

CORE_DATES = ("created_at", "updated_at")


@dataclass(frozen=True)
class Section:
    """A titled group of fields on a form and on the record's page."""

    title: Text
    fields: Sequence[str]


@dataclass(frozen=True)
class View:
    """A list as people often want it; `query` is that of its address (see `records.selection`)."""

    name: str
    title: Text
    query: str
    empty: Text = ""
    """What to say, and teach, when nothing is in it."""


@dataclass(frozen=True)
class RecordCommand:
    """Something that can be done to a record beyond its steps; `url` is a page, opened as a dialog if `dialog`."""

    title: Text
    url: str
    icon: str = "arrow-right"
    dialog: bool = False


class RecordType(Generic[R]):
    """Declare a record type: set the attributes, override a method where an attribute does not reach.

    Names of fields are those of the model; a wrong one fails at start-up (`manage.py check`).
    """

    model: type[R]
    prefix: str
    """Two to four capital letters that begin every reference: INC in INC-000042."""
    process: str = ""
    """The process that role assignments may be limited to, such as "incidents"."""
    icon: str = "file-text"
    """A lucide icon's name."""
    access: ClassVar[dict[Role, Access]] = {}
    """How far each role goes. Administrators may everything; a requester's level counts on records shared with them."""
    columns: ClassVar[Sequence[str]] = ("reference", "title", "status", "updated_at")
    filters: ClassVar[Sequence[str]] = ("status", "party")
    search: ClassVar[Sequence[str]] = ("title",)
    ordering: ClassVar[str] = "-created_at"
    views: ClassVar[Sequence[View]] = ()
    """Tabs above the list; the first is where people land. Without any: what is open, and all."""
    sections: ClassVar[Sequence[Section]] = ()
    workflow: Workflow | None = None
    shown_to_requesters: ClassVar[Sequence[str]] = ("title", "status")
    """Fields that somebody without a staff role on the record may read."""
    labels: ClassVar[Mapping[str, Text]] = {}
    """What fields are called here where that differs from their model, such as "name" for a person's title."""
    workers: ClassVar[Sequence[str]] = ()
    """References to who works on a record: people, teams, and what a party provides, such as a service. They must be able
    to work on the very record; it is shared with their party where only that is missing."""
    in_charge: ClassVar[Sequence[str]] = ()
    """References to people and teams in charge of such records: they must be in use when they are chosen."""
    seldom_changes: ClassVar[bool] = False
    """Whether such records are looked up far more often than written, so that processes remember them."""
    seen_with_party: ClassVar[bool] = False
    """Whether the staff of a provider may read such records of the parties that are shared with it as one of its own."""
    scope: ClassVar[str] = "party"
    """The field that holds the owning party, against which role assignments are matched.

    Empty: such records belong to the whole installation. The staff of every party reads them; only roles that are not
    limited to a party write them.
    """

    # -- names ---------------------------------------------------------------------------------------

    @cached_property
    def key(self) -> str:
        """The type's name in URLs, API and exchange files, such as "service_request"."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.model.__name__).lower()

    @cached_property
    def slug(self) -> str:
        """The type's part of web addresses, its English plural with dashes, such as "service-requests"."""
        with override(None):
            return slugify(str(self.label_plural))

    @property
    def label(self) -> Text:
        return self.model._meta.verbose_name or self.key

    @property
    def label_plural(self) -> Text:
        return self.model._meta.verbose_name_plural or self.key

    # -- fields --------------------------------------------------------------------------------------

    @property
    def fields(self) -> dict[str, Field]:
        """All fields in one order: the reference, those of the sections, what the type keeps, added ones, the dates."""
        added = added_to(self.key)
        if not added:
            return self.own_fields
        dates = {name: self.own_fields[name] for name in CORE_DATES}
        return {name: f for name, f in self.own_fields.items() if name not in dates} | added | dates

    @property
    def retired_fields(self) -> dict[str, Field]:
        """The fields that an installation added and no longer uses; records may still hold their values."""
        return formerly_added_to(self.key)

    @cached_property
    def own_fields(self) -> dict[str, Field]:
        """The fields that the declaration knows; whoever asks for those that an installation added asks `fields`."""
        in_sections = [name for section in self.sections for name in section.fields]
        kept = [field.name for field in self.journaled]
        names = dict.fromkeys(["reference", *in_sections, "status", *kept, *CORE_DATES])
        return {name: self.own_field(name) for name in names}

    @cached_property
    def pointing(self) -> dict[str, Field]:
        """The fields that point to other records, each to one or to several."""
        return {name: field for name, field in self.own_fields.items() if field.target}

    def own_field(self, name: str) -> Field:
        """Make the field of a column; FieldDoesNotExist when there is none."""
        # Not when it was updated: that tells guests of what they may not read (see `permissions.guest_view`).
        always = name in ("reference", "created_at")
        shown = always or name in self.shown_to_requesters
        field = of_column(self.field(name), self.field_label(name), shown_to_guests=shown)
        if name == "status" and self.workflow:
            field.choices, field.tones = self.workflow.statuses.choices, self.workflow.tones
        return field

    def readable_fields(self, *, internal: bool) -> dict[str, Field]:
        """The fields that may be read of a record: all by who works on it, by guests those shown to requesters."""
        return {name: field for name, field in self.fields.items() if field.readable_by(internal=internal)}

    def follows_from_state(self, record: R, status: str, at: datetime) -> Values:
        """Return what is so of a record because a log from elsewhere says that it came into a state at an instant.

        Logs jump between states as no step does. The record is as it was before.
        """
        return {}

    def label_of(self, name: str) -> str:
        """Return a field's name as a label; never fails for one that is gone."""
        field = self.own_fields.get(name) or self.fields.get(name) or self.retired_fields.get(name)
        return field.title if field else capfirst(name.removeprefix("custom.").replace("_", " "))

    @cached_property
    def journaled(self) -> tuple[Column, ...]:
        return journaled_fields(self.model)

    @cached_property
    def editable_fields(self) -> list[str]:
        """The fields that forms, API and import may set: those named in the sections."""
        return [name for section in self.sections for name in section.fields if self.field(name).editable]

    @property
    def settable(self) -> dict[str, Field]:
        """The editable fields and, after them, those that an installation added."""
        return {name: self.own_fields[name] for name in self.editable_fields} | added_to(self.key)

    @cached_property
    def references(self) -> dict[str, type["Record"]]:
        """The fields that point to other records, with the model each points to."""
        return {
            name: cast("type[Record]", field.target)
            for name, field in self.own_fields.items()
            if field.target and not field.many
        }

    def field(self, name: str) -> Column:
        """Return the column called `name`; FieldDoesNotExist when there is none."""
        column = self.model._meta.get_field(name)
        if not column.concrete:  # Django counts what points here from elsewhere, such as comments
            raise FieldDoesNotExist(f"{self.key} has no column {name}.")
        return column

    def field_label(self, name: str) -> Text:
        """Return what people call a field, in small letters."""
        return self.labels.get(name) or self.field(name).verbose_name

    # -- states --------------------------------------------------------------------------------------

    @property
    def initial_status(self) -> str:
        return str(self.workflow.initial) if self.workflow else ""

    def status_label(self, status: str) -> str:
        if not self.workflow:
            return status
        return (
            str(self.workflow.statuses(status).label) if status in self.workflow.statuses.values else status
        )

    def tone_of(self, status: str) -> str:
        """Return how a state looks, one of the tones of workflows; "" where none is declared."""
        return self.workflow.tones.get(status, "") if self.workflow else ""

    def is_open(self, record: R) -> bool:
        """Whether work is left on the record; kept in `Record.is_open`."""
        return self.workflow.is_open(record) if self.workflow else True

    # -- rules: override what the process insists on --------------------------------------------------

    def defaults(self, by: "Actor", via: Via) -> dict[str, object]:
        """Values of a new record before the given ones are laid over; `via` says how it comes in."""
        return {"party": by.party_id}

    def derive(self, record: R, before: R | None) -> None:
        """Set what follows from other values, such as a priority; `before` is None for a new record."""

    def validate(self, record: R, before: R | None) -> None:
        """Raise ValidationError when the record as a whole is not acceptable."""

    def placed_in(self, record: R) -> int | None:
        """Return the party whose staff may put such a record where it is; asked when it is created or moved."""
        return record.party_id if self.scope else None

    def authorise(self, record: R, before: R | None, by: "Actor") -> None:
        """Raise PermissionDenied where the write gives or takes rights that `by` does not hold (`access.rights`)."""

    @property
    def concerns_rights(self) -> bool:
        """Whether writing such records may give or take rights."""
        return type(self).authorise is not RecordType.authorise

    def fixed(self, record: R) -> str:
        """Say why the record's fields can no longer be changed, so that pages do not offer it; "" while they can."""
        return ""

    def open_to_all(self, record: R) -> bool:
        """Whether everyone signed in may see the record; kept in `Record.open_to_all`."""
        return False

    @property
    def has_open_records(self) -> bool:
        """Whether `open_to_all` says yes for any record of this type."""
        return type(self).open_to_all is not RecordType.open_to_all

    def complete(self, records: Sequence[R]) -> None:
        """Fill in of records that are about to be told what an earlier version kept elsewhere; nothing is saved."""

    # -- text for the search ------------------------------------------------------------------------

    def search_text(self, record: R) -> tuple[str, str]:
        """Return what requesters may find the record by, and what only staff may."""
        public: list[str] = []
        internal: list[str] = []
        for name in self.search:
            if name in ("title", "reference"):
                continue
            value = getattr(record, name)
            if value:
                open_to_guests = self.own_fields[name].readable_by(internal=False)
                (public if open_to_guests else internal).append(str(value))
        return "\n".join(public), "\n".join(internal)

    # -- pages: override for what only this type has ---------------------------------------------------

    def commands(self, record: R, by: "Actor") -> list[RecordCommand]:
        """List what `by` can do to the record beyond its steps."""
        return []

    def notice(self, record: R, by: "Actor") -> str:
        """Say what a reader must know first, such as that another record goes on with it."""
        return ""
