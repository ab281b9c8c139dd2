import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stellwerk.kernel.search.normalising import (
    LONGEST_WORD,
    MOST_CHARACTERS,
    all_words,
    normalise,
    number,
    numbers,
    words,
)
from stellwerk.kernel.search.query import Query, Term, understand

any_text = st.text(st.characters(), max_size=300)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("ÄPFEL", "apfel"),
        ("Łódź", "lodz"),
        ("Ørsted", "orsted"),
        ("İstanbul", "istanbul"),
        ("ﬁle", "file"),
        ("ＶＰＮ", "vpn"),
        ("Σίσυφος", "σισυφοσ"),
        ("naïve", "naive"),
        ("nai\u0308ve", "naive"),
    ],
)
def test_case_accents_and_width_make_no_difference(text: str, folded: str) -> None:
    assert normalise(text) == folded


@given(any_text)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_folding_twice_is_folding_once_for_every_letter_with_case() -> None:
    cased = [sign for sign in map(chr, range(0x20000)) if sign.lower() != sign.upper()]
    assert len(cased) > 2500
    assert [sign for sign in cased if normalise(normalise(sign)) != normalise(sign)] == []


@given(any_text)
def test_words_are_short_and_free_of_blanks_and_quotes(text: str) -> None:
    for word in words(text):
        assert 0 < len(word) <= LONGEST_WORD
        assert not set(word) & set(" \t\n\0'\"\\*:&|!()<>{}^#@_-")
        word.encode()


@given(any_text)
def test_words_are_found_as_they_are_written(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


def test_punctuation_separates_words_and_unspaced_scripts_are_cut_into_signs() -> None:
    assert words("mail@globex.example, 10.0.0.1; foo_bar") == [
        *["mail", "globex", "example", "10", "0", "0", "1", "foo", "bar"]
    ]
    assert words("打印机") == ["打", "印", "机"]


def test_long_texts_and_words_are_cut() -> None:
    assert words("a" * 100) == ["a" * LONGEST_WORD]
    assert sum(map(len, words("ab " * MOST_CHARACTERS))) <= MOST_CHARACTERS


@pytest.mark.parametrize("typed", ["INC-000123", "inc 123", "Inc123", "INC-123", "inc#00123"])
def test_a_number_is_recognised_however_it_is_typed(typed: str) -> None:
    assert number(typed) == "#inc123"


def test_a_reference_is_found_with_and_without_its_prefix() -> None:
    assert numbers("INC-000123") == ["#inc123", "#123"]
    assert numbers("PRB0012") == ["#prb12", "#12"]
    assert numbers("Globex") == []
    assert number("0") == "#0"


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("vpn", [Term(("vpn",), prefix=True)]),
        ("VPN down", [Term(("vpn",)), Term(("down",), prefix=True)]),
        ('"vpn down"', [Term(("vpn", "down"))]),
        ("„VPN down“ again", [Term(("vpn", "down")), Term(("again",), prefix=True)]),
        ('"vpn do', [Term(("vpn", "do"), prefix=True)]),
        ("10.0.0.1", [Term(("10", "0", "0", "1"), otherwise=("10001",))]),
        ("Tür", [Term(("tur",), prefix=True, otherwise=("tuer",))]),
        ("can't log", [Term(("can", "t"), otherwise=("cant",)), Term(("log",), prefix=True)]),
        ("+49 30 1234-56", [Term(("49", "30", "1234", "56"), prefix=True, otherwise=("4930123456",))]),
        ("mail AND vpn", [Term(("mail",)), Term(("vpn",), prefix=True)]),
        ("vpn vpn vpn", [Term(("vpn",)), Term(("vpn",), prefix=True)]),
        ("a", [Term(("a",))]),
        ("NOT -vpn OR *", [Term(("not",)), Term(("vpn",)), Term(("or",))]),
        ('"" ?!', []),
    ],
)
def test_what_is_typed_is_understood(typed: str, terms: list[Term]) -> None:
    assert list(understand(typed).terms) == terms


@given(any_text)
def test_anything_typed_is_understood_somehow(typed: str) -> None:
    assert isinstance(understand(typed), Query)


def test_a_query_of_any_length_stays_small() -> None:
    assert len(understand(" ".join(f"word{n}" for n in range(5000))).terms) == 16
    assert len(understand('"' + "a b " * 5000).terms[0].words) == 16


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "1(" * 25_000, "1" + "(" * 49_999, "a-" * 25_000, "あ" * 50_000, "é'" * 25_000]
)
def test_other_spellings_of_any_text_are_worked_out_at_once(text: str) -> None:
    begun = time.process_time()
    assert all(0 < len(word) <= LONGEST_WORD for word in all_words(text))
    assert time.process_time() - begun < 1
