"""Making the field of a column, or of what an installation defined."""

from django.db import models

from stellwerk.kernel.fields.choice import Choice, SeveralChoices, Status
from stellwerk.kernel.fields.field import Column, Definition, Field
from stellwerk.kernel.fields.moment import Date, Instant
from stellwerk.kernel.fields.number import Decimals, Duration, Number, Percentage, WholeNumber
from stellwerk.kernel.fields.reference import Pointing, Reference, SeveralReferences
from stellwerk.kernel.fields.structured import Structured
from stellwerk.kernel.fields.text import EmailAddress, LongText, Text, WebAddress
from stellwerk.kernel.fields.yes_no import YesNo
from stellwerk.vocabulary import Text as Label

COLUMNS: tuple[tuple[type[Column], type[Field]], ...] = (
    (models.ForeignKey, Reference),
    (models.BooleanField, YesNo),
    (models.DecimalField, Decimals),
    (models.FloatField, Number),
    (models.IntegerField, WholeNumber),
    (models.DateTimeField, Instant),
    (models.DateField, Date),
    (models.JSONField, Structured),
    (models.TextField, LongText),
    (models.EmailField, EmailAddress),
    (models.URLField, WebAddress),
    (models.CharField, Text),
)
"""The kind of the values of Django's columns; the first class that fits counts. Columns of ours name theirs."""

DEFINED: dict[str, type[Field]] = {
    each.kind: each
    for each in (
        Text,
        Number,
        Percentage,
        Duration,
        Date,
        Choice,
        SeveralChoices,
        Reference,
        SeveralReferences,
        YesNo,
    )
}
"""The kinds that an installation can add, by the names under which definitions keep them."""


def kind_of(column: Column) -> type[Field]:
    """Return the kind of a column's values; TypeError when there is none."""
    own: type[Field] | None = getattr(column, "kind", None)
    if own is not None:
        return own
    if column.name == "status":
        return Status
    if column.choices:
        return Choice
    for column_class, found in COLUMNS:
        if isinstance(column, column_class):
            return found
    raise TypeError(f"There is no kind for {type(column).__name__}.")


def of_column(column: Column, label: Label, *, shown_to_guests: bool) -> Field:
    return kind_of(column)(
        column.name, label, help=column.help_text, column=column, shown_to_guests=shown_to_guests
    )


def of_definition(definition: Definition, prefix: str = "") -> Field:
    """Make the field of a definition; `prefix` is that of the type it refers to."""
    field = DEFINED[definition.type](
        f"custom.{definition.name}",
        definition.title,
        help=definition.help,
        definition=definition,
        shown_to_guests=definition.shown_to_requesters,
        retired=not definition.is_open,
    )
    if isinstance(field, Pointing):
        field.prefix = prefix
    return field
