"""JSON schemas of what goes in and comes out, made from the declarations.

Functions take a record type and return a schema; names of components are those of the type's model.
"""

from collections.abc import Iterable, Mapping

from django.utils.encoding import force_str

from stellwerk.api.operation import Parameter
from stellwerk.api.representation import output_fields
from stellwerk.kernel.custom_fields.schema import schema_of
from stellwerk.kernel.fields.field import Choices, Field
from stellwerk.kernel.fields.schema import Schema, or_null
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model import link_types
from stellwerk.kernel.model.declaration import CORE_DATES, RecordType
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.query.selection import dated

Type = RecordType
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
REFERENCE: Schema = {"$ref": "#/components/schemas/Reference"}
NULLABLE_REFERENCE: Schema = {"anyOf": [REFERENCE, {"type": "null"}]}
REFERENCE_GIVEN: Schema = {"$ref": "#/components/schemas/ReferenceGiven"}
COUNT: Schema = {"$ref": "#/components/schemas/Count"}
CURSOR: Schema = {"type": ["string", "null"], "description": "The cursor of the next page; null on the last."}


def component(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(
    properties: Mapping[str, Schema],
    required: Iterable[str] | None = None,
    *,
    description: str = "",
    more: bool = False,
) -> Schema:
    """Describe an object; without `required` every property is always there, with `more` there may be others."""
    names = list(properties) if required is None else list(required)
    described: Schema = {"type": "object", "properties": properties, "additionalProperties": more}
    if names:
        described["required"] = names
    if description:
        described["description"] = description
    return described


def listing(item: Schema, **more: Schema) -> Schema:
    return an_object({"items": {"type": "array", "items": item}, **more})


# -- records -------------------------------------------------------------------------------------------


def name_of(record_type: Type) -> str:
    return record_type.model.__name__


def record(record_type: Type) -> Schema:
    return component(name_of(record_type))


def new_record(record_type: Type) -> Schema:
    return component(f"{name_of(record_type)}New")


def changed_record(record_type: Type) -> Schema:
    return component(f"{name_of(record_type)}Changed")


def page_of_records(record_type: Type) -> Schema:
    return listing(record(record_type), next=CURSOR, total=COUNT)


def new_records(record_type: Type) -> Schema:
    return _bulk(new_record(record_type))


def changed_records(record_type: Type) -> Schema:
    named = an_object({"reference": TEXT, "version": NUMBER}, more=True)
    return _bulk({"allOf": [named, {"type": "object"}], "description": "The fields of a change beside them."})


def results(record_type: Type) -> Schema:
    result = an_object(
        {
            "index": NUMBER,
            "status": NUMBER,
            "record": record(record_type),
            "outcome": component("Outcome"),
            "problem": component("Problem"),
        },
        ["index", "status"],
    )
    return an_object({"results": {"type": "array", "items": result}})


def steps(record_type: Type) -> Schema:
    names: Schema = {"type": "array", "items": TEXT}
    return listing(an_object({"name": TEXT, "label": TEXT, "target": TEXT, "asks": names, "offers": names}))


def step_body(record_type: Type, step: Transition) -> Schema:
    """Describe what a step takes; everything is optional that the record may hold already."""
    given = {name: _given(_field(record_type, name), record_type) for name in step.fields}
    return an_object({**given, "version": NUMBER}, [])


def _bulk(item: Schema) -> Schema:
    mode: Schema = {"type": "string", "enum": ["all_or_nothing", "each"], "default": "all_or_nothing"}
    items: Schema = {"type": "array", "items": item, "minItems": 1, "maxItems": 500}
    return an_object({"mode": mode, "items": items}, ["items"])


def components_of(record_type: Type, custom: Mapping[str, Field] | None) -> dict[str, Schema]:
    """Describe the record as it is read, made and changed, and its choices; None leaves custom fields open."""
    name = name_of(record_type)
    given_custom: Schema = {"type": "object"} if custom is None else schema_of(custom)
    # What was stored under an earlier definition is still told.
    output_custom: Schema = {"type": "object"}
    if "properties" in given_custom:
        output_custom["properties"] = given_custom["properties"]
    fields = output_fields(record_type)
    output = {field.name: _output(field, record_type) for field in fields}
    given = {name: _given(_field(record_type, name), record_type) for name in record_type.editable_fields}
    read: dict[str, Schema] = {
        "id": NUMBER,
        "reference": _pattern(record_type),
        "type": {"const": record_type.key},
    }
    return {
        name: an_object(
            {**read, **output, "custom": output_custom, "outcome": component("Outcome")},
            ["id", "reference", "type"],
            description=str(record_type.label),
        ),
        f"{name}New": an_object({**given, "custom": given_custom}, []),
        f"{name}Changed": an_object({**given, "custom": given_custom, "version": NUMBER}, []),
        **{
            _choices_name(record_type, field): field.schema()
            for field in fields
            if field.choices and not field.many
        },
    }


def filters(record_type: Type) -> list[Parameter]:
    """List the query parameters with which a list is narrowed and ordered."""
    return [
        *(_filter(record_type, name) for name in record_type.filters),
        *_bounds(record_type),
        Parameter("open", "Whether work is left.", {"type": "string", "enum": ["yes", "no"]}),
        Parameter("q", "Words that must occur; the last one may be unfinished."),
        Parameter(
            "ordering", "A field, or - and a field.", {"type": "string", "enum": _orderings(record_type)}
        ),
    ]


def _filter(record_type: Type, name: str) -> Parameter:
    field = _field(record_type, name)
    one, hint = field.filter_schema()
    if name == "status" and field.choices:
        one = component(_choices_name(record_type, field))
    words = f"{force_str(field.label)}: {hint}" if hint else force_str(field.label)
    return Parameter(name, f"{words}; repeated: any of them.", {"type": "array", "items": one})


def _bounds(record_type: Type) -> Iterable[Parameter]:
    for name in dated(record_type):
        label = force_str(record_type.own_fields[name].label)
        yield Parameter(f"{name}__gte", f"{label}: at this date or moment, or later.")
        yield Parameter(f"{name}__lt", f"{label}: before this date or moment.")


def _orderings(record_type: Type) -> list[str]:
    fields = [*record_type.columns, *CORE_DATES, "reference", record_type.ordering.lstrip("-")]
    return [sign + name for name in dict.fromkeys(fields) for sign in ("", "-")]


# -- fields --------------------------------------------------------------------------------------------


def _pattern(record_type: Type) -> Schema:
    return {"type": "string", "pattern": f"^{record_type.prefix}-[0-9]+$"}


def _field(record_type: Type, name: str) -> Field:
    return record_type.own_fields.get(name) or record_type.own_field(name)


def _output(field: Field, record_type: Type) -> Schema:
    return _described(field, record_type, field.output_schema(), null=field.nullable or bool(field.target))


def _given(field: Field, record_type: Type) -> Schema:
    return _described(field, record_type, field.given_schema(), null=field.nullable)


def _described(field: Field, record_type: Type, schema: Schema, *, null: bool) -> Schema:
    if field.choices and not field.many:
        schema = component(_choices_name(record_type, field))
    return (or_null(schema) if null else schema) | _words(field)


def _words(field: Field) -> Schema:
    return {"description": ". ".join(filter(None, (force_str(field.label), force_str(field.help))))}


def _choices_name(record_type: Type, field: Field) -> str:
    return name_of(record_type) + "".join(part.capitalize() for part in field.name.split("_"))


def _enumeration(pairs: Choices) -> Schema:
    """Describe choices."""
    values = [value for value, _label in pairs]
    meanings = "; ".join(f"`{value}`: {force_str(label)}" for value, label in pairs)
    return {"type": "string", "enum": values, "description": meanings}


# -- what stands beside records ------------------------------------------------------------------------


def comment_made(record_type: Type) -> Schema:
    return component("CommentMade")


def comments(record_type: Type) -> Schema:
    return listing(component("Comment"), next=CURSOR)


def new_comment(record_type: Type) -> Schema:
    body = TEXT | {"minLength": 1, "description": "Markdown."}
    keep = "True: the text sets nothing going; a resolved record stays resolved, whoever writes."
    flags = {
        "internal": FLAG | {"default": False},
        "keep_status": FLAG | {"default": False, "description": keep},
    }
    return an_object({"body": body, **flags}, ["body"])


def attachment_made(record_type: Type) -> Schema:
    return component("AttachmentMade")


def attachments(record_type: Type) -> Schema:
    return listing(component("Attachment"))


def link(record_type: Type) -> Schema:
    return component("Link")


def links(record_type: Type) -> Schema:
    return listing(component("Link"))


def new_link(record_type: Type) -> Schema:
    return component("LinkNew")


def person(record_type: Type) -> Schema:
    return REFERENCE


def people(record_type: Type) -> Schema:
    return listing(REFERENCE)


def new_watcher(record_type: Type) -> Schema:
    return an_object(
        {"person": TEXT | {"description": "A reference or “me”, which is meant without it."}}, []
    )


def journal(record_type: Type) -> Schema:
    return listing(component("Entry"), next=CURSOR)


def me(record_type: Type) -> Schema:
    return component("Me")


def types(record_type: Type) -> Schema:
    return listing({"type": "object"})


def hits(record_type: Type) -> Schema:
    return listing(component("Hit"), total=COUNT)


def anything(record_type: Type) -> Schema:
    return {"type": "object"}


def shared_components() -> dict[str, Schema]:
    """Describe what several operations use."""
    return {**_references(), **_related_schemas(), **_answers()}


def _references() -> dict[str, Schema]:
    return {
        "Reference": an_object({"reference": TEXT, "title": TEXT}),
        "ReferenceGiven": {
            "anyOf": [
                {"type": "string", "pattern": "^[A-Za-z]{2,4}-[0-9]+$"},
                {"type": "integer", "minimum": 1},
            ],
            "description": "A reference such as PER-000001, or an id.",
        },
        "Count": an_object(
            {"count": NUMBER, "exact": FLAG},
            description="How many there are; not exact means at least so many.",
        ),
    }


def _related_schemas() -> dict[str, Schema]:
    authored: dict[str, Schema] = {"by": NULLABLE_REFERENCE, "at": MOMENT}
    changes: Schema = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {}, "minItems": 2, "maxItems": 2},
        "description": "By field, its value before and after, references told as in records.",
    }
    outcome: Schema = an_object(
        {"text": TEXT, "record": REFERENCE},
        description="What a write set going, such as that the record is open again, where it goes on, or who lost or "
        "gained access by it.",
    )
    made: dict[str, Schema] = {"outcome": {"anyOf": [component("Outcome"), {"type": "null"}]}}
    comment: dict[str, Schema] = {"id": NUMBER, **authored, "body": TEXT, "internal": FLAG}
    file: dict[str, Schema] = {
        "id": NUMBER,
        "name": TEXT,
        "size": NUMBER,
        "content_type": TEXT,
        "sha256": TEXT,
        **authored,
        "internal": FLAG,
    }
    return {
        "Outcome": outcome,
        "Comment": an_object(comment),
        "CommentMade": an_object({**comment, **made}),
        "Attachment": an_object(file),
        "AttachmentMade": an_object({**file, **made}),
        "Link": an_object(
            {
                "id": NUMBER,
                "type": component("LinkType"),
                "direction": {"type": "string", "enum": ["out", "in"]},
                "record": REFERENCE,
                "origin": TEXT,
            }
        ),
        "LinkType": _enumeration([(kind.key, kind.label) for kind in link_types.all_link_types()]),
        "LinkNew": an_object({"type": component("LinkType"), "target": TEXT}),
        "Entry": an_object(
            {
                "number": NUMBER,
                "at": MOMENT,
                "recorded_at": MOMENT,
                "by": NULLABLE_REFERENCE,
                "verb": {"type": "string", "enum": Verb.values},
                "step": TEXT,
                "changes": changes,
                "reason": TEXT,
                "internal": FLAG,
                "brought_from": TEXT,
            }
        ),
    }


