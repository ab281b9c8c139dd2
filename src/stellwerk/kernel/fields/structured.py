"""Data of a shape of its own, such as a matrix; a type that has a better way to show it declares a kind of its own."""

import json
from typing import Any

from django.utils.text import Truncator

from stellwerk.kernel.fields.field import Field, Schema, Titles, kind

LONGEST = 160


@kind
class Structured(Field):
    kind = "structured"
    listed = False

    def schema(self) -> Schema:
        return {}

    def from_json(self, value: Any) -> Any:
        return value

    def text(self, value: Any, titles: Titles) -> str:
        return Truncator(json.dumps(value, ensure_ascii=False)).chars(LONGEST)

    def description(self) -> str:
        return "structured data"
