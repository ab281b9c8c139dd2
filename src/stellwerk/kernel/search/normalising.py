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

# Chinese and Japanese are written without spaces, and Korean words grow endings: there every character is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_JAMO = re.compile("[\u1100-\u11ff]")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SEPARATORS = {code: " " for code in range(128) if not chr(code).isalnum()}
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")

# Letters that Unicode regards as letters of their own, although people type them without the stroke.
_STROKES = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "þ": "th", "æ": "ae", "œ": "oe"}
)


def normalise(text: str) -> str:
    """Return text without the differences of case, accent and width: "Straße" and "STRASSE" are equal."""
    if text.isascii():
        return text.lower()
    whole = unicodedata.normalize("NFC", text) if _JAMO.search(text) else text
    return _BEYOND_ASCII.sub(lambda sign: _FOLDED[sign[0]], whole).lower()


def words(text: str) -> list[str]:
    """Return the folded words of a text in their order; punctuation and symbols separate them."""
    folded = normalise(text[:MOST_CHARACTERS])[:MOST_CHARACTERS]
    found = folded.translate(_SEPARATORS).split() if folded.isascii() else _WORD.findall(folded)
    return [word[:LONGEST_WORD] for word in found] if len(folded) > LONGEST_WORD else found


# Codes and numbers, with what separates their parts; digits that stand in groups, such as those of a telephone.
_PARTED = re.compile(r"(?<![^\W_])[^\W_]++(?:[-.:_/'’]{1,2}[^\W_]++)+")
_GROUPED = re.compile(r"\d[\d ()/.-]{5,}\d")
_SEPARATOR = re.compile(r"[\W_]+")
_FEWEST_DIGITS = 7
_CODE = re.compile(r"(?:0x(?P<hex>[0-9a-f]{3,})|[a-z]+(?P<number>0*(?P<short>[1-9]\d{2,})))")
# How people write letters that their keyboard lacks; folding alone drops the marks.
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_APART = "#"
_DIGITS = 6
"""Digits that a reference has at least."""
_BEGUN = re.compile(r"#(?P<prefix>[a-z]{2,4})(?P<digits>[1-9][0-9]{0,9})")


def other_spellings(text: str) -> list[str]:
    """Return the folded words under which parts of a text are looked for as well.

    A MAC address or number without its separators, "cant" for "can't", a code without its prefix, "ue" for "ü".
    """
    text = text[:MOST_CHARACTERS]
    folded = normalise(text)
    found = [_SEPARATOR.sub("", part) for part in _PARTED.findall(folded) if _is_one(part)]
    found += filter(None, map(joined, _GROUPED.findall(folded)))
    for code in filter(None, map(_CODE.fullmatch, words(text))):
        found += filter(None, code.group("hex", "number", "short"))
    if not text.isascii():
        found += [word for piece in _with_marks(text) for word in words(piece)]
    return [word[:LONGEST_WORD] for word in dict.fromkeys(found)]


def all_words(text: str) -> list[str]:
    """Return what a text is indexed by: its words in their order and, apart from them, their other spellings."""
    found = words(text)
    known = set(found)
    others = [word for word in other_spellings(text) if word not in known]
    return [*found, _APART, *others] if others else found


def joined(text: str) -> str:
    """Return the digits of a text that is one number in groups, such as "030 / 123-456"; nothing for any other."""
    digits = _SEPARATOR.sub("", text)
    return digits if digits.isdecimal() and len(digits) >= _FEWEST_DIGITS else ""


def spelled_otherwise(piece: str) -> tuple[str, ...]:
    """Return the words of the other way to write what was typed without blanks; nothing when there is none."""
    if marked := _with_marks(piece):
        return tuple(words(" ".join(marked)))
    folded = normalise(piece)
    parted = _PARTED.fullmatch(folded)
    return (_SEPARATOR.sub("", folded)[:LONGEST_WORD],) if parted and _is_one(folded) else ()


def _is_one(parted: str) -> bool:
    return any(sign.isdigit() for sign in parted) or set(_SEPARATOR.findall(parted)) <= {"'", "’"}


def _with_marks(text: str) -> list[str]:
    """Return the words that bear a mark for which people type two letters, so written."""
    composed = unicodedata.normalize("NFC", text).lower()
    return [word.translate(_DIGRAPHS) for word in composed.split() if word.translate(_DIGRAPHS) != word]


def number(reference: str) -> str:
    """Return the word that finds a record by its number: "INC-000123", "inc 123" and "Inc123" give "#inc123".

    Nothing is returned for what does not end in a number.
    """
    return "#" + "".join(parts) if (parts := _parts_of_number(reference)) else ""


def numbers(reference: str) -> list[str]:
    """Return the words by which a number alone and a number with its prefix find a reference."""
    parts = _parts_of_number(reference)
    return ["#" + "".join(parts), "#" + parts[-1]] if parts else []


def begun_references(number: str) -> list[str]:
    """Return the references that somebody may be typing, up to three digits longer: INC-000012 for "#inc1"."""
    begun = _BEGUN.fullmatch(number)
    if not begun:
        return []
    more = [f"{rest:0{digits}d}" for digits in (1, 2, 3) for rest in range(10**digits)]
    return [f"{begun['prefix'].upper()}-{(begun['digits'] + rest).zfill(_DIGITS)}" for rest in ("", *more)]


def _parts_of_number(reference: str) -> list[str]:
    parts = _LETTERS_OR_DIGITS.findall(normalise(reference[:LONGEST_WORD]))
    if not parts or not parts[-1].isdecimal():
        return []
    return [(part.lstrip("0") or "0") if part.isdecimal() else part for part in parts]


def _folded_sign(sign: str) -> str:
    if "\uac00" <= sign <= "\ud7a3":  # a Korean syllable would fall apart into its letters
        return sign
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
