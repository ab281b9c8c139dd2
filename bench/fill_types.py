"""Give every made-up type some records that refer to the same person: `python bench/fill_types.py KNOWN.json`.

Adds to what bench/fill.py printed the references of that person, of one of the records, and of a ticket of theirs.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.many_types_settings")

import django

django.setup()

from django.db import connection  # noqa: E402

from stellwerk.kernel.identity.party import Party  # noqa: E402
from stellwerk.kernel.identity.person import Person  # noqa: E402
from stellwerk.kernel.model import registry  # noqa: E402
from stellwerk.kernel.model.actor import SYSTEM  # noqa: E402
from stellwerk.kernel.write.services import create  # noqa: E402

RECORDS_EACH = 20


def main() -> None:
    path = Path(sys.argv[1])
    known = json.loads(path.read_text(encoding="utf-8"))
    keeper = Person.objects.get(username=known["agent"])
    party = Party.objects.get(pk=keeper.party_id)
    for record_type in registry.all_types():
        if record_type.model._meta.app_label != "dummies":
            continue
        own = {"party": party} if record_type.scope else {}
        for number in range(RECORDS_EACH):
            values = {"title": f"Dummy number {number}", "keeper": keeper, **own}
            if "requester" in record_type.references:
                values["requester"] = keeper
            made = create(record_type.model, values, by=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    known |= {"keeper": keeper.reference, "dummy": made.reference}
    path.write_text(json.dumps(known), encoding="utf-8")


if __name__ == "__main__":
    main()
