"""How each kind of value stands in a cell of a file, and is read from one.

One reader per kind, registered with `reads`; `manage.py check` names a kind that has none.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _

from stellwerk.exchange import cells
from stellwerk.kernel.fields.choice import Choice, Rank, SeveralChoices, Status
from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.gone import Gone
from stellwerk.kernel.fields.machine import to_machine
from stellwerk.kernel.fields.moment import Date, Instant
from stellwerk.kernel.fields.number import Decimals, Duration, Number, Percentage, WholeNumber
from stellwerk.kernel.fields.reference import Reference, SeveralReferences
from stellwerk.kernel.fields.structured import Structured
from stellwerk.kernel.fields.text import EmailAddress, LongText, Text, WebAddress
from stellwerk.kernel.fields.yes_no import YesNo
from stellwerk.kernel.model import strict_json
from stellwerk.kernel.model.record import Record

YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
AS_A_LOG = "stellwerk import log, docs/importing.md"
C = TypeVar("C", bound="type[CellReader]")

READERS: "dict[str, CellReader]" = {}


class Targets(Protocol):
    """The records that the rows of a file refer to."""

    def find(self, name: str, cell: object) -> Record | None: ...


def reads(*kinds: type[Field]) -> Callable[[C], C]:
    """Register a reader for kinds (class decorator)."""

    def register(reader: C) -> C:
        READERS.update({each.kind: reader() for each in kinds})
        return reader

    return register


def cells_of(field: Field) -> "CellReader":
    return READERS[field.kind]


@reads(Number, WholeNumber, Decimals, Percentage, Date)
class CellReader:
    """Takes cells as they are; values of added fields are read by the verbs, as all programs give them."""

    def written(self, field: Field, value: object, names: Mapping[int, str]) -> object:
        """Return what a cell holds for a stored value; `names` holds the references of records, by id."""
        return to_machine(value)

    def read(self, field: Field, cell: object, targets: Targets) -> object:
        """Return the value that a cell holds; ValidationError when it holds none of this kind."""
        if field.column is None:
            return cell
        return None if cell is None or cell == "" else self.own(field, cell)

    def own(self, field: Field, cell: object) -> object:
        """Read a cell for a column of the type's table; it is not empty."""
        return cell

    def refuse(self, field: Field, cell: object, stored: object) -> None:
        """Raise ValidationError where a cell of a field that no import sets says what must not be passed over."""


@reads(Text, LongText, EmailAddress, WebAddress, Gone)
class TextCells(CellReader):
    """White space at the ends of a line is no part of it: nobody sees it in a spreadsheet."""

    def read(self, field: Field, cell: object, targets: Targets) -> object:
        return super().read(field, cell.strip() if field.is_line and isinstance(cell, str) else cell, targets)

    def own(self, field: Field, cell: object) -> object:
        return cells.as_text(cell)


@reads(Status)
class StatusCells(TextCells):
    def refuse(self, field: Field, cell: object, stored: object) -> None:
        if cell not in (None, "", stored):
            raise ValidationError(
                _("Status can't be imported. Change it on the record, or import its past as a log (%s).")
                % AS_A_LOG
            )


@reads(YesNo)
class YesNoCells(CellReader):
    def own(self, field: Field, cell: object) -> object:
        return YES_NO.get(str(cell).strip().lower(), cell)


@reads(Duration)
class DurationCells(CellReader):
    def own(self, field: Field, cell: object) -> object:
        return field.cleaned(cell)


@reads(Instant)
class InstantCells(CellReader):
    def own(self, field: Field, cell: object) -> object:
        return moment(str(cell))


@reads(Choice, Rank)
class ChoiceCells(CellReader):
    def own(self, field: Field, cell: object) -> object:
        return choice_in(field, str(cell).strip())


@reads(SeveralChoices)
class SeveralChoicesCells(CellReader):
    """Several values stand in one cell, separated by semicolons."""

    def written(self, field: Field, value: object, names: Mapping[int, str]) -> object:
        return "; ".join(map(str, value)) if isinstance(value, list) else value

    def read(self, field: Field, cell: object, targets: Targets) -> object:
        parts = cell if isinstance(cell, list) else str(cell if cell is not None else "").split(";")
        return [choice_in(field, part) for part in map(str.strip, parts) if part] or None


@reads(Reference)
class ReferenceCells(CellReader):
    def written(self, field: Field, value: object, names: Mapping[int, str]) -> object:
        if field.column is None:
            return value
        return names.get(value) if isinstance(value, int) else None

    def read(self, field: Field, cell: object, targets: Targets) -> object:
        return targets.find(field.name, cell) if field.column is not None else cell


@reads(SeveralReferences)
class SeveralReferencesCells(CellReader):
    """Several records stand in one cell, one per line."""

    def written(self, field: Field, value: object, names: Mapping[int, str]) -> object:
        if field.column is None:
            return "\n".join(value) if isinstance(value, list) else value
        return "\n".join(names[pk] for pk in field.refers(value) if pk in names) or None

    def read(self, field: Field, cell: object, targets: Targets) -> object:
        if field.column is None:
            return cell
        lines = str(cell if cell is not None else "").replace(";", "\n").splitlines()
        return [targets.find(field.name, line) for line in lines if line.strip()] or None


@reads(Structured)
class StructuredCells(CellReader):
    def own(self, field: Field, cell: object) -> object:
        if not isinstance(cell, str):
            return cell
        try:
            return strict_json.loads(cell)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("This is not JSON: %s.") % error) from None


def choice_in(field: Field, text: str) -> object:
    """Take a choice by its value, or as it reads."""
    named = {str(value): value for value, _label in field.choices}
    if text in named:
        return named[text]
    for value, label in field.choices:
        if str(label).lower() == text.lower():
            return value
    raise ValidationError(_("Choose one of: %s.") % ", ".join(named))


def moment(text: str) -> datetime:
    """Read date and time as files hold them; without an offset as the clock of the installation has it."""
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise ValidationError(_("Give date and time as 2026-03-31T14:00:00+00:00."))
    return make_aware(found) if is_naive(found) else found
