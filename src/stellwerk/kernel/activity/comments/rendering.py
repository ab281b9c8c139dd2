"""Turning what people write in Markdown into HTML that is safe to show.

Two walls: the Markdown parser knows no HTML, and an allow-list sanitiser passes only what the parser makes of
Markdown. Pictures become links, because a remote picture would tell its host who reads what.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry

SHOWN_AT_ONCE = 4_000
"""Characters of a text that a page shows before it offers the rest."""

TAGS = {
    *("a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
SCHEMES = {"http", "https", "mailto", "tel"}

# A user name may be an address itself. What stands before the @ must not make an e-mail address of it.
MENTION = re.compile(r"(?<![\w@.+-])@(\w[\w.+-]*(?:@[\w-]+(?:\.[\w-]+)*)?)(?![@\w])")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+[^\s<>\"'`.,:;!?)\]}*_]")
_REFERENCE = re.compile(r"(?<![\w/-])[A-Z]{2,4}-\d{6,12}(?![\w-])")

Names = Mapping[str, tuple[str, str]]
"""Lower-case user names to the person's name and address; the address may be empty."""


def render(text: str, people: Names | None = None) -> SafeString:
    """Render Markdown; `people` are those who are shown by name where the text mentions them."""
    named = tuple((name, *people[name]) for name in mentioned_names(text) if name in people) if people else ()
    return mark_safe(_render(text, named))  # noqa: S308 -- sanitised in _render


def sanitise(html: str) -> str:
    """Keep only what Markdown can express; cleaning twice changes nothing."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        allowed_classes={"a": {"mention"}, "code": set()},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def opening(text: str, most: int = SHOWN_AT_ONCE) -> tuple[str, bool]:
    """Return the beginning of a long text, cut between lines or words, and whether something is left out."""
    if len(text) <= most:
        return text, False
    cut = text[:most]
    end = max(cut.rfind("\n"), cut.rfind(" "))
    return (cut[:end] if end > most // 2 else cut), True


def mentioned_names(text: str) -> list[str]:
    """List the user names that a text mentions outside code and links, in lower case."""
    if "@" not in text:
        return []
    plain = (part for block in _PARSER.parse(text) for part in _plain(block.children or []))
    return list(dict.fromkeys(_name(found) for part in plain for found in MENTION.findall(part)))


def names_in(texts: Iterable[str], *, linked: bool) -> dict[str, tuple[str, str]]:
    """Look up everybody whom the texts mention, in one query; `linked` adds the addresses of their pages."""
    wanted = {name for text in texts for name in mentioned_names(text)}
    if not wanted:
        return {}
    found = Person.objects.filter(username__in=wanted)
    return {
        person.username: (person.title, person.get_absolute_url() if linked else "")
        for person in found
        if person.username
    }


@lru_cache(maxsize=2048)
def _render(text: str, people: tuple[tuple[str, str, str], ...]) -> str:
    return sanitise(_PARSER.render(text, {"people": {name: (shown, url) for name, shown, url in people}}))


def _connect(state: StateCore) -> None:
    """Make links of addresses, references of records and people mentioned, outside code and other links."""
    for block in state.tokens:
        if block.type in ("heading_open", "heading_close"):
            block.tag = f"h{min(int(block.tag[1]) + 2, 6)}"  # the page's own headings stand above
        elif block.type == "inline" and block.children:
            block.children = list(_connected(block.children, state.env.get("people", {})))


def _connected(tokens: list[Token], people: Names) -> Iterator[Token]:
    inside = 0
    for token in tokens:
        inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "image":
            yield _token("html_inline", _link(str(token.attrGet("src") or ""), token.content or "…"))
        elif token.type == "text" and not inside:
            yield from _split(token.content, people)
        else:
            yield token


def _plain(tokens: list[Token]) -> Iterator[str]:
    """Yield the texts outside code and links."""
    inside = 0
    for token in tokens:
        inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and not inside:
            yield token.content


def _name(found: str) -> str:
    return found.lower().rstrip(".")


def _split(text: str, people: Names) -> Iterator[Token]:
    end = 0
    for match in _CONNECTED.finditer(text):
        html = _linked(match, people)
        if html:
            yield _token("text", text[end : match.start()])
            yield _token("html_inline", html)
            end = match.end()
    yield _token("text", text[end:])


def _linked(match: re.Match[str], people: Names) -> str:
    found = match.group()
    if found.startswith("@"):
        return _mention(found, people)
    if found.startswith("http"):
        return _link(found, found)
    try:
        registry.for_prefix(found.partition("-")[0])
    except LookupError:
        return ""
    return _link(f"/records/{found}/", found)


def _link(address: str, text: str) -> str:
    return format_html('<a href="{}">{}</a>', address, text)


def _mention(found: str, people: Names) -> str:
    word = found[1:].rstrip(".")  # a full stop ends the sentence, not the name
    name, url = people.get(word.lower(), ("", ""))
    if not name:
        return ""
    rest = found[1 + len(word) :]
    shown = format_html('<a class="mention" href="{}">{}</a>' if url else "<strong>{1}</strong>", url, name)
    return shown + rest


def _token(kind: str, content: str) -> Token:
    return Token(kind, "", 0, content=content)


_CONNECTED = re.compile("|".join(pattern.pattern for pattern in (_ADDRESS, MENTION, _REFERENCE)))
_PARSER = (
    MarkdownIt("commonmark", {"html": False, "breaks": True})
    .enable(["table", "strikethrough"])
    .disable(["html_block", "html_inline"])
)
_PARSER.core.ruler.push("connect", _connect)
