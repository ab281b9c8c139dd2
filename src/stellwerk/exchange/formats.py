"""The three formats of exchange files, written as a stream and read within limits."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl import Workbook

from stellwerk.exchange import cells
from stellwerk.kernel.model import strict_json
from stellwerk.tables import reading
from stellwerk.tables.layout import Knows, Layout

MOST_ROWS = 100_000
LONGEST_CELL = 32_767
"""What a cell of a workbook holds."""
BLOCK = 64 * 1024

ALSO_READ = {"txt": "csv", "tsv": "csv", "xlsm": "xlsx"}

Rows = Iterable[Sequence[object]]
NumberedRows = Iterator[tuple[int, dict[str, object]]]
GUESSED = Layout()


def nothing_known(heading: str) -> bool:
    return False


@dataclass(frozen=True)
class Format:
    """A format by its name and file ending."""

    name: str
    content_type: str
    write: Callable[[Sequence[str], Rows], Iterator[bytes]]

    def read(self, file: IO[bytes]) -> NumberedRows:
        """Read a file that needs no explanation, such as one that was exported."""
        return opened(self.name, file).rows


def named(name: str) -> Format:
    """Return the format called `name` (csv, xlsx, json), also by a file name; ValidationError for another."""
    ending = name.rpartition(".")[2].lower()
    if ending not in FORMATS:
        raise ValidationError({"format": _("Choose one of these formats: %s.") % ", ".join(FORMATS)})
    return FORMATS[ending]


def of_file(name: str) -> Format:
    """Return the format of a file that is to be read; spreadsheets call text by other endings, too."""
    ending = name.rpartition(".")[2].lower()
    return named(ALSO_READ.get(ending, ending))


# -- CSV -----------------------------------------------------------------------------------------------------


def write_csv(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """Write UTF-8 with a mark at the beginning, by which spreadsheets know the encoding."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(names)
    for row in rows:
        writer.writerow([cells.neutralised(cells.as_text(value)) for value in row])
        if buffer.tell() > BLOCK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


# -- JSON ----------------------------------------------------------------------------------------------------


def write_json(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """Write a list with one object per record, one per line."""
    separator = "[\n"
    for row in rows:
        record = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        yield f"{separator}{record}".encode()
        separator = ",\n"
    yield b"[]\n" if separator == "[\n" else b"\n]\n"


def read_json(file: IO[bytes]) -> Iterator[tuple[int, dict[str, object]]]:
    """Read a list of objects; the number of each is its place in the list."""
    try:
        rows = strict_json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("The file is not JSON: %s") % error) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValidationError(_("The file must contain a list of objects, one for each record."))
    yield from enumerate(rows, start=1)


# -- XLSX ----------------------------------------------------------------------------------------------------


def write_xlsx(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """Write a workbook with one sheet; it is complete before the first byte is yielded."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("records")
    sheet.freeze_panes = "A2"
    sheet.append(list(names))
    for row in rows:
        sheet.append([_workbook_cell(value, row, names) for value in row])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def _workbook_cell(value: object, row: Sequence[object], names: Sequence[str]) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    text = cells.escaped(cells.neutralised(cells.as_text(value)))
    if len(text) > LONGEST_CELL:
        raise ValidationError(
            _("A text of %(record)s is too long for a cell of a workbook. Export as CSV or JSON.")
            % {"record": row[names.index("reference")] if "reference" in names else _("a record")}
        )
    return text or None


# -- reading -------------------------------------------------------------------------------------------------


class ShortRow(dict[str, object]):
    """A row that has fewer cells than the file has columns; those that are not there say nothing."""

    def __init__(self, cells: Mapping[str, object], columns: int) -> None:
        super().__init__(cells)
        self.columns = columns


@dataclass(frozen=True)
class Opened:
    """A file that is about to be read: its columns as it names them, and how it was understood."""

    rows: NumberedRows
    columns: Sequence[str] = ()
    remarks: Sequence[str] = ()
    sheets: Sequence[str] = ()
    line: int = 0
    """The line with the column names."""


def opened(name: str, file: IO[bytes], layout: Layout = GUESSED, knows: Knows = nothing_known) -> Opened:
    """Open a file by its name; ValidationError when it cannot be read."""
    form = of_file(name).name
    if form == "json":
        rows = list(read_json(file))
        return Opened(iter(rows), list(dict.fromkeys(key for _number, row in rows for key in row)))
    table = reading.opened(form, file, layout, knows, MOST_ROWS)
    read = _workbook_value if form == "xlsx" else cells.restored
    return Opened(_rows_of(table, read), table.columns, table.remarks, table.sheets, table.line)


def _rows_of(table: reading.Table, read: Callable[[Any], object]) -> NumberedRows:
    for line, values in table.rows():
        yield line, _row(table, [read(value) for value in values])


def _row(table: reading.Table, values: list[object]) -> dict[str, object]:
    """Pair cells with columns; what stands under no heading, or beyond them, matters only where it is something."""
    beyond = (f"#{place}" for place in range(len(table.columns) + 1, len(values) + 1))
    row = {
        name: value
        for name, value in zip(chain(table.columns, beyond), values, strict=False)
        if value not in (None, "") or not name.startswith("#")
    }
    return ShortRow(row, table.narrowest) if len(values) < table.narrowest else row


def _workbook_value(value: object) -> object:
    return cells.restored(cells.unescaped(value)) if isinstance(value, str) else cells.as_machine(value)


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8", write_csv),
    "xlsx": Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
    "json": Format("json", "application/json", write_json),
}
