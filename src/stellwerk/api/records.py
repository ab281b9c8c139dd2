"""Lists, single records, creating, changing, steps, journal: what every record type answers to."""

import hashlib
import json
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stellwerk.api import cursor, problems, reading, schemas
from stellwerk.api.call import Answer, Call, first
from stellwerk.api.cursor import MOST_ROWS, PAGE_SIZE
from stellwerk.api.entries import Entries
from stellwerk.api.operation import Parameter, operation
from stellwerk.api.problems import Problem, not_found
from stellwerk.api.representation import Data, Representation, chosen, reference_to
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.write import services
from stellwerk.kernel.write.access_changes import new_access
from stellwerk.kernel.write.writer import DIRECT, Checking, Writer
from stellwerk.vocabulary import JsonObject, Values

MOST_IN_BULK = 500
ALL_OR_NOTHING, EACH = "all_or_nothing", "each"
Written = tuple[Record | None, Record]
"""A record before a write, None for a new one, and after it."""

LIMIT = Parameter(
    "limit",
    "How many rows a page has.",
    {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": PAGE_SIZE},
)
CURSOR = Parameter("cursor", "“next” of the page before; the same filters and ordering must be given again.")
FIELDS = Parameter("fields", "Names of the fields wanted, separated by commas; all without it.")
AS_OF = Parameter("as_of", "The record as it was at this moment.", {"type": "string", "format": "date-time"})
IF_NONE_MATCH = Parameter(
    "If-None-Match", "The ETag last read: 304 when nothing of the answer has changed.", place="header"
)
IF_MATCH = Parameter(
    "If-Match",
    "The ETag last read, of which the version counts; `version` in the body says the same.",
    place="header",
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "A name of your own for this request: sent again, it answers the same and does nothing twice.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    place="header",
)


@operation(
    "GET",
    "{type}",
    "list",
    "List {plural}",
    query=[CURSOR, LIMIT, FIELDS],
    filtered=True,
    answer=schemas.page_of_records,
    refusals=[422],
)
def list_records(call: Call) -> Answer:
    record_type = call.record_type
    _refuse_unknown_filters(call)
    names = chosen(record_type, call.parameter("fields"))
    selection = Selection.parse(
        record_type, call.request.GET, call.person, ignoring=("cursor", "limit", "fields")
    )
    size = call.number("limit", PAGE_SIZE, MOST_ROWS)
    rows, following = cursor.page(selection, call.parameter("cursor"), size)
    items = Representation(record_type, call.person, names).many(rows)
    return Answer({"items": items, "next": following, "total": cursor.total(selection)})


@operation(
    "POST",
    "{type}",
    "create",
    "Create {a}",
    headers=[IDEMPOTENCY_KEY],
    body=schemas.new_record,
    answer=schemas.record,
    status=201,
    refusals=[400, 409, 413, 415, 422],
)
def create_record(call: Call) -> Answer:
    return _response(call, _create(call, call.body), status=201)


@operation(
    "GET",
    "{type}/{reference}",
    "get",
    "Read {a}",
    query=[FIELDS, AS_OF],
    headers=[IF_NONE_MATCH],
    answer=schemas.record,
    also=[304],
    refusals=[404, 422],
)
def read_record(call: Call) -> Answer:
    names = chosen(call.record_type, call.parameter("fields"))
    as_of = call.parameter("as_of")
    if as_of is not None:
        return _past(call, as_of, names)
    response = _response(call, call.record, names=names)
    known = call.request.headers.get("If-None-Match", "").split(",")
    if not {tag.strip().removeprefix("W/") for tag in known}.isdisjoint({response.headers["ETag"], "*"}):
        return Answer(None, 304, {"ETag": response.headers["ETag"]})
    return response


@operation(
    "PATCH",
    "{type}/{reference}",
    "change",
    "Change {a}",
    headers=[IF_MATCH],
    body=schemas.changed_record,
    answer=schemas.record,
    refusals=[400, 404, 409, 412, 413, 415, 422, 428],
)
def change_record(call: Call) -> Answer:
    return _written(call, lambda record, version: _change(call, record, call.body, version), required=True)


@operation(
    "GET",
    "{type}/{reference}/transitions",
    "listSteps",
    "List the steps that the caller may take now",
    answer=schemas.steps,
    refusals=[404],
)
def list_steps(call: Call) -> Answer:
    record, workflow = call.record, call.record_type.workflow
    steps = workflow.steps_from(record.status) if workflow else []
    policy = policy_of(call.person)
    return Answer({"items": [_step(step) for step in steps if policy.may_take(step, record)]})


@operation(
    "POST",
    "{type}/{reference}/transitions/{step}",
    "take",
    "{step}",
    headers=[IF_MATCH, IDEMPOTENCY_KEY],
    body=schemas.new_record,
    answer=schemas.record,
    refusals=[400, 404, 409, 412, 413, 415, 422],
    per_step=True,
)
def take_step(call: Call) -> Answer:
    given = {name: value for name, value in call.body.items() if name != "version"}
    name = call.where["step"]
    workflow = call.record_type.workflow
    if workflow is None or name not in workflow.by_name:
        raise not_found()
    return _written(
        call,
        lambda record, version: _write(
            call,
            given,
            lambda values, writer: services.transition(
                record, name, values, by=call.person, version=version, writer=writer
            ),
        ),
    )


@operation(
    "GET",
    "{type}/{reference}/journal",
    "listJournal",
    "Read what was done, oldest first",
    query=[CURSOR, LIMIT],
    answer=schemas.journal,
    refusals=[404, 422],
)
def list_journal(call: Call) -> Answer:
    entries = Entry.objects.filter(record_id=call.record.pk).select_related("actor")
    if not policy_of(call.person).sees_internal(call.record):
        return _journal_for_guests(call, entries.filter(internal=False))
    rows, following = cursor.page_by("number", entries, call)
    items = Entries(call.record_type, call.person, internal=True).many(rows)
    return Answer({"items": items, "next": following})


def _journal_for_guests(call: Call, entries: QuerySet[Entry]) -> Answer:
    """Tell the entries of which guests may read something, numbered as if there were no others."""
    size = call.number("limit", cursor.PAGE_SIZE, cursor.MOST_ROWS)
    after = call.number("cursor", 0, 10**9 - 1)
    told = Entries(call.record_type, call.person, internal=False).many(entries.order_by("number"))
    items = [{**entry, "number": number} for number, entry in enumerate(told, 1)]
    following = str(after + size) if len(items) > after + size else None
    return Answer({"items": items[after : after + size], "next": following})


# -- many at once ------------------------------------------------------------------------------------


@operation(
    "POST",
    "{type}/bulk",
    "createMany",
    "Create many {plural}",
    headers=[IDEMPOTENCY_KEY],
    body=schemas.new_records,
    answer=schemas.results,
    also=[207],
    refusals=[400, 413, 415, 422],
)
def create_many(call: Call) -> Answer:
    return _each(call, lambda item: (None, _create(call, item)), 201)


@operation(
    "PATCH",
    "{type}/bulk",
    "changeMany",
    "Change many {plural}",
    body=schemas.changed_records,
    answer=schemas.results,
    also=[207],
    refusals=[400, 413, 415, 422],
)
def change_many(call: Call) -> Answer:
    def change(item: JsonObject) -> Written:
        reference = reading.text(item, "reference").upper()
        version = item.get("version")
        if not isinstance(version, int) or isinstance(version, bool):
            raise reading.unfit("version", _("Give the version that you last read, as a number."))
        record = first(call.visible().filter(reference=reference))
        values = {name: value for name, value in item.items() if name != "reference"}
        return record, _change(call, record, values, version)

    return _each(call, change, 200)


def _each(call: Call, write: Callable[[JsonObject], Written], status: int) -> Answer:
    """Write all items or none, or each by itself; tell the result of every one, in their order."""
    all_or_nothing, items = _bulk(call.body)
    results: list[Data] = []
    written: list[tuple[Data, Written]] = []
    with transaction.atomic():
        for index, item in enumerate(items):
            result: Data = {"index": index, "status": status}
            try:
                with transaction.atomic():
                    written.append((result, write(item)))
            except Exception as error:
                problem = _problem(call, error, item)
                result |= {"status": problem.status, "problem": problem.content()}
            results.append(result)
        failed = [result for result in results if "problem" in result]
        if failed and all_or_nothing:
            raise Problem(
                422,
                "nothing-written",
                _(
                    "%(failed)d of %(all)d items aren't valid, so nothing was saved. Correct the ones listed in "
                    "“results”."
                )
                % {"failed": len(failed), "all": len(items)},
                results=failed,
            )
    outputs = Representation(call.record_type, call.person).many([after for _result, (_, after) in written])
    for (result, (before, after)), data in zip(written, outputs, strict=True):
        result["record"] = data
        if before and (outcome := new_access([(before, after)])):
            result["outcome"] = _outcome(outcome, after)
    return Answer({"results": results}, 207 if failed else 200)


def _outcome(text: str, record: Record) -> Data:
    return {"text": text, "record": reference_to(record)}


def _bulk(body: JsonObject) -> tuple[bool, list[JsonObject]]:
    """Read whether all items are to be written or none, and the items."""
    reading.refuse_unknown(body, ("mode", "items"))
    mode, items = body.get("mode", ALL_OR_NOTHING), body.get("items")
    if mode not in (ALL_OR_NOTHING, EACH):
        raise reading.unfit("mode", _("Choose all_or_nothing or each."))
    if not isinstance(items, list) or not 0 < len(items) <= MOST_IN_BULK:
        raise reading.unfit("items", _("Give a list of 1 to %d items.") % MOST_IN_BULK)
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < len(items):
        raise reading.unfit("items", _("Each item must be an object with the record's fields."))
    return mode == ALL_OR_NOTHING, objects


# -- telling and writing -----------------------------------------------------------------------------


def _response(
    call: Call, record: Record, *, status: int = 200, names: tuple[str, ...] | None = None, outcome: str = ""
) -> Answer:
    representation = Representation(call.record_type, call.person, names)
    data = representation.one(record)
    headers = {"ETag": _etag(representation.version(record), data)}
    if status == 201:
        headers["Location"] = f"{call.request.path}/{record.reference}"
    if outcome:
        data["outcome"] = _outcome(outcome, record)
    return Answer(data, status, headers)


def _written(call: Call, write: Callable[[Record, int | None], Record], *, required: bool = False) -> Answer:
    """Write with the version that the caller saw; a stale one is 412 if it came as If-Match, else 409."""
    record = call.record  # what is not there comes before what is missing in the request
    version = call.expected_version(required=required)
    try:
        written = write(record, version)
        return _response(call, written, outcome=new_access([(record, written)]))
    except StaleWrite as stale:
        theirs = Representation(call.record_type, call.person).one(stale.current)
        problem = problems.stale(stale, _yours(call, stale, call.body), theirs)
        if "If-Match" in call.request.headers:
            problem.status = 412
        problem.headers["ETag"] = _etag(stale.now, theirs)
        raise problem from None


def _problem(call: Call, error: Exception, given: JsonObject) -> Problem:
    """Turn an exception into a problem; of a stale write both versions are told, as far as the caller sees them."""
    if not isinstance(error, StaleWrite):
        return problems.of(error)
    theirs = Representation(call.record_type, call.person).one(error.current)
    return problems.stale(error, _yours(call, error, given), theirs)


def _yours(call: Call, stale: StaleWrite, given: JsonObject) -> Data:
    """Tell what the caller gave, without what says which record and which version is meant."""
    fields = {name: value for name, value in given.items() if name not in ("reference", "version")}
    return Representation(call.record_type, call.person).given(fields, stale.yours)


def _create(call: Call, given: JsonObject) -> Record:
    return _write(
        call,
        given,
        lambda values, writer: services.create(
            call.record_type.model, values, by=call.person, via=Via.API, writer=writer
        ),
    )


def _change(call: Call, record: Record, given: JsonObject, version: int | None) -> Record:
    return _write(
        call,
        {name: value for name, value in given.items() if name != "version"},
        lambda values, writer: services.change(
            record, values, by=call.person, version=version, writer=writer
        ),
    )


def _write(call: Call, given: JsonObject, write: Callable[[Values, Writer], Record]) -> Record:
    """Write what was given; where some of it cannot be read, what is wrong with the rest is told as well."""
    values, faults = reading.values_of(call.record_type, given)
    return write(values, Checking(faults) if faults else DIRECT)


def _etag(version: int, data: Data) -> str:
    """Return a tag of what the answer shows: the names of others change without the record's version."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, cls=DjangoJSONEncoder).encode())
    return f'"{version}-{digest.hexdigest()[:16]}"'


def _past(call: Call, given: str, names: tuple[str, ...] | None) -> Answer:
    past = as_of(call.record, reading.moment("as_of", given))
    if past is None:
        raise not_found()
    past.is_open = call.record_type.is_open(past)
    return Answer(Representation(call.record_type, call.person, names).one(past, now=call.record))


def _step(step: Transition) -> Data:
    return {
        "name": step.name,
        "label": str(step.label),
        "target": str(step.target),
        "asks": list(step.asks),
        "offers": list(step.offers),
    }


def _refuse_unknown_filters(call: Call) -> None:
    known = {parameter.name for parameter in schemas.filters(call.record_type)} | {
        "cursor",
        "limit",
        "fields",
    }
    unknown = [name for name in call.request.GET if name not in known and not name.startswith("custom.")]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("Unknown parameter.")))
