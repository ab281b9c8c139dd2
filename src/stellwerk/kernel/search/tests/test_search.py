from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models import Q
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stellwerk.kernel.model.record import Record
from stellwerk.kernel.search import index, postgresql
from stellwerk.kernel.search.index import SearchRow
from stellwerk.kernel.search.migration_operations import CreateSearchTable
from stellwerk.kernel.search.models import SearchEntry
from stellwerk.kernel.search.query import understand
from stellwerk.kernel.search.snippet import Segment, highlighted

pytestmark = pytest.mark.django_db

numbering = count(1)


def make(
    title: str, public: str = "", internal: str = "", *, kind: str = "INC", reference: str = ""
) -> Record:
    """Make a findable record; its kind and reference need no registered type here."""
    now = timezone.now()
    reference = reference or f"{kind}-{next(numbering):06d}"
    record = Record.objects.create(
        kind=kind, reference=reference, title=title, created_at=now, updated_at=now
    )
    index.index([SearchRow(record.pk, kind, reference, title, public, internal)])
    return record


def found(text: str, *, internal: bool | Q = False, among: Any = None) -> list[str]:
    """Return the titles of what is found, best first; both ways of searching must agree on which they are."""
    records = Record.objects.all() if among is None else among
    titles = dict(records.values_list("pk", "title"))
    best = [titles[pk] for pk in index.find(records, text, internal=internal).ids]
    listed = [record.title for record in index.matching(records, text, internal=internal)]
    assert sorted(best) == sorted(listed)
    return best


def test_all_words_must_occur_and_the_last_may_be_unfinished() -> None:
    make("Printer on fire", "The printer in the Straße 5 burns")
    make("Mail is slow", "Cannot print from mail")
    assert found("print") == ["Printer on fire", "Mail is slow"]
    assert found("PRINTER burns") == ["Printer on fire"]
    assert found("printer mail") == []
    assert found("strasse") == ["Printer on fire"]
    assert found("print fire") == []


TEXT = (
    "Switch sw-core-01.example.org lost 10.20.30.41 and fe80::1ff:fe23:4567:890a; error 0x80070005 in C++ module "
    "foo_bar_baz, mail to jane.doe+it@example.org, MAC 00:1A:2B:3C:4D:5E, path C:\\Users\\Public\\Report.xlsx, ticket "
    "RITM0012345, Straße Übergröße, 无法连接打印机, プリンターが壊れた, can't log in, 50% slower, node#7, 프린터고장, "
    "call +49 (30) 1234-567, Tueren, naïve Muller"
)


@pytest.mark.parametrize(
    "typed",
    [
        *("sw-core-01", "core-01", "10.20.30.41", "10.20.30", "0x80070005", "80070005", "C++", "bar_baz"),
        *(
            "jane.doe+it@example.org",
            "00:1A:2B:3C:4D:5E",
            "001A2B3C4D5E",
            "001a.2b3c.4d5e",
            "00-1a-2b-3c-4d-5e",
        ),
        *(
            "report.xlsx",
            "C:\\Users\\Public\\Report.xlsx",
            "RITM0012345",
            "0012345",
            "12345",
            "strasse",
            "STRAẞE",
        ),
        *(
            "uebergroesse",
            "ubergrosse",
            "übergröße",
            "Türen",
            "naive",
            "打印机",
            "连接打",
            "プリンター",
            "터고장",
            "프린터",
        ),
        *("can't log in", "cant", "can’t", "50%", "node#7", "fe80::1ff:fe23:4567:890a", '"lost 10.20.30.41"'),
        *("-error", "error AND module", "err*", "+49 30 1234567", "49301234567", "(30) 1234 567"),
    ],
)
def test_a_text_is_found_as_people_type_it(typed: str) -> None:
    make("Trial", TEXT)
    assert found(typed) == ["Trial"]


@pytest.mark.parametrize(
    "typed", ["001A2B3C4D5F", "8007", "rest 12345", "41 001a2b3c4d5e fehlt", "cart", "터장"]
)
def test_what_only_looks_alike_is_not_found(typed: str) -> None:
    make("Trial", "MAC 00:1A:2B:3C:4D:5E error 0x90070005 Muller can't 프린터고장")
    assert found(typed) == []


def test_a_phrase_is_found_in_its_order_and_within_one_text() -> None:
    make("VPN drops", "connection lost every hour", "restart the box")
    assert found('"lost every hour"') == ["VPN drops"]
    assert found('"every lost"') == []
    assert found('"drops connection"') == []
    assert found('"hour restart"', internal=True) == []
    assert found("„LOST every“") == ["VPN drops"]


