"""What is not about one type: who one is, what types there are, search over all of them."""

from django.utils.translation import gettext as _

from stellwerk.api import document, reading, schemas
from stellwerk.api.call import Answer, Call
from stellwerk.api.cursor import MOST_ROWS, PAGE_SIZE
from stellwerk.api.operation import Parameter, operation
from stellwerk.api.records import LIMIT
from stellwerk.api.representation import (
    BOOKKEEPING,
    Data,
    internal_among,
    moment,
    output_fields,
    reference_to,
)
from stellwerk.kernel.custom_fields.schema import schema_of
from stellwerk.kernel.custom_fields.values import known_to
from stellwerk.kernel.fields.field import Choices, Field
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of
from stellwerk.kernel.search import index
from stellwerk.kernel.search.snippet import Snippet

LONGEST_SEARCH = 500


@operation("GET", "me", "getMe", "Read who the caller is and what they may", answer=schemas.me)
def me(call: Call) -> Answer:
    person, token = call.person, call.token
    return Answer(
        {
            "reference": person.reference,
            "title": person.title,
            "username": person.username,
            "email": person.email,
            "party": reference_to(person.party),
            "administrator": policy_of(person).is_administrator,
            "roles": [
                {"role": held.role, "process": held.process, "party": reference_to(held.party)}
                for held in policy_of(person).assignments
            ],
            "token": token
            and {
                "name": token.name,
                "scopes": token.scopes,
                "expires_at": token.expires_at and moment(token.expires_at),
            },
        }
    )


@operation("GET", "types", "listTypes", "Describe all record types", answer=schemas.types)
def list_types(call: Call) -> Answer:
    policy = policy_of(call.person)
    return Answer({"items": [_described(each, policy) for each in registry.all_types()]})


@operation(
    "GET",
    "search",
    "search",
    "Search all records",
    query=[
        Parameter("q", "Words, the last one may be unfinished; a number finds its record.", required=True),
        Parameter("type", "Key of a record type, to search only that."),
        Parameter("page", "Which page, from 1.", {"type": "integer", "minimum": 1, "default": 1}),
        LIMIT,
    ],
    answer=schemas.hits,
    refusals=[422],
)
def search(call: Call) -> Answer:
    text = (call.parameter("q") or "")[:LONGEST_SEARCH]
    size, number = call.number("limit", PAGE_SIZE, MOST_ROWS), call.number("page", 1, index.MOST_HITS)
    records = Record.objects.filter(policy_of(call.person).visible(Record, few=True))
    kind = call.parameter("type")
    if kind is not None:
        records = records.filter(kind=_type(kind).key)
    found = index.find(records, text, internal=policy_of(call.person).as_staff(Record, few=True))
    ids = found.page(number, size)
    rows = Record.objects.in_bulk(ids)
    hits = [rows[pk] for pk in ids if pk in rows]
    internal = _internal(hits, call)
    cuts = index.snippets([record.pk for record in hits], text, internal=internal)
    return Answer(
        {
            "items": [_hit(record, cuts.get(record.pk)) for record in hits],
            "total": {"count": len(found.ids), "exact": not found.more},
        }
    )


@operation("GET", "openapi.json", "getDocument", "Read this document", answer=schemas.anything)
def openapi(call: Call) -> Answer:
    return Answer(document.build(policy_of(call.person)))


def _type(key: str) -> RecordType:
    try:
        return registry.get(key)
    except LookupError:
        raise reading.unfit("type", _("There is no such record type.")) from None


def _internal(hits: list[Record], call: Call) -> set[int]:
    kinds = {record.kind for record in hits}
    return {
        pk
        for kind in kinds
        for pk in internal_among(registry.get(kind), [r for r in hits if r.kind == kind], call.person)
    }


def _hit(record: Record, snippet: Snippet | None) -> Data:
    return {
        "id": record.pk,
        "reference": record.reference,
        "type": record.kind,
        "title": record.title,
        "status": record.status,
        "snippet": [{"text": part.text, "hit": part.hit} for part in snippet.segments] if snippet else [],
    }


def _described(record_type: RecordType, policy: AccessPolicy) -> Data:
    workflow = record_type.workflow
    return {
        "key": record_type.key,
        "label": str(record_type.label),
        "prefix": record_type.prefix,
        "address": f"/api/v1/{record_type.slug}",
        "may_create": policy.may_create(record_type),
        "fields": [
            _field(record_type, field)
            for field in output_fields(record_type)
            if field.name not in BOOKKEEPING
        ],
        "custom": schema_of(known_to(policy, record_type)),
        "statuses": _choices(workflow.statuses.choices) if workflow else [],
        "transitions": [
            {
                "name": step.name,
                "label": str(step.label),
                "from": [str(status) for status in step.source],
                "to": str(step.target),
                "asks": list(step.asks),
                "offers": list(step.offers),
            }
            for step in (workflow.transitions if workflow else ())
        ],
    }


def _field(record_type: RecordType, field: Field) -> Data:
    return {
        "name": field.name,
        "kind": field.kind,
        "label": str(field.label),
        "help": str(field.help),
        "writable": field.name in record_type.editable_fields,
        "required": field.required and not field.has_default,
        "choices": _choices(field.choices),
        "references": registry.for_model(field.target).key if field.target else None,
    }


def _choices(pairs: Choices) -> list[Data]:
    return [{"value": value, "label": str(label)} for value, label in pairs]
