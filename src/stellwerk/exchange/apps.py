from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExchangeConfig(AppConfig):
    name = "stellwerk.exchange"
    label = "exchange"
    verbose_name = _("Exchange")

    def ready(self) -> None:
        # Once models are loaded.
        from stellwerk.exchange import checks  # noqa: F401
