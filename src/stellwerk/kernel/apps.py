from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class KernelConfig(AppConfig):
    name = "stellwerk.kernel"
    label = "kernel"
    verbose_name = _("Kernel")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Once models are loaded: the checks of start-up, who sees what, added fields, forms that are not the generic one.
        from stellwerk.kernel.custom_fields import values  # noqa: F401
        from stellwerk.kernel.model import checks  # noqa: F401
        from stellwerk.kernel.permissions import policy  # noqa: F401

        post_migrate.connect(_prepare, sender=self)


def _prepare(**kwargs: object) -> None:
    """Make the lines of numbers, of which Django knows nothing, and let no process rely on what it remembers."""
    from stellwerk.kernel.model import numbering, reference_index, registry, shared_cache

    numbering.prepare([record_type.prefix for record_type in registry.all_types()])
    shared_cache.invalidate()
    # Tables may just have been brought to where an old backup's were, which had no such index.
    there = reference_index.Pointer._meta.db_table in connection.introspection.table_names()
    if there and not reference_index.Pointer.objects.exists():
        reference_index.rebuild()