def _answers() -> dict[str, Schema]:
    """Describe what is no record: hits, the caller, problems."""
    nullable_text: Schema = {"type": ["string", "null"]}
    return {
        "Hit": an_object(
            {
                "id": NUMBER,
                "reference": TEXT,
                "type": TEXT,
                "title": TEXT,
                "status": TEXT,
                "snippet": {"type": "array", "items": an_object({"text": TEXT, "hit": FLAG})},
            }
        ),
        "Me": an_object(
            {
                "reference": TEXT,
                "title": TEXT,
                "username": nullable_text,
                "email": nullable_text,
                "party": NULLABLE_REFERENCE,
                "administrator": FLAG,
                "roles": {
                    "type": "array",
                    "items": an_object({"role": TEXT, "process": TEXT, "party": NULLABLE_REFERENCE}),
                },
                "token": {
                    "anyOf": [
                        an_object(
                            {
                                "name": TEXT,
                                "scopes": {"type": "array", "items": TEXT},
                                "expires_at": {"type": ["string", "null"]},
                            }
                        ),
                        {"type": "null"},
                    ]
                },
            }
        ),
        "Problem": an_object(
            {
                "type": TEXT,
                "title": TEXT,
                "status": NUMBER,
                "detail": TEXT | {"description": "A sentence that says what to do."},
                "errors": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": TEXT},
                    "description": "Faults by field; what concerns the request as a whole is told in “detail” alone.",
                },
            },
            ["type", "title", "status", "detail"],
            more=True,
            description="RFC 9457 problem details.",
        ),
    }
