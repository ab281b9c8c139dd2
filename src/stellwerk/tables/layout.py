"""How a file is written: what somebody states of it, and what it says itself."""

import codecs
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

DELIMITERS = ",;\t|"
NAMED_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
WITHOUT_MARK = "cp1252"
"""What spreadsheets of Western Windows write where they do not write UTF-8."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BLOCK = 1 << 20
SAMPLE = 64 * 1024
RECORDS_OF_SAMPLE = 20

Knows = Callable[[str], bool]
"""Whether a heading means something to whoever reads the table."""


@dataclass(frozen=True)
class Layout:
    """What is stated of a file; what is empty is found out."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_line: int = 0
    """The line that names the columns."""

    def __post_init__(self) -> None:
        if self.encoding and not is_encoding(self.encoding):
            raise ValidationError({"encoding": _("There is no encoding “%s”.") % self.encoding})
        if self.delimiter and len(self.separator) != 1:
            names = ", ".join(NAMED_DELIMITERS)
            raise ValidationError({"delimiter": _("Give one character, or one of: %s.") % names})

    @property
    def separator(self) -> str:
        return NAMED_DELIMITERS.get(self.delimiter, self.delimiter)


def is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True


def encoding_of(file: IO[bytes]) -> str:
    """Find out the encoding of a text: by its mark, else UTF-8 where the whole file is that, else Windows-1252."""
    start = file.read(SAMPLE)
    file.seek(0)
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    if wide := _wide(start):
        return wide
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return WITHOUT_MARK
    finally:
        file.seek(0)
    return "utf-8"


def _wide(start: bytes) -> str:
    """Tell UTF-16 without a mark by the zeros beside its letters."""
    enough = len(start) // 4
    if start and start[1::2].count(0) > enough:
        return "utf-16-le"
    return "utf-16-be" if start and start[0::2].count(0) > enough else ""


def delimiter_of(sample: str, knows: Knows) -> str:
    """Choose the delimiter that makes the most of the first records: known headings, rows of one length, columns."""
    return max(DELIMITERS, key=lambda delimiter: _score(sample, delimiter, knows))


def _score(sample: str, delimiter: str, knows: Knows) -> tuple[int, float, int]:
    records = _records(sample, delimiter)
    if not records:
        return (0, 0.0, 0)
    known = max(sum(map(knows, record)) for record in records)
    widths = [len(record) for record in records]
    widest = max(set(widths), key=lambda width: (width > 1, widths.count(width)))
    if widest == 1:
        return (0, 0.0, 1)
    return known, widths.count(widest) / len(widths), widest


def _records(sample: str, delimiter: str) -> list[Sequence[str]]:
    reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter, strict=True)
    records: list[Sequence[str]] = []
    try:
        records.extend(record for record in islice(reader, RECORDS_OF_SAMPLE) if any(record))
    except csv.Error:
        return records if len(sample) >= SAMPLE else []
    return records
