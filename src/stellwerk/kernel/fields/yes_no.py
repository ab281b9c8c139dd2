"""Yes or no."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field, Reader, Titles, kind
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue


@kind
class YesNo(Field):
    kind = "yes_no"
    says_little = True
    never_empty = True

    def read(self, value: object) -> object:
        answers = {"true": True, "on": True, "yes": True, "false": False, "no": False}
        return answers.get(value.lower(), value) if isinstance(value, str) else value

    def fault(self, value: object) -> str:
        return "" if isinstance(value, bool) else _("Answer yes or no.")

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def from_json(self, value: JsonValue) -> object:
        if not isinstance(value, bool):
            raise ValidationError(_("Give true or false."))
        return value

    def text(self, value: object, titles: Titles) -> str:
        if not isinstance(value, bool):
            return str(value)
        return _("Yes") if value else _("No")

    def description(self) -> str:
        return "yes or no"

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        if self.column is None:
            return super().filter(values, reader)
        return Q(**{f"{self.path}__in": [yes_or_no(value) for value in values]})

    def filter_choices(self) -> list[tuple[str, str]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def filter_text(self, text: str, reader: Reader) -> str:
        return text if self.column is None else self.text(yes_or_no(text), lambda pk: None)


def yes_or_no(value: str) -> bool:
    """Read a yes or no of an address."""
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if value.lower() not in answers:
        raise ValidationError(_("Answer yes or no."))
    return answers[value.lower()]
