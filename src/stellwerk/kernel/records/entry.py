"""The journal: one entry per write, chained by a keyed hash."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


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


class Entry(models.Model):
    """One thing that was done to a record.

    `changes` maps each field to `[before, after]` in machine values (see `records.values`). `at` is when
    it happened, `recorded_at` when it was written here; they differ for history brought from elsewhere.
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
    changes = models.JSONField(_("changes"), default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(_("reason"), default="")
    internal = models.BooleanField(_("internal"), default=False)
    brought_from = models.CharField(_("brought from"), max_length=80, default="")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

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
