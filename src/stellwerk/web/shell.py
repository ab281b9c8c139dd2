"""What the frame around every page shows: navigation, what can be created, the bell, the reader's preferences."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db.models import Case, Value, When
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.permissions.policy import policy_of

Text = str | Promise
MOST_COUNTED = 99
MOST_ITEMS = 30
"""So many items of the navigation are shown at once; with more, groups are folded where the reader isn't."""
MOST_IN_GROUP = 12
DESK_FRAME = "stellwerk/base.html"
PORTAL_FRAME = "stellwerk/portal_base.html"


@dataclass(frozen=True)
class Page:
    """An entry of the navigation that is not a list; `administrators` keeps it from everyone else."""

    url_name: str
    title: Text
    icon: str
    administrators: bool = False
    needs: str = ""
    """The key of a record type that the reader must work on."""
    own: bool = False
    """Whether the portal lists here what its reader asked for; they have no other list."""


@dataclass(frozen=True)
class Group:
    """A part of the navigation: pages, and record types by their keys. `new` offers them in the menu "New"."""

    title: Text
    entries: Sequence[Page | str]
    new: bool = False


@dataclass(frozen=True)
class Item:
    """A line of the navigation as the template draws it."""

    title: str
    url: str
    icon: str
    active: bool = False


@dataclass(frozen=True)
class ItemGroup:
    """A part of the navigation as the template draws it; a folded one shows only where the reader is."""

    number: int
    title: Text
    items: list[Item]
    count: int = 0
    """How many items there are where not all are shown."""
    url: str = ""
    """The page of a folded group, which brings all its items."""


def shell(request: HttpRequest) -> dict[str, object]:
    """Return what base.html reads (context processor); nothing is looked up before it is drawn."""
    person = getattr(request, "user", None)
    if not isinstance(person, Person):
        return {}
    return {
        "sidebar": SimpleLazyObject(lambda: sidebar(person, _place(request))),
        "new_menu": SimpleLazyObject(lambda: new_menu(person)),
        "unread_count": SimpleLazyObject(lambda: unread(person)),
        "theme": person.theme or "auto",
        "density": person.density or "comfortable",
        "works_here": SimpleLazyObject(lambda: works_here(person)),
        "frame": SimpleLazyObject(lambda: DESK_FRAME if works_here(person) else PORTAL_FRAME),
        "portal_navigation": SimpleLazyObject(lambda: portal_navigation(request.path)),
        "desk_url": SimpleLazyObject(lambda: reverse("home") if works_here(person) else ""),
    }


def _place(request: HttpRequest) -> str:
    """Return the path by which the navigation finds its place: a record's page belongs to the list of its type."""
    match = request.resolver_match
    reference = str(match.kwargs.get("reference", "")) if match else ""
    try:
        return reverse("list", args=[registry.for_prefix(reference.partition("-")[0].upper())])
    except LookupError:
        return request.path


def sidebar(person: Person, path: str) -> SafeString:
    """Draw the navigation; once for each person, language and place in it, as long as nobody's rights change."""
    place = tuple(url for url, begins in _places(get_script_prefix()) if _is_at(path, url, begins=begins))
    return policy_of(person).once(
        ("sidebar", get_language(), get_script_prefix(), place),
        lambda: render_to_string("stellwerk/parts/navigation.html", {"navigation": navigation(person, path)}),
    )


def new_menu(person: Person) -> SafeString:
    """Draw the menu "New"; once for each person and language, as long as nobody's rights change."""
    return policy_of(person).once(
        ("new menu", get_language(), get_script_prefix()),
        lambda: render_to_string("stellwerk/parts/new_menu.html", {"creatable": creatable(person)}),
    )


def works_here(person: Person) -> bool:
    """Whether the person has any staff role; others are at home in the portal."""
    policy = policy_of(person)
    return policy.is_administrator or policy.once(
        "works here", lambda: any(may_list(person, t) for t in registry.all_types())
    )


def may_list(person: Person, record_type: RecordType) -> bool:
    """Whether a list of this type belongs into the person's navigation: some staff role reaches it."""
    return policy_of(person).scope(record_type) != frozenset()


def navigation(person: Person, path: str) -> list[ItemGroup]:
    """List the groups and items that the person's roles reach, long ones folded."""
    whole = whole_navigation(person, path)
    if sum(len(group.items) for group in whole) <= MOST_ITEMS:
        return whole
    place = next((item.url for group in whole for item in group.items if item.active), "")
    return [_folded(group, place) if group.title else group for group in whole]


