"""The one table of what the API can do, from which both the addresses and the OpenAPI document are made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar, Unpack

from django.http import HttpResponseBase

from stellwerk.api.call import Answer, Call
from stellwerk.kernel.fields.schema import Schema
from stellwerk.kernel.model.declaration import RecordType

Describe = Callable[[RecordType], Schema]
Run = Callable[[Call], Answer | HttpResponseBase]
F = TypeVar("F", bound=Run)


@dataclass(frozen=True)
class Parameter:
    """A query parameter or header that an operation understands."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: Schema(type="string"))
    place: str = "query"
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """One method on one address.

    `path` is relative to /api/v1/ and begins with "{type}" for what every record type has. `filtered` ones
    take the filters of a list. `body` and `answer` describe JSON; `per_step` has one per workflow step.
    """

    method: str
    path: str
    name: str
    summary: str
    run: Run
    query: Sequence[Parameter] = ()
    headers: Sequence[Parameter] = ()
    filtered: bool = False
    body: Describe | None = None
    upload: bool = False
    answer: Describe | None = None
    status: int = 200
    also: Sequence[int] = ()
    refusals: Sequence[int] = ()
    per_step: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def of_a_type(self) -> bool:
        return self.path.startswith("{type}")

    def understands(self, parameter: str) -> bool:
        """Whether a query parameter means something; those of filtered lists are read by the selection."""
        return self.filtered or any(parameter == known.name for known in self.query)


class _More(TypedDict, total=False):
    query: Sequence[Parameter]
    headers: Sequence[Parameter]
    filtered: bool
    body: Describe | None
    upload: bool
    answer: Describe | None
    status: int
    also: Sequence[int]
    refusals: Sequence[int]
    per_step: bool


OPERATIONS: list[Operation] = []


def operation(method: str, path: str, name: str, summary: str, **more: Unpack[_More]) -> Callable[[F], F]:
    """Enter a function into the table (decorator)."""

    def enter(run: F) -> F:
        OPERATIONS.append(Operation(method, path, name, summary, run, **more))
        return run

    return enter
