"""What people say on a record."""

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from stellwerk.kernel.write.events import Outcome


class Comment(models.Model):
    """A public reply or an internal note, in Markdown. Never changed; its digest stands in the journal."""

    record = models.ForeignKey("kernel.Record", models.PROTECT, related_name="comments")
    author = models.ForeignKey(
        "kernel.Person", models.PROTECT, null=True, related_name="+", verbose_name=_("author")
    )
    body = models.TextField(_("text"))
    internal = models.BooleanField(_("internal note"), default=False)
    at = models.DateTimeField(_("at"))

    outcome: "Outcome | None" = None
    """What it set going; known while it is being written."""

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "id"]
        indexes = (models.Index("record", "at", name="comment_record"),)
        verbose_name = _("comment")
        verbose_name_plural = _("comments")

    def __str__(self) -> str:
        return self.body[:80]
