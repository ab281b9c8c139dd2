"""The small parts of a page, as functions: the one place that knows their markup.

Lists call these once per cell, so each is a format string and no template. Templates reach them through
`{% load stellwerk %}`. The live page of all of them is /design-system/.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from html import escape
from zlib import crc32

from django.utils import formats, timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

HUES = 8
UNITS = (
    (86400, pgettext_lazy("days", "d")),
    (3600, pgettext_lazy("hours", "h")),
    (60, pgettext_lazy("minutes", "min")),
)


@dataclass(frozen=True)
class Column:
    """One column of a list: `kind` is "title", "reference", "number" or empty; `sort` is "ascending", "descending" or empty.

    The cells of a `labelled` column say its label on a phone, where a list has no head: their values say too little alone.
    """

    key: str
    label: str
    kind: str = ""
    sort: str = ""
    sort_url: str = ""
    labelled: bool = False

    @property
    def css(self) -> str:
        return {"title": "col-title", "reference": "col-reference", "number": "align-end"}.get(self.kind, "")


@dataclass(frozen=True)
class Row:
    """One line of a list: the cells are HTML made by the functions of this module, in the order of the columns."""

    pk: int | str
    url: str
    cells: Iterable[SafeString | str] = field(default_factory=list)
    label: str = ""
    unread: bool = False


@lru_cache(maxsize=512)
def icon(name: str, size: int = 16) -> SafeString:
    """Return a lucide icon as inline SVG, hidden from screen readers: the text beside it says what it is."""
    return mark_safe(lucide(name, size=size, **{"class": "icon", "aria_hidden": "true"}))


def status(value: str, label: object = "", tone: str = "", *, pill: bool = False) -> SafeString:
    """Show a status as glyph and word; `pill` gives it a ground, for headers."""
    if not value:
        return nothing()
    return format_html(
        '<span class="status status-{}{}"><i></i>{}</span>',
        tone or "closed",
        " is-pill" if pill else "",
        label or value,
    )


def rank(value: int | str | None, label: object = "") -> SafeString:
    """Show a rank from 1, before all others, to 5 as bars and word."""
    if not value:
        return nothing()
    return format_html('<span class="priority priority-{}"><i></i>{}</span>', value, label or value)


def initials(name: str) -> str:
    """Return the first letters of the first and the last word."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def hue(name: str) -> int:
    """Return the colour number that a name always gets, 1 to 8."""
    return crc32(name.encode()) % HUES + 1


def avatar(name: str, *, large: bool = False, team: bool = False) -> SafeString:
    """Show initials on the name's own hue; decoration, so the name must stand beside it or in a label."""
    css = f"hue-{hue(name)}{' avatar-lg' if large else ''}{' avatar-team' if team else ''}"
    return format_html('<span class="avatar {}" aria-hidden="true">{}</span>', css, initials(name))


def person(name: str, url: str = "", *, team: bool = False) -> SafeString:
    """Show somebody: initials and name, linked where there is a page."""
    if not name:
        return nothing(_("Nobody"))
    tag = format_html('<a class="person" href="{}">', url) if url else mark_safe('<span class="person">')
    end = mark_safe("</a>" if url else "</span>")
    return format_html('{}{}<span class="person-name">{}</span>{}', tag, avatar(name, team=team), name, end)


def reference(text: str, url: str = "") -> SafeString:
    """Show a record's reference, linked where an address is given."""
    if url:
        return format_html('<a class="reference" href="{}">{}</a>', url, text)
    return mark_safe(f'<span class="reference">{_escaped(text)}</span>')


def title(text: str, url: str) -> SafeString:
    """Show a record's title as the link that opens it."""
    return mark_safe(f'<a href="{_escaped(url)}">{_escaped(text or _("(no title)"))}</a>')


@lru_cache(maxsize=64)
def nothing(text: str = "–") -> SafeString:
    """Show that a value is not set."""
    return format_html('<span class="empty-value">{}</span>', text)


def _escaped(text: str) -> str:
    """Escape a text for a cell, of which a page has hundreds; what is HTML already stays."""
    return text if isinstance(text, SafeString) else escape(str(text))


