"""Promises over every template: it compiles, its icons exist, and it keeps to the content security policy."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.loader import get_template

import stellwerk
from stellwerk.web import components

SOURCES = Path(stellwerk.__file__).parent
TEMPLATES = sorted(
    path for path in SOURCES.glob("**/templates/**/*.html") if "node_modules" not in path.parts
)
NAMES = [str(path).split("/templates/", 1)[1] for path in TEMPLATES]
FORM = re.compile(r'<form\b[^>]*method="post".*?</form>', re.DOTALL)
UNMARKED = {
    "stellwerk/record_detail.html": ("order_url",),  # a preference: set as often as one likes
    "stellwerk/parts/account_menu.html": ("preferences", "account_logout"),
    "stellwerk/parts/unsent_form.html": ("form.action",),  # it may bring along the mark that it was sent with
}
"""Forms that write nothing twice, by what their action says; those of the sign-in, below these folders, count by themselves."""
OF_SIGN_IN = ("account/", "mfa/", "usersessions/")
ICON = re.compile(r'{% icon "([a-z0-9-]+)"|icon_name="([a-z0-9-]+)"')


@pytest.mark.parametrize("name", NAMES)
def test_every_template_compiles(name: str) -> None:
    get_template(name)


def icons() -> Iterator[str]:
    for path in TEMPLATES:
        for found in ICON.findall(path.read_text()):
            yield found[0] or found[1]


@pytest.mark.parametrize("name", sorted(set(icons())))
def test_every_icon_exists(name: str) -> None:
    assert components.icon(name).startswith("<svg")


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_no_template_has_inline_styles_scripts_or_unescaped_values(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|hx-on", text)
    # What stands in the page itself is a file of ours, under the answer's nonce.
    text = text.replace('<script nonce="{{ CSP_NONCE }}">{% inline_script ', "")
    assert not re.search(r"<style|<script(?![^>]*\b(src|type=\"application/json\"))", text)
    assert not re.search(r"\|\s*safe\b|autoescape off", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)
def test_every_form_that_writes_carries_a_mark(path: Path) -> None:
    name = str(path).split("/templates/", 1)[1]
    unmarked = [form for form in FORM.findall(path.read_text()) if "{% form_marks %}" not in form]
    known = UNMARKED.get(name, ())
    if not name.startswith(OF_SIGN_IN):
        assert [form for form in unmarked if not any(part in form for part in known)] == []
