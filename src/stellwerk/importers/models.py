"""How far imports of logs have come."""

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

    class Meta:
        app_label = "kernel"

    def __str__(self) -> str:
        return f"{self.source} ({self.file})"
