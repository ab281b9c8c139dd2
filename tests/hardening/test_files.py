"""Files that pretend to be something else, and workbooks that unpack to more than anybody needs."""

import io
import time
import zipfile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stellwerk.kernel.activity.attachments.content import ALLOWED, UNKNOWN
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

SCRIPT = b"<script>window.__xss=1</script>"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
GIF = b"GIF89a=1;/*"
PDF = b"%PDF-1.7\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.__xss=1">' + SCRIPT + b"</svg>"
HTML = b"<!doctype html><html><body>" + SCRIPT
XHTML = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + SCRIPT + b"</html>"
XSLT = b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><x>' + SCRIPT + b"</x>"
MHTML = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    + HTML
)
UTF7 = b"+ADw-script+AD4-window.__xss=1+ADw-/script+AD4-"
UTF16 = b"\xff\xfe" + HTML.decode().encode("utf-16-le")
ZIP = b"PK\x03\x04" + bytes(26)
SWF, JAR, EXE, ELF = b"FWS\x09" + SCRIPT, ZIP + HTML, b"MZ\x90\x00" + SCRIPT, b"\x7fELF" + SCRIPT
POLYGLOTS = [
    ("x.svg", SVG), ("x.SVG", SVG), ("x.svgz", b"\x1f\x8b\x08" + SVG), ("x.png", SVG), ("x.png.svg", PNG + SVG),
    ("x.html", HTML), ("x.htm", HTML), ("x.HtMl", HTML), ("x.shtml", HTML), ("x.png", HTML), ("x.jpg", HTML),
    ("x.gif", GIF + HTML), ("x.gif", GIF + b"*/window.__xss=1//"), ("x.js", GIF), ("x.png", PNG + HTML),
    ("x.pdf", HTML + PDF), ("x.pdf", PDF + HTML), ("x.html", PDF + HTML), ("x.xhtml", XHTML), ("x.xht", XHTML),
    ("x.xml", XHTML), ("x.xml", XSLT), ("x.xsl", XSLT), ("x.rss", XHTML), ("x.mht", MHTML), ("x.mhtml", MHTML),
    ("x.eml", MHTML), ("x.txt", HTML), ("x.txt", UTF7), ("x.txt", UTF16), ("x.csv", HTML), ("x.json", HTML),
    ("x.md", HTML), ("x.log", SVG), ("x", HTML), (".htaccess", b"AddType text/html .png"), ("x.php", b"<?php x();"),
    ("x.phtml", HTML), ("x.jsp", HTML), ("x.hta", HTML), ("x.swf", SWF), ("x.jar", JAR), ("x.zip", JAR),
    ("x.docx", JAR), ("x.docm", ZIP), ("x.exe", EXE), ("x.png", EXE), ("x.pdf", ELF), ("x.webp", b"RIFF1234WEBP" + HTML),
    ("x.ht\u200bml", HTML), ("x.html\u200b", HTML), ("x.\u202elmth", HTML), ("\u202egnp.html", HTML), ("x.html.", HTML),
    ("x.html ", HTML), ("x.html\x00.png", HTML), ("x.html;.png", HTML), ("x.html%00.png", HTML), ("x.png/x.html", HTML),
    ("../../x.html", HTML), ("..\\..\\x.html", HTML), ("/etc/x.html", HTML), ("\\\\host\\x.html", HTML), ("C:x.html", HTML),
    ("x.html:$DATA", HTML), ("x" * 4096 + ".html", HTML), ("x.html\r\nContent-Type: text/html", HTML), ('x".html', HTML),
]  # fmt: skip
HARMLESS = {kind.partition(";")[0] for kind, _proof in ALLOWED.values()} | {UNKNOWN}
RUNS = {"text/html", "text/xml", "application/xml", "text/javascript", "application/javascript"}


@pytest.fixture
def ticket(maria: Person, gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)


@pytest.mark.parametrize("way", ["page", "api"])
def test_whatever_a_file_pretends_to_be_it_is_saved_and_never_shown(
    way: str, ticket: Incident, gus: Person, client: Client
) -> None:
    client.force_login(gus)
    kept = [attach(ticket, ContentFile(content, "x"), name, by=gus) for name, content in POLYGLOTS]
    assert len(kept) >= 40
    for file, (given, content) in zip(kept, POLYGLOTS, strict=True):
        path = {
            "page": f"/records/{ticket.reference}/files/{file.pk}/",
            "api": f"/api/v1/incidents/{ticket.reference}/attachments/{file.pk}",
        }[way]
        answer = client.get(path, {"type": "text/html", "inline": "1"} if way == "page" else {})
        headers = answer.headers
        assert b"".join(answer.streaming_content) == content
        kind = headers["Content-Type"].partition(";")[0]
        assert kind in HARMLESS, (given, kind)
        assert kind not in RUNS
        assert not kind.endswith("+xml")
        assert headers["Content-Disposition"].startswith("attachment"), given
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert not set(headers["Content-Disposition"]) & set("\r\n\x00\u200b\u202e")
        stored = str(file.blob.file.name)
        assert (stored, len(file.blob.sha256)) == (f"blobs/{file.blob.sha256[:2]}/{file.blob.sha256}", 64), (
            given
        )
        assert default_storage.exists(stored)


