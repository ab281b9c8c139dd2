"""Let everybody read retired categories too: tickets go on naming them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def open_all(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    records = apps.get_model("kernel", "Record")._default_manager.using(schema_editor.connection.alias)
    records.filter(kind="category", open_to_all=False).update(open_to_all=True)


class Migration(migrations.Migration):
    dependencies = [
        ("foundation", "0002_priorityscheme_valid_until"),
        ("kernel", "0007_address_change"),
    ]

    operations = [migrations.RunPython(open_all, migrations.RunPython.noop)]
