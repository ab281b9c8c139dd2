"""Whether an answer that is kept for a repeated request may still be given: only as far as it could be read anew."""

from typing import TypedDict

from stellwerk.api.call import Call
from stellwerk.api.problems import not_found
from stellwerk.api.representation import Data, Representation
from stellwerk.kernel.fields.field import ReferenceOutput
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of


class KeptAnswer(TypedDict, total=False):
    """What an answer that was kept may hold: records, one or several, or something beside a record."""

    results: list["Result"]
    reference: str
    internal: bool
    record: ReferenceOutput


class Result(TypedDict, total=False):
    record: Data


def require_still(call: Call, answered: KeptAnswer) -> None:
    """Refuse, as if there were nothing, where the caller would not be shown all of the answer today."""
    if "reference" in call.where and "step" not in call.where:
        _require_related(call, answered)
        return
    if "results" in answered:
        _require_records(call, [result["record"] for result in answered["results"] if "record" in result])
    elif answered:
        _require_records(call, [dict(answered)])


def _require_related(call: Call, answered: KeptAnswer) -> None:
    """Look at a comment, file, link or watcher: at its record, whether it is internal, and at what it links to."""
    record = call.record
    if answered.get("internal") and not policy_of(call.person).sees_internal(record):
        raise not_found()
    linked = answered.get("record")
    seen = Record.objects.visible_to(call.person)
    if linked and not seen.filter(reference=linked["reference"]).exists():
        raise not_found()


def _require_records(call: Call, outputs: list[Data]) -> None:
    """Look at records that were outputs: at each of them, and whether as many of its fields are shown as then."""
    found = list(call.visible().filter(reference__in={data["reference"] for data in outputs}))
    now = {
        data["reference"]: data.keys() for data in Representation(call.record_type, call.person).many(found)
    }
    if any(not data.keys() - {"outcome"} <= now.get(data["reference"], set()) for data in outputs):
        raise not_found()
