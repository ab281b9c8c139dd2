"""Typed links between records."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Link(models.Model):
    """`source` has the relation `type` to `target`.

    `origin` says where it comes from; a link that a person ruled out stays, so that recomputing does not
    bring it back.
    """

    class Origin(models.TextChoices):
        MANUAL = "manual", _("set by a person")
        COMPUTED = "computed", _("computed")
        RULED_OUT = "ruled_out", _("ruled out by a person")

    source = models.ForeignKey("kernel.Record", models.PROTECT, related_name="links_out")
    target = models.ForeignKey("kernel.Record", models.PROTECT, related_name="links_in")
    type = models.CharField(_("type"), max_length=40)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin, default=Origin.MANUAL)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "target", "type"], name="link_once"),)
        verbose_name = _("link")
        verbose_name_plural = _("links")

    def __str__(self) -> str:
        return f"{self.source_id} {self.type} {self.target_id}"
