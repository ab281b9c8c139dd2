"""The types that every room speaks of: what JSON holds, what a write is given, what people read."""

from collections.abc import Mapping
from typing import TypeAlias

from django.utils.functional import Promise

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
"""What JSON holds, and so what stands in the journal, in files and in the API."""
JsonObject: TypeAlias = dict[str, JsonValue]

Values: TypeAlias = Mapping[str, object]
"""What a write is given: by the names of fields, Python or machine values. Each field says whether its value fits."""

Text: TypeAlias = str | Promise
"""What people read; it may be translated only when it is shown."""