def test_internal_notes_find_nothing_for_requesters() -> None:
    make("VPN drops", "connection lost", "Gus forgot his password again")
    assert found("password", internal=True) == ["VPN drops"]
    assert found("password") == []
    assert found("connection password") == []
    assert found("pass") == []
    assert found('"forgot his"') == []


def test_internal_notes_count_only_where_the_condition_holds() -> None:
    make("North", "shared words", "secret words")
    make("South", "shared words", "secret words", kind="PRB")
    staff_of_problems = Q(kind="PRB")
    assert found("secret", internal=staff_of_problems) == ["South"]
    assert found("words", internal=staff_of_problems) == ["South", "North"]
    assert found("shared secret", internal=staff_of_problems) == ["South"]
    assert found("secret", internal=Q(pk__in=[])) == []
    assert found("secret", internal=~Q(pk__in=[])) == ["South", "North"]
    assert found("secret", internal=Q()) == ["South", "North"]


def test_only_what_the_caller_may_see_is_found() -> None:
    make("Mine", "printer")
    make("Theirs", "printer", kind="PRB")
    assert found("printer", among=Record.objects.filter(kind="INC")) == ["Mine"]


def test_a_number_finds_its_record_first_however_it_is_typed() -> None:
    make("Printer", reference="INC-000123")
    make("Change", reference="CHG-000123")
    mentioned = make("See INC-000123")
    for typed in ("INC-000123", "inc 123", "inc123", "INC-123"):
        assert found(typed)[0] == "Printer"
    assert found("123") == ["Change", "Printer"]
    assert found("INC-000123") == ["Printer", mentioned.title]


def test_a_number_that_is_still_being_typed_finds_those_that_begin_with_it() -> None:
    for number in (1, 2, 12, 13, 21, 120, 1200):
        make(f"Number {number}", reference=f"INC-{number:06d}")
    make("Other kind", reference="CHG-000012")
    mentioned = make("INC1 is mentioned", reference="CHG-000077")
    begun = ["Number 1200", "Number 120", "Number 13", "Number 12"]
    assert found("inc1") == ["Number 1", *begun, mentioned.title]
    for typed in ("inc12", "INC-12", "inc-000012"):
        assert found(typed)[:3] == ["Number 12", "Number 1200", "Number 120"], typed
    assert found("inc13", among=Record.objects.filter(reference="INC-000012")) == []
    assert found("inc9") == []


def test_hits_in_titles_come_first_then_the_newest() -> None:
    make("VPN is down")
    make("Older", "vpn")
    make("Newer", "vpn")
    assert found("vpn") == ["VPN is down", "Newer", "Older"]


def test_a_changed_record_is_found_by_its_new_words_only() -> None:
    record = make("Printer", "old words")
    index.index([SearchRow(record.pk, "INC", record.reference, "Printer", "new words")])
    assert found("old") == []
    assert found("new words") == ["Printer"]
    assert SearchEntry.objects.filter(pk=record.pk).count() == 1


def test_forgotten_and_deleted_records_are_not_found() -> None:
    forgotten, deleted = make("Printer one"), make("Printer two")
    index.forget([forgotten.pk])
    ids = [forgotten.pk, deleted.pk]
    deleted.delete()
    assert SearchEntry.objects.filter(pk__in=ids).count() == 0
    assert found("printer") == []


def test_the_number_of_hits_is_limited_and_said_to_be() -> None:
    for _ in range(12):
        make("Printer")
    some = index.find(Record.objects.all(), "printer", internal=False, most=10)
    assert (len(some.ids), some.more) == (10, True)
    assert (some.page(1, 4), some.page(3, 4), some.page(4, 4)) == (some.ids[:4], some.ids[8:], ())
    assert some.page(0, 4) == ()
    everything = index.find(Record.objects.all(), "printer", internal=False, most=12)
    assert (len(everything.ids), everything.more) == (12, False)


def test_old_records_are_found_beyond_the_newest_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_WALKED", 2)
    monkeypatch.setattr(postgresql, "_FEW", 3)
    monkeypatch.setattr(postgresql, "_BLOCK_BITS", 1)
    for n in range(40):
        make(f"Record {n}", "rare" if n in {0, 20} else "common")
    assert found("rare") == ["Record 20", "Record 0"]
    assert len(found("common")) == 38
    newest = index.find(Record.objects.all(), "common", internal=True, most=5)
    assert newest.ids == tuple(sorted(newest.ids, reverse=True))
    assert newest.more is True


