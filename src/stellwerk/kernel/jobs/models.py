"""The two tables beside the queue: what the clock sets off, and who works on the queue."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Schedule(models.Model):
    """Something the clock sets off. Declared in code with `@scheduled`; operators may only switch it off."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    what = models.CharField(_("function"), max_length=200)
    cron = models.CharField(_("cron expression"), max_length=100)
    zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    enabled = models.BooleanField(_("enabled"), default=True)
    next_at = models.DateTimeField(_("next run"), db_index=True)
    last_at = models.DateTimeField(_("last run"), null=True)
    last_job = models.UUIDField(null=True)
    last_outcome = models.TextField(_("last outcome"), blank=True, default="")

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class JobWorker(models.Model):
    """A process that takes jobs from the queue, and the job it has in hand.

    It counts `beats` while it lives. Whoever sees the count stand still puts its job back: a count rather
    than a time, because clocks jump and differ between machines.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    place = models.CharField(_("machine and process"), max_length=200)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    beats = models.BigIntegerField(default=0)
    job = models.UUIDField(_("current job"), null=True)
    job_since = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.place
