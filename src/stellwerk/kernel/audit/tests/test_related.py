"""What is related to a record stands in its journal: as it happened, once, and never what did not happen."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.db.models import JSONField, Value
from django.urls import reverse
from django.utils import timezone

from stellwerk.api.entries import Entries
from stellwerk.kernel.activity.attachments.models import Blob
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.links.services import link, unlink
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.activity.watching.services import unwatch, watch
from stellwerk.kernel.audit.housekeeping import extend_roster, keep_roster, renew_roster
from stellwerk.kernel.audit.roster import Line, Roster, roster_path, write
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal import journal
from stellwerk.kernel.journal.entry import FORMAT, Entry
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.write.services import change, create, share, transition, unshare
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.record.editing import state_at

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roster_folder(tmp_path: Path, settings: Any) -> None:
    settings.STELLWERK_ROSTER = tmp_path / "roster" / "journal-roster.sqlite3"


@pytest.fixture
def ticket(maria: Person, gus: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)


def last(record: Record) -> Entry:
    return Entry.objects.filter(record=record.pk).latest("number")


def said(record: Record) -> list[tuple[str, Any]]:
    """Return verb and changes of all entries after the first."""
    entries = Entry.objects.filter(record=record.pk, number__gt=1).order_by("number")
    return list(entries.values_list("verb", "changes"))


def faults(whole: bool = True) -> list[str]:
    verification = Verification(Record.objects.all(), Roster.current(), whole=whole)
    return [str(fault) for fault in verification.faults()]


def as_in_0_1(record: Record) -> None:
    """Write a record's journal anew as version 0.1 wrote it: without formats, shares of participants and watchers."""
    stored = Record.objects.get(pk=record.pk)
    stored.journal_count, stored.journal_head, kept = 0, "", []
    for entry in record.entries.exclude(verb__in=("watch", "unwatch")).order_by("number"):
        entry.changes.pop("@shares", None)
        if "@file" in entry.changes:
            entry.changes["@file"][1].pop("type")
        stored.journal_count += 1
        entry.number, entry.previous = stored.journal_count, stored.journal_head or journal.START
        entry.format = None
        entry.digest = stored.journal_head = journal.digest(stored.reference, entry)
        kept.append(entry)
    record.entries.all().delete()
    Entry.objects.bulk_create(kept)
    stored.journal_seal = journal.seal(stored.reference, stored.journal_count, stored.journal_head)
    stored.save(update_fields=["journal_count", "journal_head", "journal_seal"])


# -- what happened, and only that -------------------------------------------------------------------------------


def test_shares_of_participants_stand_in_the_entry_that_brings_them(
    ticket: Incident, gus: Person, nobody: Person, maria: Person
) -> None:
    requested = {"with": gus.pk, "capacity": "requester"}
    asked = {"with": gus.party_id, "capacity": "customer"}
    assert ticket.entries.get().changes["@shares"] == [None, [requested, asked]]
    change(ticket, {"reported_by": nobody}, by=SYSTEM)
    assert last(ticket).changes["@shares"] == [None, [{"with": nobody.pk, "capacity": "requester"}]]
    change(ticket, {"title": "Mail"}, by=maria)
    assert list(last(ticket).changes) == ["title"]
    assert faults() == []


def test_history_in_bulk_says_each_share_once(gus: Person, nobody: Person, root: Person) -> None:
    at = timezone.now() - timedelta(days=9)
    with History("a log", by=root) as history:
        made = history.create(Incident, {"title": "Mail", "requester": gus}, by=gus, at=at)
        for hours, requester in enumerate((nobody, gus), start=1):
            made = history.change(made, {"requester": requester}, by=gus, at=at + timedelta(hours=hours))
    told = [changes.get("@shares") for changes in made.entries.values_list("changes", flat=True)]
    assert [[about["with"] for about in pair[1]] if pair else None for pair in told] == [
        [gus.pk],
        [nobody.pk],
        [gus.pk],
    ]
    assert told[1][0] == [{"with": gus.pk, "capacity": "requester"}]
    assert set(Share.objects.filter(record=made.pk).values_list("person", flat=True)) == {gus.pk}
    assert faults() == []


