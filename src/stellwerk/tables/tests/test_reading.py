"""Tables as spreadsheets and other tools write them."""

import io
import re
import zipfile
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from openpyxl import Workbook

from stellwerk.tables import reading
from stellwerk.tables.layout import Layout

HEADINGS = {"title", "requester", "impact"}


def read(content: bytes, ending: str = "csv", **stated: Any) -> tuple[list[str], list[tuple[int, list[Any]]]]:
    table = reading.opened(ending, io.BytesIO(content), Layout(**stated), HEADINGS.__contains__, 1_000)
    return table.columns, [(line, list(row)) for line, row in table.rows()]


def workbook(*sheets: list[list[Any]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(encoding: str, delimiter: str) -> None:
    content = f"title{delimiter}requester\r\nMüller{delimiter}Maria\r\n".encode(encoding)
    assert read(content) == (["title", "requester"], [(2, ["Müller", "Maria"])])


def test_what_is_stated_goes_before_what_is_found_out() -> None:
    content = "title,x;requester\nŁódź,y;Maria\n".encode("cp1250")
    columns, rows = read(content, encoding="cp1250", delimiter="semicolon")
    assert (columns, rows) == (["title,x", "requester"], [(2, ["Łódź,y", "Maria"])])
    with pytest.raises(ValidationError, match="There is no encoding “klingon”"):
        read(content, encoding="klingon")
    with pytest.raises(ValidationError, match="Give one character, or one of: comma"):
        read(content, delimiter="::")
    with pytest.raises(ValidationError, match=r"Near line [0-9]+ the file isn't in utf-8-sig"):
        read(b"title\n" + b"x\n" * 70_000 + b"\xfc\n", encoding="utf-8")


def test_a_file_that_was_taken_for_windows_1252_says_so() -> None:
    table = reading.opened("csv", io.BytesIO(b"title\n\xfc\n"), Layout(), HEADINGS.__contains__, 10)
    assert table.remarks == [
        "The file isn't UTF-8 and was read as Windows-1252. Name its encoding if letters look wrong."
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'"title";"requester";"a, b, c, d, e"\n"x";"Maria";"y"\n',
        b"title;requester;a, b, c, d, e\nx;Maria;y\n",
    ],
)
def test_commas_inside_headings_do_not_mislead(content: bytes) -> None:
    assert read(content) == (["title", "requester", "a, b, c, d, e"], [(2, ["x", "Maria", "y"])])


@pytest.mark.parametrize("first", [b"sep=;\r\n", b'"sep=;"\n', b"SEP=;\n"])
def test_a_line_that_states_the_delimiter_is_no_row(first: bytes) -> None:
    assert read(first + b"title;requester\nx,y;Maria\n") == (
        ["title", "requester"],
        [(3, ["x,y", "Maria"])],
    )


def test_title_rows_are_skipped_and_it_is_said() -> None:
    content = b"Incidents of May\n\ntitle,requester\nx,Maria\n"
    assert read(content) == (["title", "requester"], [(4, ["x", "Maria"])])
    table = reading.opened("csv", io.BytesIO(content), Layout(), HEADINGS.__contains__, 10)
    assert table.remarks == ["The headings are in line 3."]
    assert read(b"Report,May\nA,B,C\nx,y,z\n", header_line=2) == (["A", "B", "C"], [(3, ["x", "y", "z"])])
    with pytest.raises(ValidationError, match="Line 9 has no headings"):
        read(content, header_line=9)


def test_a_row_is_not_taken_for_headings_because_it_has_more_cells() -> None:
    assert read(b"title\nx,Maria\n") == (["title"], [(2, ["x", "Maria"])])
    assert read(b"Betreff\nx,Maria\n") == (["Betreff"], [(2, ["x", "Maria"])])


def test_nameless_and_repeated_columns_are_called_by_their_place() -> None:
    columns, rows = read(b"title,,x,x,requester,\na,b,c,d,e,f\n")
    assert columns == ["title", "#2", "#3", "#4", "requester", "#6"]
    assert rows == [(2, ["a", "b", "c", "d", "e", "f"])]


def test_a_sheet_is_read_whatever_it_says_of_its_size() -> None:
    content = workbook([["title", "requester"], ["x", "Maria"]])
    for size in (b'ref="A1"', b'ref="A1:A1"', b'ref="A1:XFD1048576"'):
        assert read(with_size(content, size), "xlsx") == (
            ["title", "requester"],
            [(2, ["x", "Maria", *[None] * 299])],
        )


def with_size(content: bytes, size: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, re.sub(rb'(<dimension )ref="[^"]*"', rb"\1" + size, part))
    return out.getvalue()


def test_a_sheet_can_be_chosen() -> None:
    content = workbook([["Read me"]], [["title"], ["x"]])
    columns, rows = read(content, "xlsx", sheet="Sheet 2")
    assert (columns, [row[0] for _line, row in rows]) == (["title"], ["x"])
    with pytest.raises(ValidationError, match=r"There is no sheet “Data”. The sheets are: Sheet 1, Sheet 2"):
        read(content, "xlsx", sheet="Data")
    with pytest.raises(ValidationError, match=r"The sheet is empty. The sheets are: Sheet 1, Sheet 2"):
        read(workbook([], [["title"]]), "xlsx")
