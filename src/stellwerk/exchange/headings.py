"""What the columns of a file mean: fields by their names, or as the pages call them, in any case."""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.model.declaration import RecordType

LEFT_OUT = ""


def plain(text: str) -> str:
    """Return a heading without what people write differently: case, underscores and white space."""
    return " ".join(text.replace("_", " ").split()).casefold()


class Headings:
    """The columns of a record type's files; `stated` says of further headings which field each is, "" for none."""

    def __init__(self, record_type: RecordType, stated: Mapping[str, str]) -> None:
        self.record_type = record_type
        fields = record_type.fields
        unknown = [name for name in stated.values() if name not in (LEFT_OUT, *fields)]
        if unknown:
            fault = _("%(type)s has no field “%(name)s”.") % {
                "type": record_type.label,
                "name": unknown[0],
            }
            raise ValidationError({"columns": fault})
        labels: dict[str, list[str]] = {}
        for name in fields:
            labels.setdefault(plain(record_type.label_of(name)), []).append(name)
        named = {label: names[0] for label, names in labels.items() if len(names) == 1}
        self._meanings = named | {plain(name): name for name in fields}
        self._meanings |= {plain(heading): name for heading, name in stated.items()}

    def knows(self, heading: str) -> bool:
        return plain(heading) in self._meanings

    def meaning(self, heading: str) -> str:
        """Return the field that a heading stands for, "" where it is left out; itself when it means nothing."""
        return self._meanings.get(plain(heading), heading)

    def unknown(self, columns: Iterable[str]) -> list[str]:
        """List the headings that mean nothing; a place such as "#4" matters only in rows that hold something there."""
        return [name for name in columns if not name.startswith("#") and not self.knows(name)]

    def check(self, columns: Iterable[str]) -> None:
        """Refuse columns of which two mean the same field."""
        meant: dict[str, str] = {}
        for heading in columns:
            name = self.meaning(heading)
            if name in meant:
                names = {"first": meant[name], "second": heading, "name": name}
                raise ValidationError(
                    _("The columns “%(first)s” and “%(second)s” both mean %(name)s. Leave one out.") % names
                )
            if name != LEFT_OUT:
                meant[name] = heading

    def row(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return a row by the names of fields."""
        meant = {name: cell for heading, cell in row.items() if (name := self.meaning(heading)) != LEFT_OUT}
        if len(meant) != sum(self.meaning(heading) != LEFT_OUT for heading in row):
            self.check(row)
        return meant
