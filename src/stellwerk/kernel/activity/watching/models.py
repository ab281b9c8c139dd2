"""Who wants to hear about a record."""

from django.db import models


class Watcher(models.Model):
    """A person who follows a record. Following does not give access."""

    record = models.ForeignKey("kernel.Record", models.CASCADE, related_name="watchers")
    person = models.ForeignKey("kernel.Person", models.CASCADE, related_name="watched")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["record", "person"], name="watch_once"),)

    def __str__(self) -> str:
        return f"{self.person_id} watches {self.record_id}"
