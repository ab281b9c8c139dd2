"""References to other records: one, or several; in columns as ids, in custom fields as PER-000001."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Column, Field, Holder, Reader, ReferenceOutput, Titles, kind
from stellwerk.kernel.fields.holds import Holds
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue

LARGEST_ID = 2**63 - 1
MOST_REFERENCES = 1_000
"""How many records one field may point to."""
OUTPUT: Schema = {"$ref": "#/components/schemas/Reference"}
GIVEN: Schema = {"$ref": "#/components/schemas/ReferenceGiven"}
ANY = "[A-Z]{2,4}"
_REFERENCE = re.compile(rf"{ANY}-[0-9]+")


def no_such_record() -> ValidationError:
    return ValidationError(_("Select a record from the list."))


class Pointing(Field):
    """What one and several references have in common."""

    points = True

    prefix: str = ""
    """What references to its target begin with; empty where any record will do. Set by the registry's side."""

    @property
    def target(self) -> type[models.Model] | None:  # type: ignore[override]  # asked of the column each time
        return self.column.related_model if self.column is not None else None

    @property
    def pattern(self) -> str:
        return f"^{self.prefix or ANY}-[0-9]+$"

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        """Match by reference, id, `me` or `none`; unseen records match nothing, as those that do not exist."""
        if self.column is None:
            return super().filter(values, reader)
        ids, references, empty = set[int](), [], False
        for value in values:
            if value == "none":
                empty = True
            elif value == "me":
                ids |= reader.mine(self._model)
            elif value.isascii() and value.isdigit():
                ids.add(small(value))
            else:
                references.append(value.upper())
        if references:
            ids |= reader.visible_ids(self._model, references)
        condition = self._at(ids, reader)
        return condition | Q(**{f"{self.name}__isnull": True}) if empty else condition

    def filter_text(self, text: str, reader: Reader) -> str:
        if self.column is None:
            return text
        if text in ("me", "none"):
            return {"me": _("me"), "none": _("nobody or nothing")}[text]
        return reader.title_of(self._model, text) or text

    def filter_schema(self) -> tuple[Schema, str]:
        return {"type": "string"}, "a reference, an id, “me” or “none”"

    def _at(self, ids: set[int], reader: Reader) -> Q:
        return Q(**{f"{self.name}__in": ids})

    @property
    def _model(self) -> type[models.Model]:
        assert self.target is not None  # noqa: S101 -- asked of columns only
        return self.target

    def _id(self, value: JsonValue) -> int | str:
        """Read an id that a program gives; references are put in its place by `with_ids`."""
        if not isinstance(value, int | str) or isinstance(value, bool):
            raise ValidationError(_("Give a reference such as PER-000001, or an id."))
        if isinstance(value, int) and not 0 < value <= LARGEST_ID:
            raise no_such_record()
        return value.upper() if isinstance(value, str) else value


@kind
class Reference(Pointing):
    """One other record."""

    kind = "reference"

    def put(self, record: Holder, value: object) -> None:
        if self.column is not None and isinstance(value, models.Model):
            setattr(record, self.name, value)
        else:
            super().put(record, value)

    def read(self, value: object) -> object:
        return getattr(value, "reference", value)

    def fault(self, value: object) -> str:
        fits = isinstance(value, str) and re.search(self.pattern, value)
        return "" if fits else no_such_record().messages[0]

    def schema(self) -> Schema:
        return {"type": "string", "pattern": self.pattern}

    def output_schema(self) -> Schema:
        return OUTPUT if self.column is not None else self.schema()

    def given_schema(self) -> Schema:
        return GIVEN if self.column is not None else self.schema()

    def to_json(self, value: object, referred: Mapping[int, ReferenceOutput]) -> object:
        if self.column is None:
            return value
        return referred.get(value) if isinstance(value, int) else None

    def from_json(self, value: JsonValue) -> object:
        return self._id(value) if self.column is not None else value

    def refers(self, value: object) -> Iterable[int]:
        return (value,) if isinstance(value, int) else ()

    def named(self, value: object) -> Iterable[str]:
        return (value,) if isinstance(value, str) else ()

    def with_ids(self, value: object, ids: Mapping[str, int]) -> object:
        return ids.get(value, 0) if isinstance(value, str) and self.column is not None else value

    def text(self, value: object, titles: Titles) -> str:
        title = titles(value) if isinstance(value, int | str) else None
        return title or (str(value) if self.column is None else "")

    def order(self) -> tuple[str, Column]:
        return f"{self.name}__title", self._model._meta.get_field("title")  # type: ignore[return-value]

    def description(self) -> str:
        return f"reference to {self._model._meta.verbose_name}"


