"""Data of a shape of its own, such as a matrix; a type that has a better way to show it declares a kind of its own."""

import json

from django.utils.text import Truncator

from stellwerk.kernel.fields.field import Field, Titles, kind
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue

LONGEST = 160


@kind
class Structured(Field):
    kind = "structured"
    listed = False

    def schema(self) -> Schema:
        return {}

    def from_json(self, value: JsonValue) -> object:
        return value

    def text(self, value: object, titles: Titles) -> str:
        return Truncator(json.dumps(value, ensure_ascii=False)).chars(LONGEST)

    def description(self) -> str:
        return "structured data"
