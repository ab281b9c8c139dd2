"""How far the import of a log has come."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LogImport(models.Model):
    """One log read with one mapping: the point from which an interrupted import goes on.

    Saved in the transaction that writes the records, so that it always says what is there.
    """

    digest = models.CharField(max_length=64, unique=True)
    source = models.CharField(_("source"), max_length=80)
    file = models.CharField(_("file"), max_length=255)
    tickets = models.PositiveBigIntegerField(_("tickets done"), default=0)
    figures = models.JSONField(_("figures"), default=dict)
    findings = models.JSONField(_("findings"), default=list)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    def __str__(self) -> str:
        return f"{self.source} ({self.file})"


class ImportDraft(models.Model):
    """A file that somebody uploaded and has not confirmed yet; gone after a day."""

    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="+")
    record_type = models.CharField(max_length=40)
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=60)
    content = models.BinaryField()
    uploaded_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