def outdated(shown: str) -> SafeString:
    """Mark a stored value that its field no longer takes, such as a choice that was taken away."""
    return format_html(
        '{} <span class="text-muted text-sm" title="{}">({})</span>',
        shown,
        _("This value is kept, but can't be chosen any more."),
        _("retired"),
    )


def moment(value: datetime | None, now: datetime | None = None) -> SafeString:
    """Show an instant as people say it ("3 h ago"), with the exact one as title."""
    if value is None:
        return nothing()
    said = _escaped(relative(value, now or timezone.now()))
    given = value.isoformat(timespec="seconds")
    return mark_safe(f'<time datetime="{given}" title="{_escaped(exact(value))}" data-relative>{said}</time>')


def exact(value: datetime) -> str:
    """Return an instant in full, in the reader's time zone and language."""
    local = timezone.localtime(value)
    return f"{_day(local.date(), 'DATE_FORMAT', get_language())} {local:%H:%M}"


@lru_cache(maxsize=2048)
def _day(day: date, shape: str, language: str | None) -> str:
    """Write a day in a language; a page names few of them again and again."""
    return formats.date_format(day, shape)


def relative(value: datetime, now: datetime) -> str:
    """Return how long ago or how soon, in one unit; a date beyond a month."""
    seconds = int((now - value).total_seconds())
    ago, distance = seconds >= 0, abs(seconds)
    if distance < 60:
        return _("now")
    if distance >= 30 * 86400:
        shape = "j M Y" if distance > 300 * 86400 else "j M"
        return _day(timezone.localtime(value).date(), shape, get_language())
    size, unit = (86400, "d") if distance >= 86400 else (3600, "h") if distance >= 3600 else (60, "min")
    span = {"span": f"{distance // size}\u00a0{unit}"}
    return _("%(span)s ago") % span if ago else _("in %(span)s") % span


def due(
    value: datetime | None, now: datetime | None = None, soon: timedelta = timedelta(hours=4)
) -> SafeString:
    """Show a deadline: late and nearly late carry a sign and a word, not just a colour."""
    if value is None:
        return nothing()
    now = now or timezone.now()
    if value < now:
        late = relative(value, now)
        return format_html(
            '<span class="due-late" title="{}">{}{}</span>',
            exact(value),
            icon("alarm-clock", 14),
            _("late, %s") % late,
        )
    if value - now < soon:
        return format_html(
            '<span class="due-soon" title="{}">{}{}</span>',
            exact(value),
            icon("clock", 14),
            relative(value, now),
        )
    return moment(value, now)


def record_rows(columns: Iterable[Column], rows: Iterable[Row], *, selectable: bool = True) -> SafeString:
    """Write the body of a list in one go; a template loop would cost more than the query."""
    attributes = [_attributes(column) for column in columns]
    select = _("Select %s") if selectable else ""
    return mark_safe("".join(_row(attributes, row, select) for row in rows))


def _attributes(column: Column) -> str:
    css = f' class="{column.css}"' if column.css else ""
    return css + (f' data-label="{conditional_escape(column.label)}"' if column.labelled else "")


def _row(attributes: list[str], row: Row, select: str) -> str:
    check = ""
    if select:
        label = conditional_escape(select % (row.label or row.pk))
        check = (
            f'<td class="col-check"><input class="form-check-input" type="checkbox" name="selected" '
            f'value="{conditional_escape(str(row.pk))}" aria-label="{label}"></td>'
        )
    cells = "".join(
        f"<td{given}>{_escaped(cell)}</td>" for given, cell in zip(attributes, row.cells, strict=True)
    )
    css = ' class="is-unread"' if row.unread else ""
    return f'<tr{css} data-url="{conditional_escape(row.url)}">{check}{cells}</tr>'


BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


def browser(user_agent: str) -> str:
    """Name the browser and the system that an HTTP client says it is, the first of each that fits."""
    name = next((name for sign, name in BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in user_agent), "")
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or system or user_agent or _("Unknown browser")


def size(octets: int) -> str:
    """Return a file's size as people say it, in decimal units."""
    amount = float(octets)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, {"B": "kB", "kB": "MB", "MB": "GB"}[unit]
    return f"{formats.number_format(amount, 0 if unit in ('B', 'kB') else 1)}\u00a0{unit}"
