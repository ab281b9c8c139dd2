"""How far imports have come."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.model import registry


class ColumnMapping(models.Model):
    """Which fields the headings of somebody's files stand for, as they said last; "" for columns that are left out."""

    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="+")
    record_type = models.CharField(max_length=40)
    columns = models.JSONField(_("columns"), default=dict)

    class Meta:
        app_label = "kernel"
        constraints = (models.UniqueConstraint(fields=["person", "record_type"], name="column_mapping_once"),)

    def __str__(self) -> str:
        return self.record_type


class ImportDraft(models.Model):
    """A file that somebody uploaded for an import, and what became of it.

    A file that waits to be confirmed is gone after a day, what came of an import (without the file) after a month.
    """

    class State(models.TextChoices):
        UNCLEAR = "unclear", _("being prepared")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("ready to be imported")
        RUNNING = "running", _("being imported")
        DONE = "done", _("imported")
        REFUSED = "refused", _("refused")

    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="+")
    record_type = models.CharField(max_length=40)
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=60)
    content = models.BinaryField()
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CHECKED)
    job = models.UUIDField(_("current job"), null=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    looked_at = models.PositiveIntegerField(_("rows looked at"), default=0)
    reading = models.JSONField(_("how it is read"), default=dict)
    """What was stated of the file: encoding, delimiter, sheet, header_line, columns; and remarks on how it was read."""
    outcome = models.JSONField(_("outcome"), default=dict, encoder=DjangoJSONEncoder)
    refusal = models.TextField(_("why it was refused"), default="")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "kernel"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("import-draft", args=[registry.get(self.record_type), self.pk])

    @property
    def is_busy(self) -> bool:
        """Whether a job has it in hand."""
        return self.state in BUSY


BUSY = (ImportDraft.State.CHECKING, ImportDraft.State.RUNNING)
WAITING = (ImportDraft.State.UNCLEAR, ImportDraft.State.CHECKED)
