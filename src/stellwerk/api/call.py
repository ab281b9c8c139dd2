"""One request to the API as the operations see it, and what they answer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypedDict, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from stellwerk.api import reading
from stellwerk.api.problems import Problem, not_found
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.vocabulary import JsonObject

M = TypeVar("M", bound=Model)

JSON = "application/json"
ETAG = re.compile(r"(\d{1,9})(?:-[0-9a-f]{16})?")
"""An ETag without its quotes: the record's version, and a digest of what was shown."""


@dataclass(frozen=True)
class Answer:
    """What an operation found or did: data for JSON, or nothing."""

    data: Mapping[str, object] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "" if self.data is None else json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))

    def response(self) -> HttpResponse:
        response = HttpResponse(self.text, status=self.status, content_type=JSON, headers=dict(self.headers))
        if self.data is None:
            del response.headers["Content-Type"]
        return response


class Where(TypedDict, total=False):
    """The parts of an address."""

    record_type: RecordType
    reference: str
    step: str
    id: int
    person: str


@dataclass(frozen=True)
class Call:
    """Who asks for what: the person, their token if it was one, and the parts of the address."""

    request: HttpRequest
    person: Person
    token: ApiToken | None
    where: Where

    @property
    def record_type(self) -> RecordType:
        return self.where["record_type"]

    @cached_property
    def body(self) -> JsonObject:
        """The JSON object that was sent; a step that asks for nothing needs none."""
        if "step" in self.where and not self.request.body:
            return {}
        return reading.json_object(self.request)

    def visible(self) -> QuerySet[Record]:
        """Select the records of the type that the caller may see."""
        return self.record_type.model._default_manager.visible_to(self.person)

    @cached_property
    def record(self) -> Record:
        """The record that the address names; the same 404 whether it does not exist or is not shown."""
        return first(self.visible().filter(reference=self.where["reference"].upper()))

    def parameter(self, name: str) -> str | None:
        """Return a query parameter that may be given once."""
        values = self.request.GET.getlist(name)
        if len(values) > 1:
            raise reading.unfit(name, _("Give this parameter only once."))
        return values[0] if values else None

    def number(self, name: str, default: int, most: int) -> int:
        """Return a query parameter that is a number from 1 to `most`."""
        given = self.parameter(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= most):
            raise reading.unfit(name, _("Give a number from 1 to %d.") % most)
        return int(given)

    def expected_version(self, *, required: bool = False) -> int | None:
        """Return the version that the caller last saw, from If-Match or from `version` in the body.

        None stands for any: nothing was said, or `If-Match: *`.
        """
        given = self.request.headers.get("If-Match")
        if given is None:
            return self._version_in_body(required)
        tag = given.strip().removeprefix('"').removesuffix('"')
        if tag == "*":
            return None
        if not (found := ETAG.fullmatch(tag)):
            raise Problem(
                412, "stale", _("If-Match must be the ETag that you got when you last read the record.")
            )
        return int(found[1])

    def _version_in_body(self, required: bool) -> int | None:
        version = self.body.get("version")
        if version is None and required:
            raise Problem(
                428,
                "version-required",
                _("Say which version you're changing: send If-Match with the record's ETag, or “version”."),
            )
        if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
            raise reading.unfit("version", _("Give the version as a number."))
        return version


def first(rows: QuerySet[M]) -> M:
    """Return the first row; the same 404 whether there is none or it is not shown."""
    found = rows.first()
    if found is None:
        raise not_found()
    return found
