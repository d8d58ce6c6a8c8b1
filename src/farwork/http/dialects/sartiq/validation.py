"""From bytes to an event, or to the list of everything that is wrong with them.

msgspec takes the good ones at once. What it does not take is looked at field by field, so that the
list is complete and speaks the type words of pydantic, which that ecosystem's clients know.
"""

import re
from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from json import JSONDecodeError, loads
from math import isfinite
from typing import Any, cast

import msgspec
from msgspec import inspect

from farwork.domain import ids
from farwork.http.dialects.sartiq.wire import TaskStatusEvent, ValidationError

NESTING_MAX = 64

Loc = tuple[str | int, ...]

_event = msgspec.json.Decoder(TaskStatusEvent)
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder()
_info = inspect.type_info(TaskStatusEvent)
assert isinstance(_info, inspect.StructType)
_fields = {field.name: field for field in _info.fields}
_times = ("timestamp", "started_at", "completed_at")

# An escaped NUL; a bare one is no JSON. PostgreSQL keeps none in text, and no reader expects one.
_NUL = b"\\u0000"
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_BRACKETS = re.compile(rf"{_STRING}|[\[{{]|[\]}}]")
_VALUES = re.compile(rf"{_STRING}|-?(?:NaN|Infinity|\d[-+.\deE]*)")
_WITHOUT_SECONDS = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)([Zz]|[-+]\d\d:?\d\d)?")
_OTHER_JSON = re.compile(r"application/[^/]+\+json")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class InvalidEvent(Exception):
    """A body that is no event; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: list[ValidationError]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def check_media_type(given: str | None, raw: bytes) -> None:
    """Raises `InvalidEvent` when the body is said to be something other than JSON."""
    media_type = (given or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not _OTHER_JSON.fullmatch(media_type):
        msg = "Input should be a valid dictionary, sent as application/json"
        body = raw.decode(errors="replace")
        raise InvalidEvent([_problem(("body",), "dict_type", msg, body)])


def read_event(raw: bytes) -> tuple[TaskStatusEvent, dict[str, Any]]:
    """The event of a body, and what the sender says under keys that are not the event's own.

    Raises `InvalidEvent`.
    """
    if raw.count(b"[") + raw.count(b"{") > NESTING_MAX:
        _refuse_deep_nesting(raw)
    try:
        event = _event.decode(raw)
        unknown = _keys.decode(raw).keys() - _fields.keys()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_slowly(raw)
    if _NUL in raw or any(_at_an_edge(getattr(event, name)) for name in _times):
        return _read_slowly(raw)
    if not unknown:
        return event, {}
    body = _any.decode(raw)
    return event, {key: value for key, value in body.items() if key in unknown}


def _read_slowly(raw: bytes) -> tuple[TaskStatusEvent, dict[str, Any]]:
    """The same, for what is wrong or unusual."""
    try:
        body = _any.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidEvent([_not_json(raw)]) from None
    problems = problems_of(body)
    if problems:
        raise InvalidEvent(problems)
    own = {key: value for key, value in body.items() if key in _fields}
    for name in _times:
        if own.get(name) is not None:
            own[name] = _moment(own[name])
    return msgspec.convert(own, TaskStatusEvent), {
        key: value for key, value in body.items() if key not in _fields
    }


# --- a body that is JSON ---


def problems_of(body: Any) -> list[ValidationError]:
    """Everything that is wrong with a JSON value that should be an event, in the fields' order."""
    if not isinstance(body, dict):
        return [_problem(("body",), "dict_type", "Input should be a valid dictionary", body)]
    problems: list[ValidationError] = []
    for name, field in _fields.items():
        if name in body:
            problems += _problems_at(("body", name), field.type, body[name])
        elif field.required:
            problems.append(_problem(("body", name), "missing", "Field required", body))
    said = cast("dict[str, Any]", body)
    # What an id may hold is checked above, NULs included.
    others = {key: value for key, value in said.items() if key != "task_id"}
    return problems + list(_nuls(("body",), others))


def _problem(loc: Loc, kind: str, msg: str, value: Any, **ctx: Any) -> ValidationError:
    return ValidationError(list(loc), msg, kind, value, ctx)


def _problems_at(loc: Loc, kind: inspect.Type, value: Any) -> Iterator[ValidationError]:
    if isinstance(kind, inspect.UnionType):
        if value is None:
            return
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.StrType):
        yield from _in_a_string(loc, kind, value)
    elif isinstance(kind, inspect.FloatType):
        yield from _in_a_number(loc, kind, value)
    elif isinstance(kind, inspect.DateTimeType):
        yield from _in_a_time(loc, value)
    else:
        assert isinstance(kind, inspect.DictType)
        if not isinstance(value, dict):
            yield _problem(loc, "dict_type", "Input should be a valid dictionary", value)


