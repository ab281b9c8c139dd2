"""What is left of a field that is gone: the journal still tells of its values."""

import json
from datetime import date

from django.utils import formats

from stellwerk.kernel.fields.field import Field, Titles, kind
from stellwerk.kernel.fields.yes_no import YesNo


@kind
class Gone(Field):
    """A field that the declaration no longer has, or that an installation took out of use."""

    kind = "gone"

    def text(self, value: object, titles: Titles) -> str:
        if isinstance(value, bool):
            return YesNo.text(self, value, titles)  # type: ignore[arg-type]
        if isinstance(value, int | float):
            return formats.number_format(value)
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False)
        return formats.date_format(value, "DATE_FORMAT") if isinstance(value, date) else str(value)
