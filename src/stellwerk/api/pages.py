"""The page on which the API is read and tried out; it is made of the same document that programs read."""

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from stellwerk.api import document
from stellwerk.api.operation import Schema
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.permissions.policy import policy_of

GENERAL = "general"
MOST_MEMBERS = 6


@login_required
@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show the operations of one record type, or those that are about none."""
    assert isinstance(request.user, Person)  # login_required has seen to it  # nosec B101
    described = document.build(policy_of(request.user))
    tags = [GENERAL, *(record_type.slug for record_type in registry.all_types())]
    tag = request.GET.get("of", "incidents" if "incidents" in tags else GENERAL)
    if tag not in tags:
        raise Http404
    operations = [
        _shown(method.upper(), path, operation, described)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]
    return render(request, "stellwerk/api.html", {"tags": tags, "tag": tag, "operations": operations})


def _shown(method: str, path: str, operation: Schema, described: Schema) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return {
        "method": method,
        "path": path,
        "id": operation["operationId"],
        "summary": operation["summary"],
        "parameters": [_parameter(each, described) for each in operation["parameters"]],
        "body": json.dumps(_example(schema, described), indent=2) if schema else "",
        "upload": "multipart/form-data" in content,
        "statuses": list(operation["responses"]),
    }


def _parameter(given: Schema, described: Schema) -> dict[str, Any]:
    parameter = _resolved(given, described)
    schema = _resolved(parameter["schema"], described)
    choices = _resolved(schema.get("items", schema), described).get("enum", [])
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "description": parameter.get("description", ""),
        "choices": choices,
    }


def _example(given: Schema, described: Schema) -> Any:
    """Make up a small value that fits: what is required, or the first few members."""
    schema = _resolved(given, described)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema or "allOf" in schema:
        return _example((schema.get("anyOf") or schema["allOf"])[0], described)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [_example(schema.get("items", {}), described)]
    if kind == "object":
        members = schema.get("properties", {})
        names = schema.get("required") or list(members)[:MOST_MEMBERS]
        return {name: _example(members[name], described) for name in names}
    return {"integer": 1, "number": 1, "boolean": False}.get(kind, "")


def _resolved(given: Schema, described: Schema) -> Schema:
    found = given
    while "$ref" in found:
        place: Any = described
        for part in found["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        found = place
    return found
