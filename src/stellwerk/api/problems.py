"""Errors as the API tells them: one JSON shape, RFC 9457 problem details.

`detail` is a sentence that says what to do, also where the request as a whole is at fault; `errors` has the faults by field.
The exceptions of the domain become problems in `of`, and nowhere else.
"""

import json
import logging
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    ValidationError,
)
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _

from stellwerk.kernel.model.errors import NotConfirmed, StaleWrite, is_full, said_by_database

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 2

logger = logging.getLogger("stellwerk.api")


class Problem(Exception):
    """A refusal: its HTTP status, a name for programs, and a sentence for people."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = more

    def content(self) -> dict[str, Any]:
        """Return the problem as the members of a JSON object."""
        members: dict[str, Any] = {
            "type": f"urn:stellwerk:problem:{self.name}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors is not None:
            members["errors"] = self.errors
        return members | self.more

    def response(self) -> HttpResponse:
        body = json.dumps(self.content(), ensure_ascii=False, separators=(",", ":"))
        return HttpResponse(body, status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def of(error: Exception) -> Problem:
    """Turn an exception into the problem that tells of it; an unforeseen one is logged and tells nothing."""
    if isinstance(error, Problem):
        return error
    for kind, turn in _TURNS.items():
        if isinstance(error, kind):
            return turn(error)
    if is_full(error):
        return _busy(error)
    logger.exception("unforeseen error in the API", exc_info=error)
    return Problem(500, "unforeseen", _("Something went wrong here. Nothing was written; try again later."))


def not_found() -> Problem:
    """Say the same of what does not exist and of what the caller may not see."""
    return Problem(404, "not-found", _("There is nothing here that you may see: check the address."))


def slash_too_many() -> Problem:
    """Say, of whatever address, that none here ends with a slash."""
    return Problem(404, "not-found", _("No address of the API ends with a slash: leave it out."))


def too_many(seconds: float) -> Problem:
    whole = max(1, math.ceil(seconds))
    return Problem(
        429,
        "too-many-requests",
        _("Too many requests: go on in %d seconds.") % whole,
        headers={"Retry-After": str(whole)},
    )


def _invalid(error: Any) -> Problem:
    errors = dict(error.message_dict) if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    general = errors.pop(NON_FIELD_ERRORS, None)
    detail = " ".join(general or [_("Some values do not fit: mend those named in “errors”.")])
    return Problem(422, "invalid", detail, errors=errors or None)


def _stale(error: Any) -> Problem:
    return Problem(
        409,
        "stale",
        str(error),
        yours={"version": error.version},
        theirs={"version": error.current.version},
    )


def _forbidden(error: Any) -> Problem:
    return Problem(403, "forbidden", str(error) or _("You may not do this."))


def _taken(error: Any) -> Problem:
    return Problem(
        409, "conflict", _("Somebody else wrote the same at the same moment: read it again and repeat.")
    )


def _unfit(error: Any) -> Problem:
    logger.warning("a value reached the database that it does not take", exc_info=error)
    return Problem(422, "invalid", _("A value is larger than what can be kept."), errors={})


def _busy(error: Any) -> Problem:
    logger.warning("the database could not take it", exc_info=error)
    return Problem(
        503,
        "busy",
        said_by_database(error),
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def _too_large(error: Any) -> Problem:
    return Problem(413, "too-large", _("The request is too large: send less at once, or attach a file."))


def _broken(error: Any) -> Problem:
    return Problem(400, "malformed", _("The request could not be read to its end: send it again."))


_TURNS: dict[type[Exception], Callable[[Exception], Problem]] = {
    ValidationError: _invalid,
    StaleWrite: _stale,
    PermissionDenied: _forbidden,
    NotConfirmed: lambda error: Problem(403, "confirmation-required", str(error)),
    Http404: lambda error: not_found(),
    RequestDataTooBig: _too_large,
    TooManyFieldsSent: _too_large,
    UnreadablePostError: _broken,
    MultiPartParserError: _broken,
    BadRequest: _broken,
    SuspiciousOperation: _broken,
    IntegrityError: _taken,
    DataError: _unfit,
    OverflowError: _unfit,
    OperationalError: _busy,
}