@kind
class SeveralReferences(Pointing):
    """Any number of other records, in the order given; the row holds their ids."""

    kind = "several_references"
    many = True

    def put(self, record: Holder, value: object) -> None:
        if isinstance(value, Iterable) and not isinstance(value, str):
            value = (
                [getattr(one, "pk", one) for one in value] if self.column is not None else self.read(value)
            )
        if self.column is None:
            super().put(record, value)
            return
        if value not in (None, "") and not _ids(value):
            raise ValidationError(_("Give a list of references."))
        setattr(record, self.column.attname, list(dict.fromkeys(value)) if value else None)

    def is_empty(self, value: object) -> bool:
        return not value

    def read(self, value: object) -> object:
        if isinstance(value, str):
            value = _REFERENCE.findall(value.upper()) or value
        if isinstance(value, Iterable) and not isinstance(value, str | dict):
            named = [getattr(one, "reference", one) for one in value]
            value = list(dict.fromkeys(named)) if all(isinstance(one, str) for one in named) else named
        return value or None

    def fault(self, value: object) -> str:
        fits = (
            isinstance(value, list)
            and len(value) <= MOST_REFERENCES
            and all(isinstance(one, str) and re.search(self.pattern, one) for one in value)
        )
        return "" if fits else no_such_record().messages[0]

    def schema(self) -> Schema:
        return _several({"type": "string", "pattern": self.pattern})

    def output_schema(self) -> Schema:
        return {"type": "array", "items": OUTPUT} if self.column is not None else self.schema()

    def given_schema(self) -> Schema:
        return _several(GIVEN) if self.column is not None else self.schema()

    def to_json(self, value: object, referred: Mapping[int, ReferenceOutput]) -> object:
        if self.column is None:
            return value
        return [referred[pk] for pk in value if pk in referred] if isinstance(value, list) else None

    def from_json(self, value: JsonValue) -> object:
        if self.column is None:
            return value
        if not isinstance(value, list) or len(value) > MOST_REFERENCES:
            raise ValidationError(_("Give a list of references."))
        return [self._id(one) for one in value]

    def refers(self, value: object) -> Iterable[int]:
        return [one for one in value if isinstance(one, int)] if isinstance(value, list) else ()

    def named(self, value: object) -> Iterable[str]:
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else ()

    def with_ids(self, value: object, ids: Mapping[str, int]) -> object:
        if not isinstance(value, list) or self.column is None:
            return value
        return [ids.get(one, 0) if isinstance(one, str) else one for one in value]

    def text(self, value: object, titles: Titles) -> str:
        if not isinstance(value, list):
            return str(value)
        return ", ".join(filter(None, (titles(one) or (one if self.column is None else "") for one in value)))

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        if self.column is not None:
            return super().filter(values, reader)
        condition = Q(pk__in=[])
        for value in values:
            for reference in self.named(self.cleaned(value)):
                condition |= Q(Holds("custom", reference, self.name[7:]))
        return condition

    def _at(self, ids: set[int], reader: Reader) -> Q:
        return reader.pointing(self.name, ids)

    def description(self) -> str:
        return f"references to {self._model._meta.verbose_name_plural}"


def small(value: str) -> int:
    """Read an id; one that no database could hold stands for a record that does not exist."""
    return int(value) if len(value) <= 18 else 0


def _several(items: Schema) -> Schema:
    return {"type": "array", "items": items, "uniqueItems": True, "maxItems": MOST_REFERENCES}


def _ids(value: object) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) <= MOST_REFERENCES
        and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
    )