def test_a_text_without_words_finds_nothing() -> None:
    make("Printer")
    assert found("") == []
    assert found(" ?! \0 😀") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.text(st.characters(), max_size=80)
    | st.sampled_from(["'", '"', "\\", "':*", "NEAR(a b)", "{x}:y", "a OR", "^a", "a*"])
)
def test_no_text_is_an_error(text: str) -> None:
    record = Record(pk=1, kind="INC", reference="INC-000001", title="x")
    index.index([SearchRow(1, "INC", record.reference, text, text, text)])
    for internal in (True, False, Q(kind="INC")):
        index.find(Record.objects.all(), text, internal=internal)
        index.matching(Record.objects.all(), text, internal=internal).count()
    index.snippets([1], text, internal=True)


def test_a_text_of_any_size_is_taken() -> None:
    record = make(
        "Big",
        " ".join(f"word{n}" for n in range(200_000)),
        "".join(chr(0x4E00 + n % 20_000) for n in range(200_000)),
    )
    assert found("word4000") == [record.title]
    assert found("x" * 10_000) == []
    assert found("word1 " * 3_000) == [record.title]


def test_what_stands_in_a_title_long_ago_is_not_lost_after_many_words() -> None:
    make("Big", "same " * 20_000 + "last", "same secret")
    assert found("same") == ["Big"]
    assert found("secret") == []


def test_a_snippet_shows_where_the_words_stand() -> None:
    record = make("VPN", "The connection to the Straße drops <b>often</b>", "secret: Straße")
    cuts = index.snippets([record.pk], "strasse oft", internal=False)
    assert cuts[record.pk].segments == (
        Segment("The connection to the "),
        Segment("Straße", hit=True),
        Segment(" drops <b>"),
        Segment("often", hit=True),
        Segment("</b>"),
    )


def test_a_snippet_is_cut_at_words_around_the_first_hit() -> None:
    record = make("VPN", "before " * 100 + "needle " + "after " * 100)
    snippet = index.snippets([record.pk], "needle", internal=False)[record.pk]
    text = "".join(segment.text for segment in snippet.segments)
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "needle" in text
    assert len(text) <= 220
    assert (snippet.cut_before, snippet.cut_after) == (True, True)


def test_snippets_show_internal_notes_only_of_the_given_records() -> None:
    one, two = make("One", "", "secret one"), make("Two", "", "secret two")
    cuts = index.snippets([one.pk, two.pk], "secret", internal={two.pk})
    assert cuts[one.pk].segments == ()
    assert cuts[two.pk].segments == (Segment("secret", hit=True), Segment(" two"))


def test_a_title_is_highlighted_as_a_whole() -> None:
    assert highlighted(understand("pri"), "Printer, prints") == (
        Segment("Printer", hit=True),
        Segment(", "),
        Segment("prints", hit=True),
    )


def test_creating_the_table_again_changes_nothing_and_it_can_be_undone() -> None:
    make("Printer")
    operation, editor = CreateSearchTable(), _Editor()
    operation.database_forwards("kernel", editor, ProjectState(), ProjectState())
    assert found("printer") == ["Printer"]
    operation.database_backwards("kernel", editor, ProjectState(), ProjectState())
    assert "kernel_search" not in connection.introspection.table_names()
    operation.database_forwards("kernel", editor, ProjectState(), ProjectState())
    assert SearchEntry.objects.count() == 0


class _Editor(BaseDatabaseSchemaEditor):
    """Runs statements at once, in the test's transaction, which SQLite's own editor refuses."""

    def __init__(self) -> None:
        super().__init__(connection)

    def execute(self, sql: Any, params: Any = ()) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)


def test_searching_takes_few_queries(django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_WALKED", 2**62)  # however many records tests have made before
    printer = make("Printer", "x")
    with django_assert_num_queries(2 if connection.vendor == "sqlite" else 3):  # records, and their parts
        index.find(Record.objects.all(), "printer", internal=True)
    with django_assert_num_queries(1):
        index.snippets([printer.pk], "x", internal=True)
    with django_assert_num_queries(2):  # in its parts, too
        index.snippets([printer.pk], "printer", internal=True)
    with django_assert_num_queries(1):
        index.index([SearchRow(9, "INC", "INC-000009", "Mail", "y")])