def _in_a_string(loc: Loc, kind: inspect.StrType, value: Any) -> Iterator[ValidationError]:
    if not isinstance(value, str):
        yield _problem(loc, "string_type", "Input should be a valid string", value)
        return
    least, most, pattern = kind.min_length, kind.max_length, kind.pattern
    if least is not None and len(value) < least:
        msg = f"String should have at least {_characters(least)}"
        yield _problem(loc, "string_too_short", msg, value, min_length=least)
    if most is not None and len(value) > most:
        msg = f"String should have at most {_characters(most)}"
        yield _problem(loc, "string_too_long", msg, value, max_length=most)
    if value and pattern is not None and re.search(pattern, value) is None:
        msg = f"String {ids.RULE}"
        yield _problem(loc, "string_pattern_mismatch", msg, value, pattern=pattern)


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


def _in_a_number(loc: Loc, kind: inspect.FloatType, value: Any) -> Iterator[ValidationError]:
    msg = "Input should be a valid number"
    if isinstance(value, str) and not _is_number(value):
        msg += ", unable to parse string as a number"
        yield _problem(loc, "float_parsing", msg, value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        yield _problem(loc, "float_type", msg, value)
    elif kind.ge is not None and value < kind.ge:
        msg = f"Input should be greater than or equal to {kind.ge:g}"
        yield _problem(loc, "greater_than_equal", msg, value, ge=kind.ge)
    elif kind.le is not None and value > kind.le:
        msg = f"Input should be less than or equal to {kind.le:g}"
        yield _problem(loc, "less_than_equal", msg, value, le=kind.le)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _in_a_time(loc: Loc, value: Any) -> Iterator[ValidationError]:
    msg = "Input should be a valid datetime"
    if not isinstance(value, str):
        yield _problem(loc, "datetime_type", msg, value)
        return
    try:
        at = _moment(value)
    except ValueError:
        if _DATE.fullmatch(value) is not None:
            why = "the time of day is missing"
            yield _problem(loc, "datetime_parsing", f"{msg}, {why}", value, error=why)
            return
        why = "it is not of the form YYYY-MM-DDTHH:MM:SS with an optional zone"
        yield _problem(loc, "datetime_from_date_parsing", f"{msg} or date, {why}", value, error=why)
        return
    if _at_an_edge(at) and not _fits_utc(at):
        why = "it is not within the years 1 to 9999 of UTC"
        yield _problem(loc, "datetime_parsing", f"{msg}, {why}", value, error=why)


def _moment(text: str) -> datetime:
    """The moment of an ISO 8601 date and time. Raises ValueError; msgspec's own error is one."""
    short = _WITHOUT_SECONDS.fullmatch(text)
    if short is not None:
        text = f"{short[1]}:00{short[2] or ''}"
    return msgspec.convert(text, datetime)


def _at_an_edge(at: datetime | None) -> bool:
    """Whether the moment may lie outside what UTC can say: rare enough to be looked at slowly."""
    return at is not None and at.year in (MINYEAR, MAXYEAR)


def _fits_utc(at: datetime) -> bool:
    try:
        (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return False
    return True


def _nuls(loc: Loc, body: dict[str, Any]) -> Iterator[ValidationError]:
    """One problem for each top-level key that holds a NUL, at the first place that does."""
    for key, value in body.items():
        found = (*loc, key) if "\0" in key else _first_nul((*loc, key), value)
        if found is not None:
            why = "NUL characters cannot be kept"
            yield _problem(found, "value_error", f"Value error, {why}", value, error=why)


def _first_nul(loc: Loc, value: Any) -> Loc | None:
    if isinstance(value, str):
        return loc if "\0" in value else None
    inner: Iterator[tuple[str | int, Any]]
    if isinstance(value, dict):
        inner = iter(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        inner = enumerate(cast("list[Any]", value))
    else:
        return None
    for key, one in inner:
        if isinstance(key, str) and "\0" in key:
            return loc
        found = _first_nul((*loc, key), one)
        if found is not None:
            return found
    return None


# --- a body that is not ---


def _not_json(raw: bytes) -> ValidationError:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return _bad_json(error.start, "Not UTF-8")
    try:
        loads(text)
    except JSONDecodeError as error:
        return _bad_json(error.pos, error.msg)
    except ValueError:
        pass  # an integer of more digits than Python reads
    return _bad_json(*_beyond_json(text))


def _bad_json(offset: int, why: str) -> ValidationError:
    return _problem(("body", offset), "json_invalid", "JSON decode error", {}, error=why)


def _beyond_json(text: str) -> tuple[int, str]:
    """Where and why a text is no JSON that the standard library takes for some."""
    for found in _VALUES.finditer(text):
        part = found[0]
        if part[0] != '"':
            if not isfinite(float(part)):
                return found.start(), "Not a finite number"
        elif "\\u" in part and not _is_text(part):
            return found.start(), "Unpaired surrogate"
    return 0, "Malformed"


def _is_text(part: str) -> bool:
    try:
        loads(part).encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_deep_nesting(raw: bytes) -> None:
    """A deep value would break recursive code far from here: ours, or a reader's of the log."""
    depth = 0
    for found in _BRACKETS.finditer(raw.decode(errors="replace")):
        part = found[0]
        if part in "[{":
            depth += 1
            if depth > NESTING_MAX:
                why = f"Nested deeper than {NESTING_MAX}"
                raise InvalidEvent([_bad_json(found.start(), why)])
        elif part in "]}":
            depth -= 1
