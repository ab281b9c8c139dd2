"""The journal: one entry per write, chained by a keyed hash."""

from collections.abc import Sequence
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.model.values import Changes
from stellwerk.vocabulary import JsonValue


class Verb(models.TextChoices):
    """What a journal entry says was done."""

    CREATE = "create", _("created")
    CHANGE = "change", _("changed")
    TRANSITION = "transition", _("moved")
    COMMENT = "comment", _("commented")
    ATTACH = "attach", _("attached a file")
    DETACH = "detach", _("removed a file")
    LINK = "link", _("linked")
    UNLINK = "unlink", _("unlinked")
    SHARE = "share", _("shared")
    UNSHARE = "unshare", _("stopped sharing")
    UNDO = "undo", _("undid a step")
    WATCH = "watch", _("began to watch")
    UNWATCH = "unwatch", _("stopped watching")
    BASELINE = "baseline", _("recorded what is related")


QUIET = (Verb.WATCH, Verb.UNWATCH, Verb.BASELINE)
"""What is no write of the record: its version and the instant of its last update stay as they are."""

FORMAT = 2
"""The format of new entries; those of version 0.1 bear none. See decision 0025."""


class Unreadable(dict[str, list[JsonValue]]):
    """Changes that no program of ours wrote: empty for whoever shows them, `stored` for whoever verifies them."""

    def __init__(self, stored: object, readable: Changes) -> None:
        super().__init__(readable)
        self.stored = stored


def read_changes(stored: object) -> Changes:
    """Return changes as an entry has them; of what is altered, what still reads as before and after."""
    pairs = stored.items() if isinstance(stored, dict) else ()
    readable = {name: pair for name, pair in pairs if isinstance(pair, list) and len(pair) == 2}
    whole = isinstance(stored, dict) and len(readable) == len(stored)
    return readable if whole else Unreadable(stored, readable)


class ChangesField(models.JSONField):
    """JSON that no page stumbles over, whatever somebody wrote into the database."""

    def from_db_value(
        self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> Changes:
        try:
            return read_changes(super().from_db_value(value, expression, connection))
        except (ValueError, TypeError, RecursionError):
            return Unreadable(value, {})

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        """Stand in the migrations as the field whose column it is."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class Entry(models.Model):
    """One thing that was done to a record.

    `changes` maps each field to `[before, after]` in machine values (see `records.values`); names that begin
    with "@" are about what is related to the record (see `records.related`). `at` is when it happened,
    `recorded_at` when it was written here; they differ for history brought from elsewhere.
    `internal` entries are not shown to requesters.
    """

    record = models.ForeignKey("kernel.Record", models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField(_("number"))
    at = models.DateTimeField(_("at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    actor = models.ForeignKey(
        "kernel.Person", models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    verb = models.CharField(_("verb"), max_length=12, choices=Verb)
    name = models.CharField(_("step"), max_length=60, default="")
    changes = ChangesField(_("changes"), default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(_("reason"), default="")
    internal = models.BooleanField(_("internal"), default=False)
    brought_from = models.CharField(_("brought from"), max_length=80, default="")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    format = models.SmallIntegerField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["record", "number"]
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        constraints = (models.UniqueConstraint(fields=["record", "number"], name="entry_number"),)
        indexes = (
            models.Index("actor", models.F("at").desc(), name="entry_actor"),
            models.Index("at", name="entry_at"),
        )

    def __str__(self) -> str:
        return f"{self.record_id}#{self.number} {self.verb}"
