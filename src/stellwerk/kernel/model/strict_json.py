"""JSON in which every object names each key once: readers differ over which of two values counts."""

import json
from typing import NoReturn

from django.utils.translation import gettext as _

from stellwerk.vocabulary import JsonValue


def loads(text: str | bytes) -> JsonValue:
    """Read JSON from outside; ValueError, as a sentence, where it is none, doubles a key or holds a NaN."""
    found: JsonValue = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    return found


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(_("“%(name)s” is given twice in one object") % {"name": doubled})
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(_("%(name)s is not JSON") % {"name": name})
