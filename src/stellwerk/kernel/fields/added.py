"""Fields that an installation adds: whoever keeps their definitions says here how they are found."""

from collections.abc import Callable, Mapping

from stellwerk.kernel.fields.field import Field

Source = Callable[[str], Mapping[str, Field]]

_sources: list[Source] = []


def added_fields(source: Source) -> Source:
    """Have the fields of a type, by its key, found by this function too (decorator)."""
    _sources.append(source)
    return source


def added_to(key: str) -> dict[str, Field]:
    """Return the fields added to a type, by their names."""
    found: dict[str, Field] = {}
    for source in _sources:
        found |= source(key)
    return found