def test_a_part_of_a_file_is_as_harmless_as_the_whole(ticket: Incident, gus: Person, client: Client) -> None:
    client.force_login(gus)
    file = attach(ticket, ContentFile(PNG + HTML, "x"), "x.png", by=gus)
    path = f"/records/{ticket.reference}/files/{file.pk}/"
    for wanted in (
        "bytes=16-",
        "bytes=0-99999999999999999999",
        "bytes=-1",
        "bytes=5-1",
        "lines=1-2",
        "bytes=0-1,3-4",
    ):
        answer = client.get(path, headers={"range": wanted})
        assert answer.status_code in (200, 206, 416)
        assert answer["Content-Disposition"].startswith("attachment")
        assert "html" not in answer["Content-Type"]


# -- workbooks ---------------------------------------------------------------------------------------------

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = f"""<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="xml" ContentType="application/xml"/>
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml" ContentType="{SPREADSHEET}.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SPREADSHEET}.worksheet+xml"/>
<Override PartName="/xl/sharedStrings.xml" ContentType="{SPREADSHEET}.sharedStrings+xml"/>
</Types>"""
ROOT = f"""<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>
</Relationships>"""
BOOK = """<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="x" sheetId="1" r:id="r1"/></sheets></workbook>"""
BOOK_RELATIONS = f"""<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>
</Relationships>"""
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = f"""<?xml version="1.0"?>%s<worksheet {MAIN}><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>title</t></is></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>%s</t></is></c></row></sheetData></worksheet>"""
LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def workbook(sheet: str | bytes, strings: str = f"<sst {MAIN}/>", **more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        parts: dict[str, str | bytes] = {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": ROOT,
            "xl/workbook.xml": BOOK,
        }
        parts |= {"xl/_rels/workbook.xml.rels": BOOK_RELATIONS, "xl/worksheets/sheet1.xml": sheet}
        for name, content in {**parts, "xl/sharedStrings.xml": strings, **more}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def doctype(entities: str) -> str:
    return f"<!DOCTYPE x [{entities}]>"


FAR_DOWN = "<!-- " + "x" * 5000 + " -->"
STRINGS = "<si><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></si>"
BOMBS: dict[str, Any] = {
    "laughs": lambda: workbook(SHEET % (doctype('<!ENTITY l0 "lol">' + LOL), "&l9;")),
    "laughs far down": lambda: workbook(SHEET % (FAR_DOWN + doctype('<!ENTITY l0 "lol">' + LOL), "&l9;")),
    "laughs in UTF-16": lambda: workbook(
        (SHEET % (doctype('<!ENTITY l0 "lol">' + LOL), "&l9;"))
        .replace('<?xml version="1.0"?>', "")
        .encode("utf-16")
    ),
    "quadratic": lambda: workbook(
        SHEET % (FAR_DOWN + doctype(f'<!ENTITY a "{"a" * 50_000}">'), "&a;" * 2_000)
    ),
    "a file of the server": lambda: workbook(
        SHEET % (FAR_DOWN + doctype('<!ENTITY a SYSTEM "file:///etc/passwd">'), "&a;")
    ),
    "200 MB of nothing": lambda: workbook(SHEET % ("", " " * 210 * 2**20)),
    "very many strings": lambda: workbook(SHEET % ("", "x"), f"<sst {MAIN}>{STRINGS * 1_000_000}</sst>"),
    "2,000 parts": lambda: workbook(SHEET % ("", "x"), **{f"xl/x{n}.xml": "<x/>" for n in range(2_000)}),
    "a billion rows": lambda: workbook(
        (SHEET % ("", "x")).replace('r="2"', 'r="999999999"').replace("A2", "A999999999")
    ),
    "a header far to the right": lambda: workbook(
        (SHEET % ("", "x")).replace("A2", "XFD2").replace("A1", "KO1")
    ),
    "deep": lambda: workbook(SHEET % ("", "<r>" * 100_000)),
    "cut off": lambda: workbook(SHEET % ("", "x"))[:-100],
    "no workbook": lambda: b"PK\x03\x04" + bytes(3000),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_workbook_that_is_a_bomb_is_refused_in_a_sentence(bomb: str, maria: Person, client: Client) -> None:
    client.force_login(maria)
    content = BOMBS[bomb]()
    before, began = Record.objects.count(), time.process_time()
    answer = client.post(
        "/incidents/import/", {"file": SimpleUploadedFile("x.xlsx", content), "key": "reference"}
    )
    took = time.process_time() - began
    assert "root:" not in answer.content.decode()
    assert answer.status_code == 422
    assert Record.objects.count() == before
    assert took < 2, f"{took:.1f} s of computing"
