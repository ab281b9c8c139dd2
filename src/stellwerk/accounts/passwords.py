"""Passwords that are long enough and on no list, and yet the first that somebody would try."""

import gzip
import re
from functools import cache
from pathlib import Path

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person

FEWEST_SIGNS = 5
"""How many different signs a password has at least."""
SHORTEST_RUN = 6
ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
)
PRODUCT = "stellwerk"
LEET = str.maketrans("013457@$!", "oleastasi")
AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class SimilarPasswordValidator(password_validation.UserAttributeSimilarityValidator):
    """Refuse what looks like the person's name, user name or address."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "title", "email"))

    def validate(self, password: str, user: Person | None = None) -> None:
        try:
            super().validate(password, user)
        except ValidationError as error:
            raise ValidationError(self.get_help_text(), code=error.code) from None

    def get_help_text(self) -> str:
        return _("Choose a password that doesn't contain your name, user name or address.")


class TrivialPasswordValidator:
    """Refuse what is only figures, repeats itself, follows the keyboard, or is a common word with something around it."""

    def validate(self, password: str, user: Person | None = None) -> None:
        plain = password.casefold()
        few = plain.isdecimal() or len(set(plain)) < FEWEST_SIGNS
        if few or len(_without_runs(_once(plain))) < SHORTEST_RUN or _words(plain) & common():
            raise ValidationError(self.get_help_text(), code="password_too_trivial")

    def get_help_text(self) -> str:
        return _("This password is easy to guess. Use several unrelated words.")


def _words(plain: str) -> set[str]:
    """Return what a password may be at heart: without figures and marks around it, or written for letters in it."""
    core = AROUND.sub("", plain)
    letters = {re.sub(r"[\W\d_]+", "", text) for text in (core, core.translate(LEET))}
    return {_once(plain), _once(core)} | {_once(word) for word in letters}


def _once(text: str) -> str:
    """Return what a text repeats, if it is nothing else: "abcabc" is "abc" twice."""
    found = re.fullmatch(r"(.+?)\1+", text)
    return found[1] if found else text


def _without_runs(text: str) -> str:
    """Take out what runs along the alphabet, the figures or a keyboard, forwards or backwards."""
    for row in (*ROWS, *(row[::-1] for row in ROWS)):
        for size in range(len(row), SHORTEST_RUN - 1, -1):
            for start in range(len(row) - size + 1):
                text = text.replace(row[start : start + size], "")
    return text


@cache
def common() -> frozenset[str]:
    """Return the passwords that Django knows as common, and what anybody would try here."""
    path = Path(password_validation.__file__).parent / "common-passwords.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return frozenset({line.strip() for line in lines} | {"", PRODUCT})