def whole_navigation(person: Person, path: str) -> list[ItemGroup]:
    """List the groups and items that the person's roles reach."""
    drawn = []
    for number, group in enumerate(groups()):
        items = [item for entry in group.entries if (item := _item(entry, person, path))]
        if items:
            drawn.append(ItemGroup(number, group.title, items))
    return drawn


def _folded(group: ItemGroup, place: str) -> ItemGroup:
    here = [item for item in group.items if item.active]
    if here and len(group.items) <= MOST_IN_GROUP:
        return group
    url = f"{reverse('navigation', args=[group.number])}?{urlencode({'place': place})}"
    return ItemGroup(group.number, group.title, here, len(group.items), url)


def portal_pages() -> Sequence[Page]:
    pages: Sequence[Page] = import_string(settings.STELLWERK_PORTAL_NAVIGATION)
    return pages


def instead_of_list(record_type: RecordType) -> str:
    """Return where people without a staff role go instead of a type's list: to what they asked for, or the portal."""
    own = [page.url_name for page in portal_pages() if page.own and requestable(record_type).portal_page]
    return reverse(own[0] if own else "portal")


def portal_navigation(path: str) -> list[Item]:
    """List the portal's pages."""
    urls = [(page, reverse(page.url_name)) for page in portal_pages()]
    return [Item(str(page.title), url, page.icon, path == url) for page, url in urls]


def creatable(person: Person) -> list[Item]:
    """List what the person may create, in the order of the navigation."""
    policy = policy_of(person)
    keys = [entry for group in groups() if group.new for entry in group.entries if isinstance(entry, str)]
    types = [registry.get(key) for key in keys]
    return [
        Item(capfirst(str(t.label)), reverse("create", args=[t.key]), t.icon)
        for t in types
        if policy.may_create_as_staff(t)
    ]


def unread(person: Person) -> str:
    """Count unread notifications up to MOST_COUNTED, as the bell shows it."""
    unread = Notification.objects.filter(person=person, read_at=None).order_by("-id")
    pairs = list(unread.values_list("entry__record", "entry__internal")[: MOST_COUNTED + 1])
    about = {record for record, _internal in pairs if record}
    seen = _seen(about, person) if about else {}
    number = sum(
        1 for record, internal in pairs if not record or (record in seen and (seen[record] or not internal))
    )
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number or "")


def _seen(ids: set[int], person: Person) -> dict[int, bool]:
    """Map the records among these that the person may still see to whether they see them as staff."""
    policy = policy_of(person)
    staff = Case(When(policy.as_staff(Record, few=True), then=Value(True)), default=Value(False))
    return dict(Record.objects.filter(policy.visible(Record, few=True), pk__in=ids).values_list("pk", staff))


@lru_cache(maxsize=1)
def groups() -> Sequence[Group]:
    """Return the navigation of the site, with every type that it does not name in a last group."""
    declared: Sequence[Group] = import_string(settings.STELLWERK_NAVIGATION)
    named = {entry for group in declared for entry in group.entries}
    rest = [t.key for t in registry.all_types() if t.key not in named]
    return [*declared, Group(_("More"), rest)]


def places() -> dict[str, int]:
    """Number the record types in the order of the navigation, by their keys."""
    keys = [entry for group in groups() for entry in group.entries if isinstance(entry, str)]
    return {key: at for at, key in enumerate(keys)}


def _item(entry: Page | str, person: Person, path: str) -> Item | None:
    if isinstance(entry, Page):
        if entry.administrators and not policy_of(person).is_administrator:
            return None
        if entry.needs and not may_list(person, registry.get(entry.needs)):
            return None
        url = reverse(entry.url_name)
        return Item(str(entry.title), url, entry.icon, _is_at(path, url))
    record_type = registry.get(entry)
    if not may_list(person, record_type):
        return None
    url = reverse("list", args=[record_type])
    return Item(
        capfirst(str(record_type.label_plural)), url, record_type.icon, _is_at(path, url, begins=True)
    )


@lru_cache(maxsize=8)
def _places(prefix: str) -> list[tuple[str, bool]]:
    """List the addresses in the navigation, and whether what lies below them is at home there too."""
    entries = [entry for group in groups() for entry in group.entries]
    return [
        (reverse(entry.url_name), False)
        if isinstance(entry, Page)
        else (reverse("list", args=[registry.get(entry)]), True)
        for entry in entries
    ]


def _is_at(path: str, url: str, *, begins: bool = False) -> bool:
    return path.startswith(url) if begins else path == url
