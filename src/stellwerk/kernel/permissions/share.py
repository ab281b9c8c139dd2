"""Sharing one record with another party or person, in a stated capacity."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.model.roles import Capacity


class Share(models.Model):
    """A record shown to a party or person that does not own it. Kept by the verbs."""

    record = models.ForeignKey("kernel.Record", models.CASCADE, related_name="shares")
    party = models.ForeignKey("kernel.Party", models.PROTECT, null=True, related_name="shared_with_it")
    person = models.ForeignKey("kernel.Person", models.PROTECT, null=True, related_name="shared_with_them")
    capacity = models.CharField(_("capacity"), max_length=12, choices=Capacity)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(party__isnull=True, person__isnull=False)
                | Q(party__isnull=False, person__isnull=True),
                name="share_with_one",
            ),
            models.UniqueConstraint(
                fields=["record", "party"], condition=Q(party__isnull=False), name="share_party_once"
            ),
            models.UniqueConstraint(
                fields=["record", "person"], condition=Q(person__isnull=False), name="share_person_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.record_id} → {self.party_id or self.person_id} ({self.capacity})"
