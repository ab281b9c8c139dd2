"""Reading the rows of a CSV file or a sheet, with the number of each and the name of each column."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl import load_workbook

from stellwerk.tables.layout import SAMPLE, WITHOUT_MARK, Knows, Layout, delimiter_of, encoding_of

MOST_COLUMNS = 300
LONGEST_FIELD = 2_000_000
MOST_UNPACKED = 200 * 2**20
MOST_RATIO = 200
MOST_PARTS = 1_000
MOST_TITLES = 20
"""Lines above the one with the column names that are looked through for it."""

WORKBOOKS = ("xlsx", "xlsm")

Record = tuple[int, Sequence[object]]


class Table:
    """A table in a file. `columns` are its headings; one that is nameless or there twice is called by its place: "#4".

    `remarks` say how it was read where that was a guess.
    """

    def __init__(self, file: IO[bytes], layout: Layout, knows: Knows, most_rows: int) -> None:
        self.layout, self.knows, self.most_rows = layout, knows, most_rows
        self.remarks: list[str] = []
        self.sheets: list[str] = []
        self._records = self._read(file)
        titles = list(islice((one for one in self._records if _filled(one[1])), MOST_TITLES))
        place = self._header_place(titles)
        self.line, header = titles[place]
        if place:
            self.remarks.append(_("The headings are in line %d.") % self.line)
        self._first = titles[place + 1 :]
        self.headings = _headings(header)
        self.columns = _names(self.headings)

    def rows(self) -> Iterator[Record]:
        """Yield the rows below the headings that hold anything, each with its line; may be shorter or longer."""
        below = (one for one in self._records if _filled(one[1]))
        yield from chain(self._first, below)

    @property
    def narrowest(self) -> int:
        """How many cells a whole row has at least; nameless columns at the end may be missing."""
        return max(place for place, heading in enumerate(self.headings, start=1) if heading)

    def named(self, column: str) -> str:
        """Name a column for people: a place alone tells little."""
        heading = self.headings[self.columns.index(column)] if column in self.columns else ""
        return column if heading in ("", column) else f"{column} “{heading}”"

    def _header_place(self, titles: list[Record]) -> int:
        if not titles:
            raise ValidationError(self._nothing())
        if wanted := self.layout.header_line:
            places = [place for place, (line, _cells) in enumerate(titles) if line == wanted]
            if not places:
                raise ValidationError(_("Line %d has no headings.") % wanted)
            return places[0]
        first = titles[0][1]
        if any(map(self._known, first)):
            return 0
        for place, (_line, values) in enumerate(titles[1:], start=1):
            known = sum(map(self._known, values))
            if known * 2 >= _filled(values) > _filled(first):
                return place
        return 0

    def _known(self, value: object) -> bool:
        return isinstance(value, str) and self.knows(value.strip())

    def _nothing(self) -> str:
        if len(self.sheets) > 1:
            return _("The sheet is empty. The sheets are: %s.") % ", ".join(self.sheets)
        return _("The first row must contain the headings.")

    def _read(self, file: IO[bytes]) -> Iterator[Record]:
        raise NotImplementedError


class CsvTable(Table):
    """Commas, semicolons, tabs or bars in the encodings that spreadsheets write; a line `sep=;` states which."""

    def _read(self, file: IO[bytes]) -> Iterator[Record]:
        encoding = self.layout.encoding or encoding_of(file)
        if encoding == WITHOUT_MARK and not self.layout.encoding:
            self.remarks.append(
                _(
                    "The file isn't UTF-8 and was read as Windows-1252. Name its encoding if letters look wrong."
                )
            )
        name = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
        text = io.TextIOWrapper(file, encoding=name, newline="")
        return self._parsed(text, name)

    def _parsed(self, text: io.TextIOWrapper, encoding: str) -> Iterator[Record]:
        csv.field_size_limit(LONGEST_FIELD)
        line = 1
        try:
            sample = text.read(SAMPLE)
            text.seek(0)
            delimiter, stated = self._delimiter(sample)
            if stated:
                text.readline()
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            for row in reader:
                yield line + stated, row
                line = reader.line_num + 1
        except UnicodeError:
            fault = _("Near line %(line)d the file isn't in %(encoding)s. Name its encoding.")
            raise ValidationError(fault % {"line": line, "encoding": encoding}) from None
        except csv.Error as error:
            fault = _("Line %(line)d isn't valid CSV: %(fault)s.")
            raise ValidationError(fault % {"line": line, "fault": error}) from None
        finally:
            if not text.closed:
                text.detach()

    def _delimiter(self, sample: str) -> tuple[str, int]:
        """Return the delimiter, and how many lines are taken by stating it."""
        first = sample.split("\n", 1)[0].rstrip("\r").strip('"')
        stated = first[4:] if first.lower().startswith("sep=") and len(first) == 5 else ""
        rest = sample[sample.find("\n") + 1 :] if stated else sample
        found = self.layout.separator or stated or delimiter_of(rest, self.knows)
        return found, int(bool(stated))


class WorkbookTable(Table):
    """The first sheet of a workbook, or the one that is named; cells hold what the workbook says they are."""

    def _read(self, file: IO[bytes]) -> Iterator[Record]:
        refuse_bombs(file)
        try:
            book = load_workbook(file, read_only=True, data_only=True)
            sheets = {sheet.title: sheet for sheet in book.worksheets}
        except Exception:  # openpyxl raises whatever its parts raise over a damaged workbook
            raise ValidationError(_damaged()) from None
        self.sheets = list(sheets)
        if not sheets or (self.layout.sheet and self.layout.sheet not in sheets):
            names = {"sheet": self.layout.sheet, "sheets": ", ".join(sheets)}
            raise ValidationError(
                {"sheet": _("There is no sheet “%(sheet)s”. The sheets are: %(sheets)s.") % names}
            )
        return self._rows_of(sheets[self.layout.sheet or self.sheets[0]])

    def _rows_of(self, sheet: Any) -> Iterator[Record]:
        # Some tools state a size that is not the sheet's.
        sheet.reset_dimensions()
        try:
            for number, row in enumerate(
                sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1), start=1
            ):
                # A row may claim any number; those before it come as empty ones.
                if number > self.most_rows + MOST_TITLES:
                    raise ValidationError(_("The file has more than %d rows. Split it.") % self.most_rows)
                yield number, row
        except ValidationError:
            raise
        except Exception:  # as above
            raise ValidationError(_damaged()) from None


def opened(ending: str, file: IO[bytes], layout: Layout, knows: Knows, most_rows: int) -> Table:
    """Open the table in a file by the ending of its name: a workbook, or text."""
    kind = WorkbookTable if ending in WORKBOOKS else CsvTable
    return kind(file, layout, knows, most_rows)


def refuse_bombs(file: IO[bytes]) -> None:
    """Refuse archives that unpack to more than is sensible."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            packed = sum(part.compress_size for part in parts)
            if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, 1):
                raise ValidationError(_("The workbook is too large when unpacked. Save it as CSV."))
            for part in parts:
                with archive.open(part) as content:
                    if b"<!DOCTYPE" in content.read(1024):
                        raise ValidationError(_damaged())
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        raise ValidationError(_("The file isn't a workbook. Save it as XLSX, or as CSV.")) from None
    file.seek(0)


def _damaged() -> str:
    return _("The workbook is damaged. Save it again as XLSX, or as CSV.")


def _filled(values: Sequence[object]) -> int:
    return sum(value is not None and value != "" for value in values)


def _headings(cells: Sequence[object]) -> list[str]:
    # A workbook's rows are padded.
    last = max((place for place, cell in enumerate(cells, start=1) if cell is not None), default=0)
    headings = ["" if cell is None else str(cell).strip() for cell in cells[:last]]
    if not any(headings):
        raise ValidationError(_("The first row must contain the headings."))
    if len(headings) > MOST_COLUMNS:
        raise ValidationError(_("The file has more than %d columns.") % MOST_COLUMNS)
    return headings


def _names(headings: list[str]) -> list[str]:
    times = Counter(headings)
    return [
        heading if heading and times[heading] == 1 else f"#{place}"
        for place, heading in enumerate(headings, start=1)
    ]
