"""What somebody is told inside Stellwerk."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """One person told of one journal entry, once. The text is made from the entry when it is shown.

    What came of something that they had set going, such as an import, stands behind no entry: `text` says it,
    `address` leads to it.
    """

    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="notifications")
    entry = models.ForeignKey("kernel.Entry", models.CASCADE, null=True, related_name="notifications")
    text = models.TextField(_("text"), default="")
    address = models.CharField(_("address"), max_length=300, default="")
    why = models.CharField(_("why"), max_length=20)
    created_at = models.DateTimeField(_("at"))
    read_at = models.DateTimeField(_("read at"), null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "entry"], name="notify_once"),)
        indexes = (models.Index("person", "read_at", models.F("id").desc(), name="notification_unread"),)
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")

    def __str__(self) -> str:
        return f"{self.person_id}: {self.entry_id}"
