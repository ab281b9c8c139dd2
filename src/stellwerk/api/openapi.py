"""The parts of an OpenAPI 3.1 document, as far as ours has them."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from stellwerk.kernel.fields.schema import Schema


class MediaType(TypedDict, total=False):
    schema: Schema


class Header(TypedDict):
    schema: Schema
    description: str


class Link(TypedDict):
    operationId: str
    parameters: Mapping[str, str]


class RequestBody(TypedDict):
    required: bool
    content: Mapping[str, MediaType]


Response = TypedDict(
    "Response",
    {
        "$ref": str,
        "description": str,
        "content": Mapping[str, MediaType],
        "headers": Mapping[str, Header],
        "links": Mapping[str, Link],
    },
    total=False,
)
Parameter = TypedDict(
    "Parameter",
    {
        "$ref": str,
        "name": str,
        "in": str,
        "description": str,
        "schema": Schema,
        "required": bool,
        "style": str,
        "explode": bool,
    },
    total=False,
)


class Operation(TypedDict):
    operationId: str
    tags: Sequence[str]
    summary: str
    parameters: Sequence[Parameter]
    responses: Mapping[str, Response]
    requestBody: NotRequired[RequestBody]


class Tag(TypedDict):
    name: str
    description: str


class Components(TypedDict):
    securitySchemes: Mapping[str, Mapping[str, str]]
    responses: Mapping[str, Response]
    parameters: Mapping[str, Parameter]
    schemas: Mapping[str, Schema]


class Document(TypedDict):
    openapi: str
    info: Mapping[str, str | Mapping[str, str]]
    servers: Sequence[Mapping[str, str]]
    security: Sequence[Mapping[str, Sequence[str]]]
    tags: Sequence[Tag]
    paths: Mapping[str, Mapping[str, Operation]]
    components: Components
