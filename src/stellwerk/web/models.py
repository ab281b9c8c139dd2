"""What pages remember for a person: views of lists, and texts not sent yet."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """A list as somebody wants to see it again: filters, columns and order, as the query of its address.

    `shared` ones belong to everybody who may see the list.
    """

    kind = models.CharField(max_length=40)
    name = models.CharField(_("name"), max_length=80)
    query = models.TextField(_("query"), blank=True)
    owner = models.ForeignKey("kernel.Person", models.CASCADE, null=True, related_name="saved_views")
    shared = models.BooleanField(_("shared with everybody"), default=False)
    position = models.PositiveSmallIntegerField(default=100)

    class Meta:
        app_label = "kernel"
        ordering: ClassVar[list[str]] = ["position", "id"]
        indexes = (models.Index("kind", "owner", name="saved_view_kind"),)

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """A form's content, kept until it is sent; `place` names the form, such as "reply:INC-000042"."""

    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="drafts")
    place = models.CharField(max_length=120)
    content = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    class Meta:
        app_label = "kernel"
        constraints = (models.UniqueConstraint(fields=["person", "place"], name="draft_once"),)
        indexes = (models.Index("place", "updated_at", name="draft_place"),)

    def __str__(self) -> str:
        return f"{self.person_id} {self.place}"
