"""The one way in which texts and queries become comparable words, on every database alike.

Texts are stored as words that are already folded, because the databases fold differently: SQLite
knows only ASCII, PostgreSQL follows the locale of its cluster.
"""

import re
import unicodedata

# What is searchable of one text. Longer ones are kept whole in their record; PostgreSQL takes a
# megabyte of distinct words at most.
MOST_CHARACTERS = 50_000
LONGEST_WORD = 64

# Chinese and Japanese are written without spaces: there every character is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SEPARATORS = {code: " " for code in range(128) if not chr(code).isalnum()}
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")

# Letters that Unicode regards as letters of their own, although people type them without the stroke.
_STROKES = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "þ": "th", "æ": "ae", "œ": "oe"}
)


def fold(text: str) -> str:
    """Return text without the differences of case, accent and width: "Straße" and "STRASSE" are equal."""
    return text.lower() if text.isascii() else _BEYOND_ASCII.sub(lambda sign: _FOLDED[sign[0]], text).lower()


def words(text: str) -> list[str]:
    """Return the folded words of a text in their order; punctuation and symbols separate them."""
    folded = fold(text[:MOST_CHARACTERS])[:MOST_CHARACTERS]
    found = folded.translate(_SEPARATORS).split() if folded.isascii() else _WORD.findall(folded)
    return [word[:LONGEST_WORD] for word in found] if len(folded) > LONGEST_WORD else found


def number(reference: str) -> str:
    """Return the word that finds a record by its number: "INC-000123", "inc 123" and "Inc123" give "#inc123".

    Nothing is returned for what does not end in a number.
    """
    return "#" + "".join(parts) if (parts := _parts_of_number(reference)) else ""


def numbers(reference: str) -> list[str]:
    """Return the words by which a number alone and a number with its prefix find a reference."""
    parts = _parts_of_number(reference)
    return ["#" + "".join(parts), "#" + parts[-1]] if parts else []


def _parts_of_number(reference: str) -> list[str]:
    parts = _LETTERS_OR_DIGITS.findall(fold(reference[:LONGEST_WORD]))
    if not parts or not parts[-1].isdecimal():
        return []
    return [(part.lstrip("0") or "0") if part.isdecimal() else part for part in parts]


def _folded_sign(sign: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold())
    bare = "".join(part for part in plain if not unicodedata.combining(part)).translate(_STROKES)
    return bare if bare == sign else "".join(map(_folded_sign, bare))


class _Folded(dict[str, str]):
    """What each sign folds to, worked out when it is first met."""

    def __missing__(self, sign: str) -> str:
        folded = _folded_sign(sign)
        if len(self) < 20_000:  # more signs than any language needs: somebody sends all of Unicode
            self[sign] = folded
        return folded


_FOLDED = _Folded()
