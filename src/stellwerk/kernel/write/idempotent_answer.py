"""The answers kept so that a repeated request does nothing twice."""

from django.db import models


class IdempotentAnswer(models.Model):
    """The answer to a request with an Idempotency-Key, given again when the same request comes again.

    It is claimed before the write and filled with the answer after it, in the transaction of the write.
    """

    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "key"], name="idempotent_once"),)

    def __str__(self) -> str:
        return f"{self.person_id} {self.key}"
