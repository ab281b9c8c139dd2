"""Values as they stand in a cell of a file, and back again without loss.

A cell of a spreadsheet that begins like a formula would be executed: such texts get an apostrophe in front,
which reading takes away again. References are followed by the title of what they point to; reading goes by
the reference.
"""

import json
import re
from datetime import date, datetime

FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
NEUTRALISED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
REFERENCE = re.compile(r"([A-Z]{2,4}-\d{1,18})(?: .*)?", re.DOTALL)
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def neutralised(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def restored(text: str) -> str:
    """Undo `neutralised`."""
    return text[1:] if NEUTRALISED.match(text) else text


def as_text(value: object) -> str:
    """Write a machine value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def as_machine(value: object) -> object:
    """Read what a workbook or a JSON file gives as a machine value or a text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def escaped(text: str) -> str:
    """Write what XML cannot hold in the way of Office Open XML: _x000D_ for a carriage return."""
    return UNPRINTABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """Undo `escaped`."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def reference_in(text: str) -> str | None:
    """Return the reference that a cell begins with, such as PER-000012 in "PER-000012 Maria Keller"."""
    found = REFERENCE.fullmatch(text.strip())
    return found[1] if found else None
