"""Numbers: whole and exact ones with their unit, percentages, durations."""

import math
import re
from decimal import Decimal
from typing import SupportsFloat

from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field, Titles, kind
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue

SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
MOST_SECONDS = 100 * 366 * 86_400
"""A century: longer spans are slips of the finger."""
_SPAN = re.compile(r"(\d+)\s*(d|h|min|m|s)\b\.?\s*", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,6}):([0-5]\d)(?::([0-5]\d))?")


@kind
class Number(Field):
    """A number, with the unit that it counts."""

    kind = "number"
    numeric = True
    says_little = True

    @property
    def unit(self) -> str:
        return str(getattr(self.column if self.column is not None else self.definition, "unit", "") or "")

    def read(self, value: object) -> object:
        if isinstance(value, str) and self.unit:
            value = value.strip().removesuffix(self.unit).strip()
        if isinstance(value, bool) or not isinstance(value, str | SupportsFloat):
            return str(value)
        try:
            exact = float(value)
        except (TypeError, ValueError, OverflowError):
            return str(value)
        if not math.isfinite(exact):
            return str(value)  # JSON has no such number
        if isinstance(value, int):
            return value
        return (
            int(exact) if exact.is_integer() else exact
        )  # PostgreSQL writes 1e+16 as digits, which is no float

    def fault(self, value: object) -> str:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if fits else _("Give a number.")

    def schema(self) -> Schema:
        return {"type": "number"}

    def from_json(self, value: JsonValue) -> object:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValidationError(_("Give a number."))
        return value

    def text(self, value: object, titles: Titles) -> str:
        number = formats.number_format(value) if isinstance(value, int | float | Decimal) else str(value)
        return f"{number}\u00a0{self.unit}" if self.unit else number


@kind
class WholeNumber(Number):
    kind = "whole_number"

    def schema(self) -> Schema:
        return {"type": "integer"}

    def from_json(self, value: JsonValue) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(_("Give a whole number."))
        return value

    def description(self) -> str:
        return "number"


@kind
class Decimals(Number):
    """A number of exact digits, which JSON holds as a text."""

    kind = "decimals"

    def schema(self) -> Schema:
        return {"type": "string"}

    def from_json(self, value: JsonValue) -> object:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise ValidationError(_("Give a number."))
        return value

    def text(self, value: object, titles: Titles) -> str:
        return str(value)

    def description(self) -> str:
        return "number"


@kind
class Percentage(Number):
    """How much of a hundred."""

    kind = "percentage"

    @property
    def unit(self) -> str:
        return "%"

    def fault(self, value: object) -> str:
        fits = isinstance(value, int | float) and not super().fault(value) and 0 <= value <= 100
        return "" if fits else _("Give a percentage from 0 to 100.")

    def schema(self) -> Schema:
        return {"type": "number", "minimum": 0, "maximum": 100}


@kind
class Duration(Number):
    """How long, in whole seconds; people write "4 h 30 min" or "4:30"."""

    kind = "duration"

    @property
    def unit(self) -> str:
        return ""

    def read(self, value: object) -> object:
        if isinstance(value, str):
            seconds = seconds_in(value)
            return value if seconds is None else seconds
        return super().read(value)

    def fault(self, value: object) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_SECONDS
        return "" if fits else _("Give a duration such as “4 h 30 min” or “4:30”.")

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS}

    def text(self, value: object, titles: Titles) -> str:
        return said_span(value) if isinstance(value, int) else str(value)


def seconds_in(text: str) -> int | None:
    """Read "4 h 30 min", "4:30" (hours and minutes) or a number of seconds; None when it is none of them."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return hours * 3_600 + minutes * 60 + seconds
    if not text or _SPAN.sub("", text):
        return None
    units = SECONDS | {"m": 60}
    return sum(int(number) * units[unit.lower()] for number, unit in _SPAN.findall(text) if len(number) < 12)


def said_span(seconds: int) -> str:
    """Say a duration in days, hours, minutes and seconds, such as "4 h 30 min"."""
    parts = []
    for unit, size in SECONDS.items():
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number}\u00a0{unit}")
    return " ".join(parts) or "0\u00a0min"