def test_sharing_again_says_what_it_was_before_or_nothing(
    ticket: Incident, maria: Person, globex: Party
) -> None:
    south = create(Party, {"title": "Centre East"}, by=SYSTEM)
    share(ticket, south, "supplier", by=maria)
    share(ticket, south, "supplier", by=maria)
    share(ticket, south, "customer", by=maria)
    unshare(ticket, south, by=maria)
    unshare(ticket, south, by=maria)
    supplier, customer = ({"with": south.pk, "capacity": each} for each in ("supplier", "customer"))
    assert said(ticket) == [
        ("share", {"@share": [None, supplier]}),
        ("share", {"@share": [supplier, customer]}),
        ("unshare", {"@share": [customer, None]}),
    ]
    assert faults() == []


def test_a_link_is_removed_once(ticket: Incident, gus: Person, maria: Person) -> None:
    other = create(Incident, {"title": "Disk", "requester": gus, "party": maria.party}, by=SYSTEM)
    made = link(ticket, "related", other, by=maria)
    link(other, "related", ticket, by=maria)
    seen = Link.objects.get(pk=made.pk)
    unlink(made, by=maria)
    unlink(seen, by=maria)
    assert [verb for verb, _changes in said(ticket)] == ["link", "unlink"]
    assert [verb for verb, _changes in said(other)] == ["link", "unlink"]
    assert faults() == []


