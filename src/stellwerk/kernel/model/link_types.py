"""The kinds of link that records may have, declared by those who use them."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from stellwerk.vocabulary import Text


@dataclass(frozen=True)
class LinkType:
    """A typed link with its name in both directions.

    `symmetric` ones read alike from both ends; `ordered` ones put one record above another and so never lead back.
    """

    key: str
    label: Text
    inverse: Text
    symmetric: bool = False
    ordered: bool = False


_types: dict[str, LinkType] = {}


def link_type(key: str, label: Text, inverse: Text | None = None, *, ordered: bool = False) -> LinkType:
    """Declare a kind of link; without `inverse` it reads alike from both ends."""
    if key in _types:
        raise ValueError(f"The link type {key!r} is declared twice.")
    _types[key] = LinkType(key, label, inverse or label, symmetric=inverse is None, ordered=ordered)
    return _types[key]


def get(key: str) -> LinkType:
    """Return the link type; LookupError names those there are."""
    try:
        return _types[key]
    except KeyError:
        raise LookupError(f"No link type is called {key!r}; there are {', '.join(sorted(_types))}.") from None


def all_link_types() -> list[LinkType]:
    return list(_types.values())


RELATED = link_type("related", _("relates to"))
PARENT = link_type("parent", _("is parent of"), _("is child of"), ordered=True)
DUPLICATE = link_type("duplicate", _("duplicates"), _("is duplicated by"), ordered=True)
