"""Long conversations get search rows of their own; what is indexed already is indexed anew by a job."""

from typing import Any

from django.db import migrations, models
from django.utils import timezone

from stellwerk.kernel.search.migration_operations import CreateSearchTable


def index_parts(apps: Any, schema_editor: Any) -> None:
    """Make the index over the parts, which is new; what is there stays."""
    CreateSearchTable().database_forwards("kernel", schema_editor, None, None)


def begin(apps: Any, schema_editor: Any) -> None:
    """Have all records indexed anew by the schedule; a new installation has none."""
    records = apps.get_model("kernel", "Record")._default_manager
    newest = records.order_by("-pk").values_list("pk", flat=True).first()
    if newest:
        apps.get_model("kernel", "SearchRebuild")._default_manager.create(
            pk=1, below=newest + 1, total=records.count(), begun_at=timezone.now()
        )


class Migration(migrations.Migration):
    dependencies = [("kernel", "0004_imports_by_jobs")]

    operations = [
        migrations.CreateModel(
            name="SearchRebuild",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("below", models.BigIntegerField()),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("begun_at", models.DateTimeField()),
            ],
        ),
        migrations.RunPython(index_parts, migrations.RunPython.noop),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
