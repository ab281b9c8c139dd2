"""The small parts of a page say the right thing and never let input become markup."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.safestring import mark_safe

from stellwerk.web import components
from stellwerk.web.components import Column, Row

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOSTILE = '<img src=x onerror="alert(1)">'
ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "now"),
        (-30, "now"),
        (60, "1\u00a0min ago"),
        (59 * 60 + 59, "59\u00a0min ago"),
        (3600, "1\u00a0h ago"),
        (86400, "1\u00a0d ago"),
        (29 * 86400, "29\u00a0d ago"),
        (-7200, "in 2\u00a0h"),
        (31 * 86400, "22 Oct"),
        (400 * 86400, "18 Oct 2025"),
    ],
)
def test_an_instant_is_told_in_one_unit_and_as_a_date_beyond_a_month(seconds: int, text: str) -> None:
    assert components.relative(NOW - timedelta(seconds=seconds), NOW) == text


def test_an_instant_in_full_follows_the_reader() -> None:
    """Days are written once for all readers of a language, and each reads them on their own clock."""
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    shown = []
    for language, zone in (("en", "UTC"), ("en", "Asia/Tokyo"), ("fr", "UTC"), ("en", "UTC")):
        with translation.override(language), timezone.override(ZoneInfo(zone)):
            shown.append(components.exact(late))
    assert shown == ["22 Nov 2026 23:30", "23 Nov 2026 08:30", "22 novembre 2026 23:30", "22 Nov 2026 23:30"]


@pytest.mark.parametrize(
    "make", [components.reference, components.nothing, lambda text: components.title(text, text)]
)
def test_what_is_quickly_made_is_escaped_as_well(make: Callable[[str], str]) -> None:
    assert HOSTILE not in make(HOSTILE)
    assert ESCAPED in make(HOSTILE)
    assert make(mark_safe("<b>x</b>")).count("<b>x</b>") >= 1


def test_a_deadline_says_in_words_that_it_is_late() -> None:
    late = components.due(NOW - timedelta(minutes=20), NOW)
    assert "late, 20\u00a0min ago" in late
    assert "<svg" in late


def test_a_deadline_far_away_is_a_plain_instant() -> None:
    assert 'class="due' not in components.due(NOW + timedelta(days=2), NOW)


def test_an_unknown_status_looks_neutral_and_keeps_its_word() -> None:
    assert components.status("preparation", "In preparation", "active") == (
        '<span class="status status-active"><i></i>In preparation</span>'
    )
    assert components.status("piloted", "Piloted") == (
        '<span class="status status-closed"><i></i>Piloted</span>'
    )


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Maria Keller", "MK"),
        ("Gus", "G"),
        ("Ana Maria da Silva", "AS"),
        ("李 小龙", "李小"),
        ("…", "?"),
        ("", "?"),
    ],
)
def test_initials_come_from_the_first_and_the_last_word(name: str, letters: str) -> None:
    assert components.initials(name) == letters


def test_a_name_always_gets_the_same_hue() -> None:
    assert components.hue("Maria Keller") == components.hue("Maria Keller")
    assert {components.hue(f"person {number}") for number in range(200)} == set(range(1, 9))


@pytest.mark.parametrize(
    "part",
    [
        components.status("new", HOSTILE),
        components.rank(1, HOSTILE),
        components.person(HOSTILE, "/people/1"),
        components.reference(HOSTILE),
        components.title(HOSTILE, "/"),
        components.nothing(HOSTILE),
        components.record_rows([Column("title", "Title", "title")], [Row(1, "/", [HOSTILE], HOSTILE)]),
    ],
)
def test_input_never_becomes_markup(part: str) -> None:
    assert "<img" not in part
    assert ESCAPED in part


def test_a_row_with_too_few_cells_is_a_mistake_of_the_view() -> None:
    with pytest.raises(ValueError, match="zip"):
        components.record_rows([Column("a", "A"), Column("b", "B")], [Row(1, "/", ["only one"])])


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0\u00a0B"), (999, "999\u00a0B"), (4312, "4\u00a0kB"), (2_640_000, "2.6\u00a0MB")],
)
def test_sizes_are_told_in_decimal_units(octets: int, text: str) -> None:
    assert components.size(octets) == text


class TokenForm(forms.Form):
    scopes = forms.MultipleChoiceField(
        choices=[("read", "read"), ("write", "write")], widget=forms.CheckboxSelectMultiple
    )
    agreed = forms.BooleanField()


def drawn(name: str) -> str:
    template = Template("{% load stellwerk %}{% field bound %}")
    return template.render(Context({"bound": TokenForm()[name]}))


def test_several_boxes_are_a_group_with_a_legend() -> None:
    html = drawn("scopes")
    assert "<fieldset" in html
    assert "<legend" in html
    assert "form-check-input" not in html


def test_a_single_box_has_its_label_beside_it() -> None:
    html = drawn("agreed")
    assert '<input type="checkbox" name="agreed" class="form-check-input"' in html
    assert '<label for="id_agreed">' in html


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/18.6 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown browser"),
    ],
)
def test_a_session_is_named_by_its_browser(told: str, named: str) -> None:
    assert components.browser(told) == named
