import re

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellwerk.kernel.activity.comments.rendering import TAGS, names_in, opening, render, sanitise
from stellwerk.kernel.identity.person import Person

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:msgbox)",
    "![x](javascript:alert(1))",
    "![x](https://tracker.example/pixel.png)",
    '[x](https://e.example "onmouseover=alert(1)")',
    '"><script>alert(1)</script>',
    "<a href='https://e.example' onclick='alert(1)'>x</a>",
    '<https://e.example/"onmouseover=alert(1)>',
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    "<iframe src=https://e.example></iframe>",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    'https://e.example/"><script>alert(1)</script>',
    "INC-000001<script>alert(1)</script>",
    '<!--<img src="--><img src=x onerror=alert(1)//">',
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_more_than_text_and_links(payload: str) -> None:
    html = render(payload)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= TAGS
    assert not re.search(r"<[^>]*\son\w+\s*=", html.replace("&quot;", ""))
    assert all(target.startswith(("https://", "/records/")) for target in re.findall(r'href="([^"]*)"', html))
    assert "<img" not in html


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_cleaning_what_was_cleaned_changes_nothing(text: str) -> None:
    html = render(text)
    assert sanitise(html) == html
    assert (
        nh3.clean(
            html,
            tags=TAGS,
            link_rel=None,
            attributes={"a": {"href", "title", "class", "rel"}, "ol": {"start"}},
        )
        == html
    )


def test_markdown_becomes_html_under_the_headings_of_the_page() -> None:
    assert render("# Plan\n\n**now** or ~~never~~\n- a") == (
        "<h3>Plan</h3>\n<p><strong>now</strong> or <s>never</s></p>\n<ul>\n<li>a</li>\n</ul>\n"
    )


def test_links_lead_out_without_telling_where_they_come_from() -> None:
    assert render("see https://e.example/a?b=1&c=2.") == (
        '<p>see <a href="https://e.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">'
        "https://e.example/a?b=1&amp;c=2</a>.</p>\n"
    )


def test_references_of_records_become_links_and_unknown_ones_do_not() -> None:
    html = render("INC-000042 but not ZZZ-000042 nor `INC-000043`")
    assert re.findall(r'href="([^"]*)"', html) == ["/records/INC-000042/"]


def test_a_picture_elsewhere_becomes_a_link_to_it() -> None:
    assert render("![chart](https://e.example/c.png)") == (
        '<p><a href="https://e.example/c.png" rel="noopener noreferrer nofollow">chart</a></p>\n'
    )


def test_people_mentioned_are_shown_by_name(maria: Person) -> None:
    people = names_in(["@maria please, and @ghost"], linked=True)
    assert people == {"maria": ("Maria Keller", maria.get_absolute_url())}
    html = render("@maria please, and @ghost, not a@maria.example", people)
    assert html.count("Maria Keller") == 1
    assert "@ghost" in html
    assert 'class="mention"' in html
    guest = render("@maria", names_in(["@maria"], linked=False))
    assert guest == "<p><strong>Maria Keller</strong></p>\n"


def test_a_long_text_is_cut_between_words() -> None:
    assert opening("short") == ("short", False)
    cut, more = opening("word " * 2_000)
    assert more
    assert cut.endswith("word")
    assert len(cut) <= 4_000
