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
