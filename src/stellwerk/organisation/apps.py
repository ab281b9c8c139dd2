from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrganisationConfig(AppConfig):
    name = "stellwerk.organisation"
    label = "organisation"
    verbose_name = _("Organisation")

    def ready(self) -> None:
        # Once models are loaded.
        from stellwerk.organisation import (
            custom_field_form,  # noqa: F401
            role_assignment_form,  # noqa: F401
        )
