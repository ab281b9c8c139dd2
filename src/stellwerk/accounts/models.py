"""What sign-in keeps: to whom a mail about a forgotten password went lately."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from stellwerk.accounts.address_change import AddressChange  # noqa: F401


class ResetMail(models.Model):
    """How many mails about a forgotten password an address was sent within a day; of the address only a hash is kept."""

    digest = models.CharField(max_length=64, unique=True)
    since = models.DateTimeField(db_index=True)
    number = models.PositiveSmallIntegerField(default=0)

    class Meta:
        app_label = "kernel"
        verbose_name = _("password reset mail")
        verbose_name_plural = _("password reset mails")

    def __str__(self) -> str:
        return self.digest
