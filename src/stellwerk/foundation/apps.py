from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FoundationConfig(AppConfig):
    name = "stellwerk.foundation"
    label = "foundation"
    verbose_name = _("Foundation")

    def ready(self) -> None:
        post_migrate.connect(_ensure_schemes, sender=self)


def _ensure_schemes(**kwargs: object) -> None:
    """Put the default priority scheme into force where there is none: a desk can work from the first minute."""
    from stellwerk.foundation.prioritisation import ensure_default

    ensure_default()
