"""Files on records: each content is stored once."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from stellwerk.kernel.write.events import Outcome


class Blob(models.Model):
    """Stored content, named by its SHA-256; `size` in bytes. The storage's name is the hash, never the upload's."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    file = models.FileField(upload_to="blobs", max_length=200)

    def __str__(self) -> str:
        return self.sha256


class Attachment(models.Model):
    """A file on a record, with the name it came with."""

    record = models.ForeignKey("kernel.Record", models.PROTECT, related_name="attachments")
    comment = models.ForeignKey("kernel.Comment", models.PROTECT, null=True, related_name="attachments")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="attachments")
    name = models.CharField(_("file name"), max_length=255)
    author = models.ForeignKey("kernel.Person", models.PROTECT, null=True, related_name="+")
    internal = models.BooleanField(_("internal"), default=False)
    at = models.DateTimeField(_("at"))

    outcome: "Outcome | None" = None
    """What it set going; known while it is being written."""

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.name
