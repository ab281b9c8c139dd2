"""The three formats of exchange files, written as a stream and read within limits."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook

from stellwerk.exchange import cells

MOST_ROWS = 100_000
MOST_COLUMNS = 300
LONGEST_CELL = 32_767
"""What a cell of a workbook holds."""
MOST_UNPACKED = 200 * 2**20
MOST_RATIO = 200
MOST_PARTS = 1_000
BLOCK = 64 * 1024

Rows = Iterable[Sequence[Any]]


@dataclass(frozen=True)
class Format:
    """A format by its name and file ending."""

    name: str
    content_type: str
    write: Callable[[Sequence[str], Rows], Iterator[bytes]]
    read: "Callable[[IO[bytes]], Iterator[tuple[int, dict[str, Any]]]]"


def named(name: str) -> Format:
    """Return the format called `name` (csv, xlsx, json), also by a file name; ValidationError for another."""
    ending = name.rpartition(".")[2].lower()
    if ending not in FORMATS:
        raise ValidationError({"format": _("Choose one of these formats: %s.") % ", ".join(FORMATS)})
    return FORMATS[ending]


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


def read_csv(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read commas or semicolons, UTF-8; yields the number of each row's first line and its cells."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        delimiter = _delimiter(text.readline())
        text.seek(0)
        csv.field_size_limit(2_000_000)
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        header = _header(next(reader, []))
        line = reader.line_num + 1
        for row in reader:
            if any(row):
                yield line, _paired(header, [cells.restored(cell) for cell in row], line)
            line = reader.line_num + 1
    except UnicodeDecodeError:
        raise ValidationError(_("The file is not written in UTF-8: save it as “CSV UTF-8”.")) from None
    except csv.Error as error:
        raise ValidationError(_("The file is not CSV: %s.") % error) from None
    finally:
        text.detach()


def _delimiter(first_line: str) -> str:
    return max(",;\t", key=first_line.count)


# -- JSON ----------------------------------------------------------------------------------------------------


def write_json(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """Write a list with one object per record, one per line."""
    separator = "[\n"
    for row in rows:
        record = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        yield f"{separator}{record}".encode()
        separator = ",\n"
    yield b"[]\n" if separator == "[\n" else b"\n]\n"


def read_json(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a list of objects; the number of each is its place in the list."""
    try:
        rows = json.load(file, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("The file is not JSON: %s") % error) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValidationError(_("The file must hold a list of objects, one for each record."))
    yield from enumerate(rows, start=1)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a value")


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


def _workbook_cell(value: Any, row: Sequence[Any], names: Sequence[str]) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    text = cells.escaped(cells.neutralised(cells.as_text(value)))
    if len(text) > LONGEST_CELL:
        raise ValidationError(
            _("A text of %(record)s is longer than a cell of a workbook holds: export as CSV or JSON.")
            % {"record": row[names.index("reference")] if "reference" in names else _("a record")}
        )
    return text or None


def read_xlsx(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the first sheet; refuses archives that unpack to more than is sensible."""
    _refuse_bombs(file)
    try:
        book = load_workbook(file, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1)
        header: list[str] = []
        for number, row in enumerate(rows, start=1):
            # A row may claim any number; those before it come as empty ones.
            if number > MOST_ROWS + 1:
                raise ValidationError(_("The file has more than %d rows: split it.") % MOST_ROWS)
            if row.count(None) == len(row):
                continue
            values = [_workbook_value(value) for value in row]
            if not header:
                header = _header([str(value or "") for value in values])
            elif any(value not in (None, "") for value in values):
                yield number, _paired(header, values, number)
    except ValidationError:
        raise
    except Exception:  # openpyxl raises whatever its parts raise over a damaged workbook
        raise ValidationError(_("The workbook is damaged: save it again as XLSX, or as CSV.")) from None


def _workbook_value(value: Any) -> Any:
    if isinstance(value, str):
        return cells.restored(cells.unescaped(value))
    return cells.as_machine(value)


def _refuse_bombs(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            packed = sum(part.compress_size for part in parts)
            if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, 1):
                raise ValidationError(_("The workbook unpacks to more than can be taken: save it as CSV."))
            for part in parts:
                with archive.open(part) as content:
                    if b"<!DOCTYPE" in content.read(1024):
                        raise ValidationError(_("The workbook is damaged: save it again as XLSX, or as CSV."))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        raise ValidationError(_("The file is not a workbook: save it as XLSX, or as CSV.")) from None
    file.seek(0)


# -- headers -------------------------------------------------------------------------------------------------


def _header(names: list[str]) -> list[str]:
    header = [name.strip() for name in names]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise ValidationError(_("The first row must name the columns."))
    if len(header) > MOST_COLUMNS:
        raise ValidationError(_("The file has more than %d columns.") % MOST_COLUMNS)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ValidationError(_("The column “%s” is there twice.") % twice[0])
    return header


def _paired(header: list[str], values: list[Any], line: int) -> dict[str, Any]:
    if any(value not in (None, "") for value in values[len(header) :]):
        raise ValidationError(_("Line %d has more cells than there are columns.") % line)
    padded = [*values, *[None] * (len(header) - len(values))]
    return {name: value for name, value in zip(header, padded, strict=False) if name}


FORMATS = {
    "csv": Format("csv", "text/csv; charset=utf-8", write_csv, read_csv),
    "xlsx": Format(
        "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx, read_xlsx
    ),
    "json": Format("json", "application/json", write_json, read_json),
}
