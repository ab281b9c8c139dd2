"""Reading what callers send: JSON, its types, references by name. What fits is checked by the verbs."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from stellwerk.api.problems import Problem
from stellwerk.kernel.model import strict_json
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import in_utc
from stellwerk.vocabulary import JsonObject, JsonValue


def json_object(request: HttpRequest) -> JsonObject:
    """Return the JSON object in the body; 415 for another type, 400 for what is no JSON object."""
    if request.content_type != "application/json":
        raise Problem(
            415, "unsupported-media-type", _("Send JSON with the header Content-Type: application/json.")
        )
    try:
        found = strict_json.loads(request.body.decode())
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed", _("The body isn't valid JSON: %s.") % error) from None
    if not isinstance(found, dict):
        raise Problem(400, "malformed", _("The body must be a JSON object."))
    if b"\\u" in request.body:
        _refuse_unstorable(found)
    return found


def values_of(
    record_type: RecordType, given: Mapping[str, JsonValue]
) -> tuple[dict[str, object], dict[str, list[str]]]:
    """Turn the members of a body into values for the verbs; return them, and the faults of those of a wrong type.

    Unknown members are handed on: the verbs refuse them, as they refuse those that may not be set.
    """
    values: dict[str, object] = {}
    faults: dict[str, list[str]] = {}
    own = record_type.own_fields
    for name, value in given.items():
        try:
            if name == "custom":
                values |= _custom(value)
            else:
                values[name] = own[name].from_json(value) if name in own and value is not None else value
        except ValidationError as error:
            faults[name] = error.messages
    named = {
        reference for name, value in values.items() if name in own for reference in own[name].named(value)
    }
    ids = _ids_of(named) if named else {}
    return {n: own[n].with_ids(value, ids) if n in own else value for n, value in values.items()}, faults


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse members of a body that mean nothing here."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("This field can't be set here.")))


def text(given: Mapping[str, JsonValue], name: str) -> str:
    """Return a member that must be a text."""
    value = given.get(name)
    if not isinstance(value, str):
        raise unfit(name, _("Give a text."))
    return value


def flag(given: Mapping[str, JsonValue], name: str) -> bool:
    """Return a member that is true or false; false when it is missing."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise unfit(name, _("Give true or false."))
    return value


def moment(name: str, given: str) -> datetime:
    """Read an instant with its offset from UTC."""
    try:
        found = parse_datetime(given.replace(" ", "+"))
        if found is not None and found.utcoffset() is not None:
            return in_utc(found)
    except ValueError:
        pass
    raise unfit(name, _("Give a date and time with a UTC offset, such as 2026-03-31T09:00:00Z."))


def unfit(name: str, why: str) -> ValidationError:
    return ValidationError({name: why})


def _refuse_unstorable(value: JsonValue) -> None:
    """Refuse what only an escape can bring into JSON and no database takes: null characters, half characters."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Problem(
                400, "malformed", _("A text contains a null character or an invalid character. Remove it.")
            )
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_unstorable(member)


def _custom(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise ValidationError(_("Give an object whose keys are names of custom fields."))
    return {f"custom.{name}": member for name, member in value.items()}


def _ids_of(references: Collection[str]) -> dict[str, int]:
    """Find the ids of references, in one query.

    Whether the caller may see them is asked by the verbs, which refuse an id that nothing has in the same words.
    """
    return dict(Record.objects.filter(reference__in=references).values_list("reference", "pk"))
