"""The demo organisation: data in data/, which `load` writes; the same for the same moment and seed."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

DATA = files("stellwerk.demo").joinpath("data")


@cache
def read(name: str) -> dict[str, Any]:
    """Parse one of the data files by its path below data/."""
    return tomllib.loads(DATA.joinpath(*name.split("/")).read_text(encoding="utf-8"))


def read_all(folder: str) -> list[dict[str, Any]]:
    """Parse all files of a folder, by name."""
    names = sorted(path.name for path in DATA.joinpath(folder).iterdir())
    return [read(f"{folder}/{name}") for name in names]


def password_of(username: str) -> str:
    """Return the password of a sign-in of the demo; set in demo mode only, on a machine of one's own."""
    return f"{username}-demo"


def sign_ins() -> list[tuple[str, str, str]]:
    """List role, user name and password of those who can sign in."""
    return [(role, key, password_of(key)) for key, role in read("demo.toml")["sign_ins"].items()]
