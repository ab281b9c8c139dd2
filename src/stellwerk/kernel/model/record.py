"""The one core table on which every record type stands."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar, cast

from django.db import models
from django.db.models.base import ModelState
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.model import registry

if TYPE_CHECKING:
    from stellwerk.kernel.model.actor import Actor
    from stellwerk.kernel.model.declaration import RecordType

R = TypeVar("R", bound="Record")
M_co = TypeVar("M_co", bound="Record", covariant=True)

_ANY_REFERENCE = "AAA-0"
Visibility = Callable[["Actor", "type[Record]"], models.Q]
_visibility: "list[Visibility]" = []


def decides_visibility(condition: Visibility) -> Visibility:
    """Make `condition` the one that `visible_to` asks; the room that knows roles and shares decides (decorator)."""
    _visibility[:] = [condition]
    return condition


def address_of(reference: str) -> str:
    """Return the address of the record with a reference; looked up once, since a list names a hundred."""
    return _address(get_script_prefix(), get_urlconf()).replace(_ANY_REFERENCE, reference)


@lru_cache(maxsize=8)
def _address(prefix: str, urlconf: str | None) -> str:
    return reverse("record", args=[_ANY_REFERENCE])


class RecordQuerySet(models.QuerySet[M_co]):
    """Records, narrowed to what somebody may see."""

    def visible_to(self, person: "Actor") -> Self:
        """Keep the records that `person` may see; the one condition used everywhere.

        The kind is said although the type's table implies it: databases do not conclude how few records it leaves.
        """
        (visible,) = _visibility
        found = self.filter(visible(person, self.model))
        return found if self.model is Record else found.filter(kind=registry.for_model(self.model).key)

    def open(self) -> Self:
        return self.filter(is_open=True)


RecordManager = models.Manager.from_queryset(RecordQuerySet)


class Record(models.Model):
    """What all records share: a reference, a title, a state, an owner and a journal.

    Written only through the verbs in `records.services`. `version` counts the writes and guards against
    lost updates; `journal_count`, `journal_head` and `journal_seal` tie the record to its journal.
    """

    STATUS_FIELDS: ClassVar[tuple[str, ...]] = ("status",)
    """What `get_status_display` reads; lists bring it along."""

    kind = models.CharField(_("kind"), max_length=40, editable=False)
    reference = models.CharField(_("reference"), max_length=24, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=250)
    status = models.CharField(_("status"), max_length=40, editable=False)
    party = models.ForeignKey(
        "kernel.Party",
        models.PROTECT,
        verbose_name=_("party"),
        null=True,
        blank=True,
        related_name="owned_records",
        db_index=False,  # record_party begins with it
        help_text=_("The organisation that owns this record."),
    )
    custom = models.JSONField(_("custom fields"), default=dict, blank=True, editable=False)
    is_open = models.BooleanField(_("open"), default=True, editable=False)
    open_to_all = models.BooleanField(
        _("visible to everyone who is signed in"), default=False, editable=False
    )
    version = models.PositiveIntegerField(_("version"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)
    updated_at = models.DateTimeField(_("updated"), editable=False)
    journal_count = models.PositiveIntegerField(default=0, editable=False)
    journal_head = models.CharField(max_length=64, default="", editable=False)
    journal_seal = models.CharField(max_length=64, default="", editable=False)

    objects = RecordManager()

    class Meta:
        verbose_name = _("record")
        verbose_name_plural = _("records")
        indexes = (
            # With the party at their end, so that who sees what is decided and counted in the index alone.
            models.Index(
                "kind",
                "is_open",
                models.F("created_at").desc(),
                models.F("id").desc(),
                "party",
                name="record_newest",
            ),
            models.Index(
                "kind", models.F("created_at").desc(), models.F("id").desc(), "party", name="record_all"
            ),
            models.Index("kind", models.F("updated_at").desc(), models.F("id").desc(), name="record_latest"),
            models.Index(
                "kind", "status", models.F("created_at").desc(), models.F("id").desc(), name="record_status"
            ),
            models.Index("party", "kind", "is_open", models.F("created_at").desc(), name="record_party"),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of(self.reference)

    @property
    def record_type(self) -> "RecordType":
        """Return the declaration of this record's type."""
        return registry.get(self.kind)

    @property
    def specific(self) -> Self:
        """Return the same record as an instance of its own type."""
        if type(self) is not Record:
            return self
        # A row of the core table is all that is not of its own type yet; what is found for it is a Record as well.
        return cast("Self", self.record_type.model._default_manager.get(pk=self.pk))

    def get_status_display(self) -> str:
        """Name the state as people read it; a type may say more, such as what is waited for."""
        return self.record_type.status_label(self.status)

    def get_status_in_brief(self) -> str:
        """Name the state in a few words, for a row of a list."""
        return self.get_status_display()


def copy_of(record: R) -> R:
    """Copy a record, with what it refers to; several times faster than the model's constructor."""
    copy = type(record).__new__(type(record))
    copy.__dict__.update(record.__dict__)
    copy._state = ModelState()
    copy._state.adding, copy._state.db = record._state.adding, record._state.db
    copy._state.fields_cache = dict(record._state.fields_cache)
    copy.custom = dict(record.custom)
    return copy


class TypedRecord(Record):
    """The base of every record type: a table of its own beside `Record`, one level deep.

    The link to the core row takes no name on `Record`, so that a type may be called like a field.
    """

    record_ptr = models.OneToOneField(
        Record, models.CASCADE, parent_link=True, primary_key=True, related_name="+"
    )

    class Meta:
        abstract = True