def test_a_link_that_was_ruled_out_says_so_and_keeps_its_direction(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    other = create(Incident, {"title": "Disk", "requester": gus, "party": maria.party}, by=SYSTEM)
    made = link(ticket, "related", other, by=maria)
    unlink(made, by=maria)
    # Nothing computes links yet, so the entry of one that was computed is written by hand.
    made = Link.objects.create(source=ticket, target=other, type="related", origin="ruled_out")
    link(other, "related", ticket, by=maria)
    about = {"type": "related", "with": other.pk, "direction": "out"}
    assert said(ticket)[-1] == (
        "link",
        {"@link": [{**about, "origin": "ruled_out"}, {**about, "origin": "manual"}]},
    )


def test_watching_is_noted_once_and_is_no_write_of_the_record(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    before = Incident.objects.get(pk=ticket.pk)
    watch(ticket, gus, by=maria)
    watch(ticket, gus, by=maria)
    unwatch(ticket, gus, by=gus)
    unwatch(ticket, gus, by=gus)
    entries = list(ticket.entries.filter(number__gt=1).values_list("verb", "actor", "internal", "changes"))
    assert entries == [
        ("watch", maria.pk, True, {"@watch": [None, {"with": gus.pk}]}),
        ("unwatch", gus.pk, True, {"@watch": [{"with": gus.pk}, None]}),
    ]
    after = Incident.objects.get(pk=ticket.pk)
    assert (after.version, after.updated_at) == (before.version, before.updated_at)
    assert after.journal_count == 3
    change(before, {"title": "Mail is slow"}, by=maria, version=before.version)
    assert faults() == []


def test_what_somebody_saw_at_a_version_does_not_count_who_watches(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    watch(ticket, gus, by=maria)
    seen = change(ticket, {"title": "Mail is slow"}, by=maria)
    assert seen.version == 2
    assert state_at(seen, 1)["title"] == "Mail is down"
    assert state_at(seen, 2)["title"] == "Mail is slow"
    past = as_of(seen, seen.updated_at)
    assert past is not None
    assert (past.version, past.journal_count, past.updated_at) == (2, 3, seen.updated_at)


def test_undoing_a_change_of_requester_keeps_the_shares_true(
    ticket: Incident, gus: Person, nobody: Person, maria: Person
) -> None:
    change(ticket, {"requester": nobody}, by=SYSTEM)
    undone = undo(last(ticket), by=SYSTEM)
    assert undone.requester == gus
    assert faults() == []


def test_a_file_says_its_type(ticket: Incident, maria: Person) -> None:
    attach(ticket, ContentFile(b"%PDF-1.7"), "report.pdf", by=maria)
    assert last(ticket).changes["@file"][1]["type"] == "application/pdf"
    Blob.objects.update(content_type="text/html")
    assert any("the type of file" in fault for fault in faults())


# -- version 0.1 --------------------------------------------------------------------------------------------------


def test_journals_of_version_0_1_are_verified_as_they_were_written(
    ticket: Incident, gus: Person, nobody: Person, maria: Person
) -> None:
    attach(ticket, ContentFile(b"%PDF-1.7"), "report.pdf", by=maria)
    change(ticket, {"requester": nobody}, by=SYSTEM)
    watch(ticket, maria, by=maria)
    as_in_0_1(ticket)
    assert set(ticket.entries.values_list("format", flat=True)) == {None}
    assert faults() == []
    Share.objects.filter(record=ticket.pk, person=nobody).delete()
    assert faults() == [f"{ticket.reference}, entry 3: “shares” of the record don't match the journal."]


def test_the_format_of_an_entry_cannot_be_taken_away(ticket: Incident) -> None:
    assert ticket.entries.get().format == FORMAT
    ticket.entries.update(format=None)
    assert any("entry 1: its content was changed" in fault for fault in faults())


def test_each_watched_record_of_version_0_1_gets_one_baseline(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    unwatched = create(Incident, {"title": "Disk", "requester": gus, "party": maria.party}, by=SYSTEM)
    watch(ticket, maria, by=maria)
    as_in_0_1(ticket)
    as_in_0_1(unwatched)
    digests = set(Entry.objects.values_list("digest", flat=True))
    extend_roster(timezone.now())
    assert digests < set(Entry.objects.values_list("digest", flat=True))
    noted = last(ticket)
    assert (noted.verb, noted.actor, noted.changes) == (
        "baseline",
        None,
        {"@baseline": [None, {"watchers": [maria.pk]}]},
    )
    assert unwatched.entries.count() == 1
    assert Incident.objects.get(pk=ticket.pk).version == 1
    assert faults() == []
    Watcher.objects.create(record=unwatched, person=maria)
    Watcher.objects.create(record=ticket, person=gus)
    extend_roster(timezone.now())
    renew_roster()
    assert f"{ticket.reference}, entry 2: “watchers” of the record don't match the journal." in faults()


def test_what_is_not_as_its_journal_says_gets_no_baseline(ticket: Incident, maria: Person) -> None:
    watch(ticket, maria, by=maria)
    as_in_0_1(ticket)
    Record.objects.filter(pk=ticket.pk).update(title="Mail is up")
    extend_roster(timezone.now())
    assert ticket.entries.count() == 1
    assert len(faults()) == 2


# -- the roster -----------------------------------------------------------------------------------------------------


def test_the_roster_finds_a_removed_record(ticket: Incident) -> None:
    extend_roster(timezone.now())
    Entry.objects.filter(record=ticket.pk).delete()
    Share.objects.filter(record=ticket.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM incidents_incident WHERE record_ptr_id = %s", [ticket.pk])
        cursor.execute("DELETE FROM kernel_record WHERE id = %s", [ticket.pk])
    assert faults() == [
        f"{ticket.reference}, entry 1: the record was removed, with its journal of 1 entries."
    ]
    assert faults(whole=False) == []


def test_the_roster_keeps_what_the_journal_does_not_hold_any_more(ticket: Incident, maria: Person) -> None:
    older = Incident.objects.get(pk=ticket.pk)
    change(ticket, {"title": "Mail is slow"}, by=maria)
    extend_roster(timezone.now())
    ticket.entries.filter(number=2).delete()
    older.save()
    assert faults() == [
        f"{ticket.reference}, entry 1: the roster lists 2 entries: the record was put back to an older state."
    ]
    change(older, {"title": "Mail is up"}, by=maria)
    change(older, {"title": "Mail is down again"}, by=maria)
    extend_roster(timezone.now())
    assert faults() == [f"{ticket.reference}, entry 2: the roster lists another entry with this number."]
    assert renew_roster() == Record.objects.count()
    assert faults() == []
    assert len(list(roster_path().parent.iterdir())) == 2


def test_the_roster_grows_by_what_was_written(ticket: Incident, maria: Person) -> None:
    extend_roster(timezone.now())
    transition(ticket, "begin", by=maria)
    verification = Verification(Record.objects.all(), Roster.current(), whole=True)
    assert list(verification.faults()) == []
    assert verification.young == 1
    extend_roster(timezone.now())
    roster = Roster.current()
    assert roster is not None
    assert roster.known([ticket.pk])[ticket.pk].entries == 2
    assert roster.lines == Record.objects.count()


def test_the_roster_is_kept_as_often_as_is_set(ticket: Incident, settings: Any) -> None:
    settings.STELLWERK_ROSTER_HOURS = 3
    begun = timezone.now()
    for hours, kept in ((0, 0), (2.9, 0), (3, 3), (5, 3), (6, 6)):
        keep_roster(begun + timedelta(hours=hours))
        roster = Roster.current()
        assert roster is not None
        assert roster.at == begun + timedelta(hours=kept)


def test_an_altered_roster_is_found_and_left_as_it_is(ticket: Incident) -> None:
    extend_roster(timezone.now())
    roster_path().write_bytes(b"no database")
    assert faults() == [f"{roster_path()}, entry 0: the roster was changed after it was written."]
    extend_roster(timezone.now())
    assert roster_path().read_bytes() == b"no database"
    renew_roster()
    assert faults() == []


def test_a_line_made_up_in_the_roster_is_found(ticket: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    extend_roster(timezone.now())
    with monkeypatch.context() as without_the_key:
        without_the_key.setattr("stellwerk.kernel.audit.roster.keyed", lambda text: "0" * 64)
        write([Line(ticket.pk, ticket.reference, 1, last(ticket).digest)], timezone.now(), 0)
    assert faults() == [f"{roster_path()}, entry 0: the roster was changed after it was written."]


def test_verify_says_what_the_roster_does_not_cover(ticket: Incident, capsys: Any) -> None:
    call_command("journal", "verify")
    assert "There is no roster yet" in capsys.readouterr().out
    call_command("journal", "renew")
    assert f"The roster lists {Record.objects.count()} records." in capsys.readouterr().out
    call_command("journal", "verify")
    assert "0 records were written after the roster of" in capsys.readouterr().out


# -- changes that no program wrote ----------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    [],
    "x",
    Value(None, JSONField()),
    5,
    [["title", 1]],
    {"title": "x"},
    {"title": [1]},
    {"title": [None, {"a": []}], "requester": [None, "Gus"], "status": [[], {}], "priority": [{}, []]},
    {"requester": [[], {}], "party": [None, {"with": []}], "impact": [[1], {}], "due_at": ["x", 5]},
    {"@comment": [None, None]},
    {"@comment": [None, {"sha256": 5}]},
    {"@file": [None, "x"]},
    {"@file": [{"name": 5}, []]},
    {"@link": [None, "x"]},
    {"@link": [{"type": [], "with": []}, {"with": "x"}]},
    {"@share": [1, {"with": {}}]},
    {"@shares": ["x", [1, {"with": None}]]},
    {"@watch": [[], 7], "@baseline": [1, 2], "": [1, 2], "custom.": [[], {}], "custom.x": [{}, []]},
)
VERBS = ("create", "change", "transition", "comment", "attach", "link", "share", "watch", "baseline", "lost")


@pytest.mark.parametrize("changes", ODD, ids=str)
def test_no_page_stumbles_over_odd_changes(
    changes: Any, ticket: Incident, maria: Person, gus: Person, client: Any
) -> None:
    """Record, portal, journal, record as of a moment, notifications and API answer whatever an entry holds."""
    change(ticket, {"title": "Mail is slow"}, by=maria)
    history = reverse("record_history", args=[ticket.reference])
    addresses = [
        reverse("record", args=[ticket.reference]),
        f"{history}?verify=1",
        f"{history}?at=2100-01-01T00:00",
        reverse("notifications"),
    ]
    Notification.objects.all().delete()
    for person, why in ((maria, "named"), (gus, "involved")):
        Notification.objects.create(person=person, entry=last(ticket), why=why, created_at=timezone.now())
    for verb in VERBS:
        ticket.entries.filter(number=2).update(changes=changes, verb=verb)
        assert all(len(pair) == 2 for pair in last(ticket).changes.values())
        for person in (maria, gus):
            client.force_login(person)
            for address in addresses:
                assert client.get(address, follow=True).status_code in (200, 404), (address, verb, person)
            told = Entries(ticket.record_type, person, internal=person == maria)
            assert len(told.many(ticket.entries.all())) in (1, 2)
    ticket.entries.filter(number=2).update(verb="change")
    with suppress(ValidationError):
        undo(last(ticket), by=maria)
    assert any("entry 2: " in fault for fault in faults())
