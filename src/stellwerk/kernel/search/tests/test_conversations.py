"""Every word of a conversation is found, however long it is, and one more comment costs the same."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.search import index
from stellwerk.kernel.search.index import SearchPart
from stellwerk.kernel.search.models import SearchEntry, SearchRebuild
from stellwerk.kernel.search.row import part_key
from stellwerk.kernel.write import indexing, rebuilding
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

FILLING = "some words about it " * 250
LOG = "\n".join(f"2026-11-28 10:00:{n % 60:02d} kernel: worker {n} entered state D" for n in range(1200))


@pytest.fixture
def incident(maria: Person, gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": "Crash of the mail", "requester": gus, "party": centre}, by=SYSTEM)


@pytest.fixture
def long_talk(incident: Incident, maria: Person) -> Incident:
    """The incident with twelve comments, every second one internal."""
    for n in range(12):
        comment(incident, f"Part{n} mark{n} {FILLING}", by=maria, internal=bool(n % 2))
    return Incident.objects.get(pk=incident.pk)


def finds(text: str, *, internal: bool | Q = True) -> list[str]:
    """Return the references found; the two ways of searching must agree on which they are."""
    best = index.find(Record.objects.all(), text, internal=internal).ids
    listed = index.matching(Record.objects.all(), text, internal=internal)
    assert sorted(best) == sorted(listed.values_list("pk", flat=True))
    return list(Record.objects.filter(pk__in=best).values_list("reference", flat=True))


def parts_of(record: Record) -> int:
    return SearchEntry.objects.filter(
        pk__gte=part_key(record.pk, 2**20 - 1), pk__lte=part_key(record.pk, 1)
    ).count()


def test_each_comment_of_a_long_conversation_is_found(long_talk: Incident) -> None:
    assert [finds(f"mark{n}") for n in range(2, 12)] == [[long_talk.reference]] * 10
    assert finds("mark12") == []


def test_words_of_the_title_and_of_several_comments_are_found_together(long_talk: Incident) -> None:
    assert finds("crash mark11") == [long_talk.reference]
    assert finds("mark0 mark7 mark11") == [long_talk.reference]
    assert finds("mark7 mark12") == []
    assert finds('"mark7 some words"') == [long_talk.reference]


def test_guests_are_found_public_comments_only(long_talk: Incident, gus: Person, maria: Person) -> None:
    assert finds("mark10", internal=False) == [long_talk.reference]
    assert finds("mark11", internal=False) == finds("mark10 mark11", internal=False) == []
    assert finds("mark11", internal=policy_of(gus).as_staff(Record)) == []
    assert finds("mark10 mark11", internal=policy_of(maria).as_staff(Record)) == [long_talk.reference]


def test_a_pasted_log_hides_nothing_that_comes_after_it(maria: Person, gus: Person, centre: Party) -> None:
    given = {
        "title": "Crash",
        "requester": gus,
        "party": centre,
        "description": LOG,
        "external_reference": "EXT77",
    }
    ticket = create(Incident, given, by=SYSTEM)
    comment(ticket, "The cause is the firmware needle7.", by=maria)
    for words in ("needle7", "crash needle7", "EXT77", "1199", "1199 needle7", "worker"):
        assert finds(words) == [ticket.reference]


def test_what_a_field_no_longer_says_is_not_found(incident: Incident, maria: Person) -> None:
    comment(incident, "mark", by=maria)
    incident = change(incident, {"description": f"{LOG} ending"}, by=maria)
    assert finds("ending") == [incident.reference]
    incident = change(incident, {"description": "short"}, by=maria)
    assert finds("ending") == finds("1199") == []
    assert finds("short mark") == [incident.reference]
    assert parts_of(incident) == 0


def test_a_change_leaves_the_conversation_findable(long_talk: Incident, maria: Person) -> None:
    change(long_talk, {"title": "Renamed"}, by=maria)
    assert finds("renamed mark0") == finds("renamed mark11") == [long_talk.reference]
    assert finds("crash") == []


def test_a_comment_of_any_length_is_found_to_its_end(incident: Incident, maria: Person) -> None:
    comment(incident, "ß" * 30_000 + "x " + "word " * 100_000 + "ending", by=maria)
    assert finds("ending") == [incident.reference]


def test_the_snippet_shows_the_comment_in_which_the_word_stands(long_talk: Incident) -> None:
    public = index.snippets([long_talk.pk], "mark10", internal=False)[long_talk.pk]
    assert [segment.text for segment in public.segments if segment.hit] == ["mark10"]
    hidden = index.snippets([long_talk.pk], "mark11", internal=False)[long_talk.pk]
    assert not hidden.has_hit
    shown = index.snippets([long_talk.pk], "mark11", internal=True)[long_talk.pk]
    assert [segment.text for segment in shown.segments if segment.hit] == ["mark11"]


def test_the_newest_of_many_is_first_whether_it_was_found_by_a_part_or_not(
    long_talk: Incident, maria: Person, gus: Person, centre: Party
) -> None:
    create(Incident, {"title": "A", "requester": gus, "party": centre, "description": "mark11"}, by=SYSTEM)
    newest = create(Incident, {"title": "B", "requester": gus, "party": centre}, by=SYSTEM)
    for n in range(3):
        comment(newest, f"{FILLING} {'mark11' if n == 2 else ''}", by=maria)
    found = index.find(Record.objects.all(), "mark11", internal=True).ids
    assert found == tuple(sorted(found, reverse=True))
    assert (len(found), found[0], found[-1]) == (3, newest.pk, long_talk.pk)


def test_another_comment_takes_as_many_queries_and_as_little_text_on_a_long_conversation(
    incident: Incident, maria: Person
) -> None:
    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            comment(incident, "One more.", by=maria)
        return len(queries), sum(len(query["sql"]) for query in queries)

    for n in range(30):
        comment(incident, f"Word {n}", by=maria)
    queries, text = cost()
    for n in range(200):
        comment(incident, f"{FILLING} {n}", by=maria)
    assert cost()[0] == queries
    assert abs(cost()[1] - text) < 200


def test_brought_conversations_are_found_as_spoken_ones(root: Person, gus: Person, centre: Party) -> None:
    given = {"title": "Brought", "requester": gus, "party": centre}
    with History("test", by=root) as history:
        ticket = history.create(Incident, given, by=gus, at=timezone.now())
        for n in range(5):
            history.comment(ticket, f"mark{n} {FILLING}", by=gus, at=timezone.now())
    assert [finds(f"brought mark{n}") for n in range(5)] == [[ticket.reference]] * 5


def test_everything_is_found_again_after_a_rebuild(
    long_talk: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_RECORDS_AT_ONCE", 1)
    parts = parts_of(long_talk)
    SearchEntry.objects.all().delete()
    rebuilding.begin(timezone.now())
    rebuilding.go_on(seconds=0)
    assert (SearchRebuild.objects.get().done, SearchEntry.objects.filter(pk__gt=0).count()) == (1, 1)
    rebuilding.rebuild(timezone.now())
    at = SearchRebuild.objects.get()
    assert (at.below, at.done) == (0, Record.objects.count())
    assert finds("crash mark0 mark11") == [long_talk.reference]
    assert parts_of(long_talk) == parts


def test_the_command_goes_on_where_a_rebuild_was_interrupted(
    long_talk: Incident, capsys: pytest.CaptureFixture[str]
) -> None:
    SearchEntry.objects.all().delete()
    begun = rebuilding.begin(timezone.now())
    SearchRebuild.objects.update(below=long_talk.pk, done=7)
    call_command("search", "status")
    call_command("search", "rebuild")
    assert finds("mark11") == []  # it was said to be done already
    call_command("search", "rebuild")
    assert finds("mark11") == [long_talk.reference]
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"Rebuilding the search index: 7 of {begun.total} records."
    assert told[2] == f"The search index was rebuilt: {begun.total} of {begun.total} records."


def test_a_forgotten_record_is_not_found_by_its_parts_either(long_talk: Incident) -> None:
    index.forget([long_talk.pk])
    assert finds("mark11") == finds("mark0") == []
    assert parts_of(long_talk) == 0


def test_many_matches_in_rows_and_parts_are_all_listed(
    monkeypatch: pytest.MonkeyPatch, long_talk: Incident
) -> None:
    monkeypatch.setattr(index, "_GATHERED", 1)
    given = {"party": long_talk.party, "requester": long_talk.requester}
    other = [create(Incident, {"title": f"mark11 {n}", **given}, by=SYSTEM).pk for n in range(2)]
    index.index([SearchPart(part_key(pk, 1), public="mark12 word") for pk in other])
    assert len(finds("mark11")) == 3
    assert len(finds("mark11", internal=False)) == 2
    assert len(finds("mark11", internal=Q(pk=long_talk.pk))) == 3
    assert len(finds("mark12")) == len(finds("mark11 mark12")) == 2


def test_the_parts_of_a_record_fit_their_numbers() -> None:
    assert SearchPart(part_key(7, 1)).record_id == SearchPart(part_key(7, 2**20 - 1)).record_id == 7
    assert part_key(8, 1) < part_key(7, 2**20 - 1)
    assert indexing._FIRST_OF_COMMENTS < 2**20
