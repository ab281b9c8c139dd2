"""What the value of a setting may be: how each kind is read, and the words that say what is allowed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

LOOPBACK = ("localhost", "127.0.0.1")
SHORTEST_KEY = 50
WORDS = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False}
WORDS |= {"off": False, "": False}
HOST = r"[\w-]+(\.[\w-]+)*\.?"

Value = str | int | bool


@dataclass(frozen=True)
class Kind:
    """How a value is read, ValueError for one that does not fit; `allowed` completes "must be ..."."""

    allowed: str
    read: Callable[[object], Value]


def text() -> Kind:
    return _form("a text", lambda value: True)


def filled() -> Kind:
    return _form("a text that is not empty", bool)


def optional(kind: Kind) -> Kind:
    """The same, or empty, which stands for none."""
    return Kind(f"{kind.allowed}, or empty", lambda value: "" if _text(value) == "" else kind.read(value))


def flag() -> Kind:
    return Kind("yes or no", _flag)


def number(least: int, most: int) -> Kind:
    def read(value: object) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", str(value).strip()) or not least <= int(str(value)) <= most:
            raise ValueError(value)
        return int(str(value))

    return Kind(f"a whole number from {least} to {most}", read)


def one_of(*words: str, untold: tuple[str, ...] = ()) -> Kind:
    """One of some words, however they are capitalised; `untold` ones are for the project's own tests."""
    known = {word.lower(): word for word in (*words, *untold)}

    def read(value: object) -> str:
        if _text(value).lower() not in known:
            raise ValueError(value)
        return known[_text(value).lower()]

    return Kind(" or ".join(filter(None, (", ".join(words[:-1]), words[-1]))), read)


def key() -> Kind:
    return _form(f"a text of at least {SHORTEST_KEY} characters", lambda value: len(value) >= SHORTEST_KEY)


def site_address() -> Kind:
    return _form("an address such as https://desk.example.org, without a path", _is_site)


def provider_address() -> Kind:
    return _form("an address that begins with https://", _is_provider)


def listen_address() -> Kind:
    return _form("an address and a port from 1 to 65535, such as 127.0.0.1:8765", parse_listen_address)


def database_address() -> Kind:
    return _form(
        "like sqlite:///var/lib/stellwerk/stellwerk.sqlite3 or postgres://user:password@host:5432/name",
        parse_database_url,
    )


def mail_server() -> Kind:
    return _form("like smtp://user:password@host:587 or smtps://user:password@host:465", parse_mail_url)


def sender() -> Kind:
    return _form(
        "an address such as desk@example.org",
        lambda value: re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]),
    )


def hosts() -> Kind:
    return _form(
        "host names such as desk.example.org, separated by commas",
        lambda value: all(re.fullmatch(rf"\.?{HOST}|\[[0-9a-f:]+\]", name) for name in names_in(value)),
    )


def time_zone() -> Kind:
    return _form("the name of a time zone, such as Europe/Berlin", _is_time_zone)


def names_in(value: str) -> list[str]:
    """Take a list apart that is separated by commas."""
    return [name.strip() for name in value.split(",") if name.strip()]


def parse_listen_address(value: str) -> tuple[str, int]:
    """Return host and port of 127.0.0.1:8765, [::1]:8765 or :8765, which means all addresses."""
    host, _, port = value.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536 or re.search(r"[\s/]", host):
        raise ValueError(value)
    # An empty host means every address of the machine.
    return host.strip("[]") or "0.0.0.0", int(port)  # nosec B104


def parse_database_url(url: str) -> dict[str, Any]:
    """Return Django's engine, name, host ... for a sqlite:// or postgres:// address."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and parts.path:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path).replace("//", "/")}
    if parts.scheme in {"postgres", "postgresql"} and parts.path.strip("/"):
        query = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": query,
        }
    raise ValueError(url)


def parse_mail_url(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_ settings for an smtp:// or smtps:// address."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError(url)
    implicit = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        # A password never travels in the clear; only a relay on this machine may do without TLS.
        "EMAIL_USE_TLS": not implicit and parts.hostname not in LOOPBACK,
    }


def _form(allowed: str, fits: Callable[[str], object]) -> Kind:
    """Text for which `fits` returns something true; ValueError says no as well."""

    def read(value: object) -> str:
        if not fits(_text(value)):
            raise ValueError(value)
        return _text(value)

    return Kind(allowed, read)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value.strip()


def _flag(value: object) -> bool:
    word = str(value).strip().lower()
    if word not in WORDS:
        raise ValueError(value)
    return WORDS[word]


def _is_site(value: str) -> bool:
    parts = urlsplit(value)
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and bare and _has_host(parts)


def _is_provider(value: str) -> bool:
    parts = urlsplit(value)
    # The answer's signature is not looked at, because it comes straight from the provider, over TLS.
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return safe and _has_host(parts)


def _has_host(parts: SplitResult) -> bool:
    """Tell whether a host is named; a port that is none raises ValueError."""
    named = re.fullmatch(rf"{HOST}|[0-9a-f:.]+", parts.hostname or "")
    return bool(named) and parts.port != 0


def _is_time_zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (KeyError, OSError):
        return False
    return True
