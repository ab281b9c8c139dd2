"""One of some values, several of them, and the state of a record."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.encoding import force_str
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import (
    Choices,
    Column,
    Definition,
    Field,
    Holder,
    Reader,
    Titles,
    chosen,
    kind,
)
from stellwerk.kernel.fields.holds import Holds
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue


@kind
class Choice(Field):
    """One of the values that are offered; one that is no longer offered is kept and shown as it is."""

    kind = "choice"

    def choices_of(self, column: Column | None, definition: Definition | None) -> Choices:
        if definition is not None:
            return [(value, value) for value in map(str, definition.choices)]
        return list(column.flatchoices) if column is not None else ()

    def fault(self, value: object) -> str:
        fits = isinstance(value, str) and value in dict(self.choices)
        return "" if fits else _("Choose one of: %s.") % listed(self.choices)

    def schema(self) -> Schema:
        values = [value for value, _label in self.choices]
        if self.column is None:
            return {"type": "string", "enum": values}
        if (
            self.column.blank
            and not self.column.null
            and self.column.empty_strings_allowed
            and "" not in values
        ):
            values.append("")  # stands for none
        meanings = "; ".join(f"`{value}`: {force_str(label)}" for value, label in self.choices)
        whole = all(isinstance(value, int) for value in values)
        return {"type": "integer" if whole else "string", "enum": values, "description": meanings}

    def from_json(self, value: JsonValue) -> object:
        whole = any(isinstance(choice, int) for choice, _label in self.choices)
        if whole and (not isinstance(value, int) or isinstance(value, bool)):
            raise ValidationError(_("Give a whole number."))
        if not whole:
            super().from_json(value)
        if value != "" and value not in dict(self.choices):
            raise ValidationError(_("Choose one of: %s.") % listed(self.choices))
        return value

    def text(self, value: object, titles: Titles) -> str:
        return next((str(label) for choice, label in self.choices if choice == value), str(value))

    def description(self) -> str:
        return "one of " + ", ".join(f"`{value}`" for value, _label in self.choices if value)

    def filter_value(self, text: str) -> object:
        if self.column is None:
            return text  # perhaps no longer offered: records that hold it are found all the same
        return chosen([text], {str(value): value for value, _label in self.choices})[0]


@kind
class Rank(Choice):
    """How soon or how important, 1 before all others: what people look for first."""

    kind = "rank"
    leads = True


@kind
class Status(Choice):
    """The state of a record, which its steps change."""

    kind = "status"

    def choices_of(self, column: Column | None, definition: Definition | None) -> Choices:
        return ()

    def schema(self) -> Schema:
        return super().schema() if self.choices else {"type": "string"}

    def filter_value(self, text: str) -> object:
        return chosen([text], {str(value): str(value) for value, _label in self.choices})[0]

    def description(self) -> str:
        return "text"


@kind
class SeveralChoices(Choice):
    """Any of the values that are offered, in their order."""

    kind = "several_choices"
    many = True

    def choices_of(self, column: Column | None, definition: Definition | None) -> Choices:
        if definition is not None:
            return super().choices_of(column, definition)
        return [(value, label) for value, label in getattr(column, "offered", ())]

    def put(self, record: Holder, value: object) -> None:
        super().put(record, value if self.column is None else self.cleaned(value))

    def is_empty(self, value: object) -> bool:
        return not value

    def read(self, value: object) -> object:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(";") if part.strip()]
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            return value
        known = [choice for choice, _label in self.choices]
        rank = {choice: at for at, choice in enumerate(known)}
        return sorted(dict.fromkeys(value), key=lambda one: rank.get(one, len(known))) or None

    def fault(self, value: object) -> str:
        known = dict(self.choices)
        fits = isinstance(value, list) and all(isinstance(one, str) and one in known for one in value)
        return "" if fits else _("Choose among: %s.") % listed(self.choices)

    def schema(self) -> Schema:
        values = [value for value, _label in self.choices]
        return {"type": "array", "items": {"type": "string", "enum": values}, "uniqueItems": True}

    def from_json(self, value: JsonValue) -> object:
        return self.cleaned(value)

    def text(self, value: object, titles: Titles) -> str:
        labels = dict(self.choices)
        return (
            ", ".join(str(labels.get(one, one)) for one in value) if isinstance(value, list) else str(value)
        )

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        condition = Q(pk__in=[])
        if self.column is None:
            for value in values:  # perhaps no longer offered: records that hold it are found all the same
                condition |= Q(Holds("custom", value, self.name[7:]))
            return condition
        for known in chosen(values, {str(value): value for value, _label in self.choices}):
            condition |= Q(Holds(self.name, known))
        return condition


def listed(choices: Choices) -> str:
    return ", ".join(str(value) for value, _label in choices)
