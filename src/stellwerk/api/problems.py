"""Errors as the API tells them: one JSON shape, RFC 9457 problem details.

`detail` is a sentence that says what to do, also where the request as a whole is at fault; `errors` has the faults by field.
The exceptions of the domain become problems in `of`, and nowhere else.
"""

import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus

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
from stellwerk.vocabulary import Values

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
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = more

    def content(self) -> dict[str, object]:
        """Return the problem as the members of a JSON object."""
        members: dict[str, object] = {
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
    foreseen = _foreseen(error)
    if foreseen is not None:
        return foreseen
    logger.exception("unforeseen error in the API", exc_info=error)
    return Problem(
        500, "unforeseen", _("Something went wrong on our side. Nothing was saved. Try again later.")
    )


def not_found() -> Problem:
    """Say the same of what does not exist and of what the caller may not see."""
    return Problem(
        404, "not-found", _("There is nothing here, or you don't have access to it. Check the address.")
    )


def slash_too_many() -> Problem:
    """Say, of whatever address, that none here ends with a slash."""
    return Problem(404, "not-found", _("API addresses don't end with a slash. Remove it."))


def too_many(seconds: float) -> Problem:
    whole = max(1, math.ceil(seconds))
    return Problem(
        429,
        "too-many-requests",
        _("Too many requests. Try again in %d seconds.") % whole,
        headers={"Retry-After": str(whole)},
    )


def stale(error: StaleWrite, yours: Values | None = None, theirs: Values | None = None) -> Problem:
    """Tell that somebody was faster, with both versions, and of these what the caller may see."""
    return Problem(
        409,
        "stale",
        str(error),
        yours={"version": error.version} | ({} if yours is None else {"values": yours}),
        theirs={"version": error.now} | ({} if theirs is None else {"values": theirs}),
    )


def _invalid(error: ValidationError) -> Problem:
    errors: dict[str, list[str]] = (
        dict(error.message_dict) if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    )
    general = errors.pop(NON_FIELD_ERRORS, None)
    detail = " ".join(general or [_("Some values aren't valid. Correct the ones listed in “errors”.")])
    return Problem(422, "invalid", detail, errors=errors or None)


def _forbidden(error: PermissionDenied) -> Problem:
    return Problem(403, "forbidden", str(error) or _("You don't have permission to do this."))


def _taken() -> Problem:
    return Problem(
        409, "conflict", _("Someone else saved the same thing at the same moment. Read it again and repeat.")
    )


def _unfit(error: Exception) -> Problem:
    logger.warning("a value reached the database that it does not take", exc_info=error)
    return Problem(422, "invalid", _("A value is too large to store."), errors={})


def _busy(error: Exception) -> Problem:
    logger.warning("the database could not take it", exc_info=error)
    return Problem(
        503,
        "busy",
        said_by_database(error),
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def _too_large() -> Problem:
    return Problem(413, "too-large", _("The request is too large. Send less at once, or attach a file."))


def _broken() -> Problem:
    return Problem(400, "malformed", _("The request was cut off before its end. Send it again."))


def _foreseen(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case ValidationError():
            return _invalid(error)
        case StaleWrite():
            return stale(error)
        case PermissionDenied():
            return _forbidden(error)
        case NotConfirmed():
            return Problem(403, "confirmation-required", str(error))
        case Http404():
            return not_found()
        case RequestDataTooBig() | TooManyFieldsSent():
            return _too_large()
        case UnreadablePostError() | MultiPartParserError() | BadRequest() | SuspiciousOperation():
            return _broken()
        case IntegrityError():
            return _taken()
        case DataError() | OverflowError():
            return _unfit(error)
        case OperationalError():
            return _busy(error)
    return _busy(error) if is_full(error) else None
