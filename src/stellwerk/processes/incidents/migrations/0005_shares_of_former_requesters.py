"""End the shares of people and customers whom a ticket was entered for by mistake: version 0.1 left them."""

from django.db import migrations
from django.db.models import Exists, OuterRef, Q

PARTICIPATES = ("requester", "customer")


def end_shares(apps, schema_editor):
    Share = apps.get_model("kernel", "Share")
    for name in ("Incident", "ServiceRequest"):
        tickets = apps.get_model("incidents", name).objects.filter(record_ptr=OuterRef("record"))
        takes_part = (
            Q(requester=OuterRef("person"))
            | Q(reported_by=OuterRef("person"))
            | Q(customer=OuterRef("party"))
        )
        former = Share.objects.filter(Exists(tickets), capacity__in=PARTICIPATES).exclude(
            Exists(tickets.filter(takes_part))
        )
        by_record = {}
        for pk, record, person, party in former.values_list("pk", "record", "person", "party"):
            by_record.setdefault(record, {})[person or party] = pk
        kept = _shared_by_hand(apps, by_record)
        ended = [
            pk
            for record, found in by_record.items()
            for who, pk in found.items()
            if (record, who) not in kept
        ]
        for start in range(0, len(ended), 500):
            Share.objects.filter(pk__in=ended[start : start + 500]).delete()


def _shared_by_hand(apps, records):
    """Collect the records and people or parties between which somebody made a share, and did not end it."""
    Entry = apps.get_model("kernel", "Entry")
    last = {}
    ids = sorted(records)
    for start in range(0, len(ids), 500):
        entries = Entry.objects.filter(record__in=ids[start : start + 500], verb__in=("share", "unshare"))
        for record, verb, changes in entries.order_by("record", "number").values_list(
            "record", "verb", "changes"
        ):
            before, after = changes["@share"]
            last[record, (after or before)["with"]] = verb
    return {key for key, verb in last.items() if verb == "share"}


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_merged_into")]

    operations = [migrations.RunPython(end_shares, migrations.RunPython.noop)]
