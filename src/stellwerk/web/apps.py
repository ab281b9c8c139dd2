from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    name = "stellwerk.web"
    label = "web"
    verbose_name = _("Web")

    def ready(self) -> None:
        # Once models are loaded.
        from stellwerk.web import checks  # noqa: F401
