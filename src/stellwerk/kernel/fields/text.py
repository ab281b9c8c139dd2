"""Texts: one line, several lines, and lines of a certain shape."""

from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field, kind
from stellwerk.kernel.fields.schema import Schema

LONGEST_CUSTOM = 10_000
"""Characters that a text in a custom field may have."""


@kind
class Text(Field):
    """One line of text."""

    kind = "text"
    is_line = True

    def fault(self, value: object) -> str:
        fits = isinstance(value, str) and len(value) <= LONGEST_CUSTOM
        return "" if fits else _("Give a text of at most 10,000 characters.")

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": LONGEST_CUSTOM} if self.column is None else {"type": "string"}

    def given_schema(self) -> Schema:
        schema = self.schema()
        if self.column is not None and self.column.max_length:
            schema["maxLength"] = self.column.max_length
        return schema


@kind
class LongText(Text):
    """Text of several lines, read and edited where there is room."""

    kind = "long_text"
    listed = False
    is_line = False
    is_text = True


@kind
class EmailAddress(Text):
    kind = "email_address"


@kind
class WebAddress(Text):
    kind = "web_address"
