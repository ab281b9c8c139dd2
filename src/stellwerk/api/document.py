"""The OpenAPI 3.1 document, made from the table of operations and the declarations."""

import json
from collections.abc import Iterable
from http import HTTPStatus

from django.utils.encoding import force_str
from django.utils.text import capfirst
from django.utils.translation import override

from stellwerk.api import openapi, schemas
from stellwerk.api.operation import OPERATIONS, Operation, Parameter
from stellwerk.kernel.custom_fields.values import known_to
from stellwerk.kernel.fields.schema import Schema
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.permissions.policy import AccessPolicy

ROOT = "/api/v1/"
ALWAYS_REFUSED = (401, 403, 429)
INTRODUCTION = """Every record type answers to the same operations. Errors are problem details (RFC 9457) with a \
sentence that says what to do. `docs/api.md` has worked examples."""
_GENERAL = "Search, and what the API knows of itself and of who asks"


def build(reader: AccessPolicy | None = None) -> openapi.Document:
    """Describe the whole API, with the custom fields of which the reader may know; the committed copy has none."""
    with override(None):
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Stellwerk",
                "version": "1",
                "description": INTRODUCTION,
                "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}],
            "tags": [*map(_tag, registry.all_types()), {"name": "general", "description": _GENERAL}],
            "paths": _paths(),
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "responses": {str(status): _refusal(status) for status in _statuses()},
                "parameters": {
                    "reference": _in_path("reference", {"type": "string"}),
                    "id": _in_path("id", {"type": "integer", "minimum": 1}),
                    "person": _in_path("person", {"type": "string"}),
                },
                "schemas": _schemas(reader),
            },
        }


def _tag(record_type: RecordType) -> openapi.Tag:
    return {"name": record_type.slug, "description": capfirst(force_str(record_type.label_plural))}


def text() -> str:
    """Write the document as it is committed."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _schemas(reader: AccessPolicy | None) -> dict[str, Schema]:
    found = schemas.shared_components()
    for record_type in registry.all_types():
        found |= schemas.components_of(record_type, known_to(reader, record_type) if reader else None)
    return found


def _paths() -> dict[str, dict[str, openapi.Operation]]:
    paths: dict[str, dict[str, openapi.Operation]] = {}
    for operation in OPERATIONS:
        for record_type in registry.all_types() if operation.of_a_type else [registry.all_types()[0]]:
            for path, described in _described(operation, record_type):
                paths.setdefault(ROOT + path, {})[operation.method.lower()] = described
    return paths


def _described(operation: Operation, record_type: RecordType) -> Iterable[tuple[str, openapi.Operation]]:
    path = operation.path.replace("{type}", record_type.slug)
    if not operation.per_step:
        yield path, _operation(operation, record_type, None)
        return
    for step in record_type.workflow.transitions if record_type.workflow else ():
        if step.automatic:
            continue
        yield path.replace("{step}", step.name), _operation(operation, record_type, step)


def _operation(operation: Operation, record_type: RecordType, step: Transition | None) -> openapi.Operation:
    query = [*operation.query, *(schemas.filters(record_type) if operation.filtered else ())]
    described: openapi.Operation = {
        "operationId": _operation_id(operation, record_type, step),
        "tags": [record_type.slug if operation.of_a_type else "general"],
        "summary": _summary(operation, record_type, step),
        "parameters": [
            *(openapi.Parameter({"$ref": f"#/components/parameters/{name}"}) for name in _places(operation)),
            *(_parameter(parameter) for parameter in (*query, *operation.headers)),
        ],
        "responses": _responses(operation, record_type),
    }
    if operation.upload:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _UPLOAD}}}
    elif operation.body:
        schema = schemas.step_body(record_type, step) if step else operation.body(record_type)
        described["requestBody"] = {
            "required": step is None,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _places(operation: Operation) -> list[str]:
    """List the parameters in an operation's path, but for the type and the step, which the document writes out."""
    return [name for name in ("reference", "id", "person") if f"{{{name}}}" in operation.path]


def _operation_id(operation: Operation, record_type: RecordType, step: Transition | None) -> str:
    if not operation.of_a_type:
        return operation.name
    verb = "".join(part.capitalize() for part in step.name.split("_")) if step else ""
    return f"{schemas.name_of(record_type)}_{operation.name}{verb}"


def _summary(operation: Operation, record_type: RecordType, step: Transition | None) -> str:
    words = {"{plural}": force_str(record_type.label_plural), "{a}": force_str(record_type.label)}
    if step:
        words["{step}"] = force_str(step.label)
    summary = operation.summary
    for place, word in words.items():
        summary = summary.replace(place, word)
    return summary


def _responses(operation: Operation, record_type: RecordType) -> dict[str, openapi.Response]:
    phrase = HTTPStatus(operation.status).phrase
    success: openapi.Response = {"description": phrase}
    if operation.answer:
        success["content"] = {"application/json": {"schema": operation.answer(record_type)}}
    elif operation.status == HTTPStatus.OK:
        success["content"] = {"application/octet-stream": {}, "*/*": {}}
    if operation.name in ("get", "change", "create", "take"):
        success["headers"] = {
            "ETag": {
                "schema": {"type": "string"},
                "description": "The record's version, and a digest of what the answer shows.",
            }
        }
    if links := _links(operation, record_type):
        success["links"] = links
    also = {str(status): success | {"description": HTTPStatus(status).phrase} for status in operation.also}
    if "304" in also:
        also["304"] = {"description": "Nothing has changed."}
    refusals = sorted({*ALWAYS_REFUSED, *operation.refusals})
    return {
        str(operation.status): success,
        **also,
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals},
    }


def _links(operation: Operation, record_type: RecordType) -> dict[str, openapi.Link]:
    """Say where what was just made can be read, changed and taken away: one segment below where it was made."""
    if operation.status != HTTPStatus.CREATED:
        return {}
    links: dict[str, openapi.Link] = {}
    for other in OPERATIONS:
        below = other.path.removeprefix(operation.path + "/{")
        if below == other.path or not below.endswith("}") or "/" in below:
            continue
        own = below.removesuffix("}")
        given = {name: f"$request.path.{name}" for name in _places(operation)}
        made = {own: "$response.body#/id" if own == "id" else "$response.body#/reference"}
        links[other.name] = {
            "operationId": _operation_id(other, record_type, None),
            "parameters": given | made,
        }
    return links


def _statuses() -> list[int]:
    return sorted({*ALWAYS_REFUSED, *(status for each in OPERATIONS for status in each.refusals)})


def _refusal(status: int) -> openapi.Response:
    described: openapi.Response = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": schemas.component("Problem")}},
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return described


def _parameter(parameter: Parameter) -> openapi.Parameter:
    described: openapi.Parameter = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    if parameter.required:
        described["required"] = True
    if parameter.schema.get("type") == "array":
        described |= {"style": "form", "explode": True}
    return described


def _in_path(name: str, schema: Schema) -> openapi.Parameter:
    return {"name": name, "in": "path", "required": True, "schema": schema}


_UPLOAD = schemas.an_object(
    {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        "internal": {"type": "string", "enum": ["true", "false"], "default": "false"},
    },
    ["file"],
)
