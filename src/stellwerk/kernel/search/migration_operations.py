"""Migration operations that create the search table; append `CreateSearchTable()` after `SearchEntry`."""

from types import ModuleType

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from stellwerk.kernel.search import postgresql, sqlite


class CreateSearchTable(Operation):
    """Create the table behind `SearchEntry`; running it again changes nothing."""

    reversible = True
    reduces_to_sql = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Leave the models as they are: the table belongs to an unmanaged one."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label, model_name="searchentry"):
            for statement in _of(schema_editor).CREATE:
                schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label, model_name="searchentry"):
            for statement in _of(schema_editor).DROP:
                schema_editor.execute(statement)

    def describe(self) -> str:
        return "Create the search table"


def _of(schema_editor: BaseDatabaseSchemaEditor) -> ModuleType:
    return postgresql if schema_editor.connection.vendor == "postgresql" else sqlite
