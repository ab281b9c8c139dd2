"""The page on which the API is read and tried out; it is made of the same document that programs read."""

import json

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from stellwerk.api import document, openapi
from stellwerk.kernel.fields.schema import Schema
from stellwerk.kernel.model import registry
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.signed_in import SignedInRequest

GENERAL = "general"
MOST_MEMBERS = 6


@login_required
@require_safe
def reference(request: SignedInRequest) -> HttpResponse:
    """Show the operations of one record type, or those that are about none."""
    described = document.build(policy_of(request.user))
    tags = [GENERAL, *(record_type.slug for record_type in registry.all_types())]
    tag = request.GET.get("of", "incidents" if "incidents" in tags else GENERAL)
    if tag not in tags:
        raise Http404
    operations = [
        _shown(method.upper(), path, operation, described["components"])
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]
    return render(request, "stellwerk/api.html", {"tags": tags, "tag": tag, "operations": operations})


def _shown(
    method: str, path: str, operation: openapi.Operation, components: openapi.Components
) -> dict[str, object]:
    content = operation["requestBody"]["content"] if "requestBody" in operation else {}
    schema = content.get("application/json", {}).get("schema")
    return {
        "method": method,
        "path": path,
        "id": operation["operationId"],
        "summary": operation["summary"],
        "parameters": [_parameter(each, components) for each in operation["parameters"]],
        "body": json.dumps(_example(schema, components), indent=2) if schema else "",
        "upload": "multipart/form-data" in content,
        "statuses": list(operation["responses"]),
    }


def _parameter(given: openapi.Parameter, components: openapi.Components) -> dict[str, object]:
    parameter = components["parameters"][_named(given["$ref"])] if "$ref" in given else given
    schema = _resolved(parameter["schema"], components)
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "description": parameter.get("description", ""),
        "choices": _resolved(schema.get("items", schema), components).get("enum", []),
    }


def _example(given: Schema, components: openapi.Components) -> object:
    """Make up a small value that fits: what is required, or the first few members."""
    schema = _resolved(given, components)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema or "allOf" in schema:
        return _example((schema.get("anyOf") or schema["allOf"])[0], components)
    types = schema.get("type", "object")
    kind = types if isinstance(types, str) else types[0]
    if kind == "array":
        return [_example(schema.get("items", {}), components)]
    if kind == "object":
        members = schema.get("properties", {})
        names = schema.get("required") or list(members)[:MOST_MEMBERS]
        return {name: _example(members[name], components) for name in names}
    return {"integer": 1, "number": 1, "boolean": False}.get(kind, "")


def _resolved(schema: Schema, components: openapi.Components) -> Schema:
    while "$ref" in schema:
        schema = components["schemas"][_named(schema["$ref"])]
    return schema


def _named(reference: str) -> str:
    return reference.rpartition("/")[2]
