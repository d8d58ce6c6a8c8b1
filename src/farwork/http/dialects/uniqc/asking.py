"""What a request asks: its query and its body.

They are read as leniently as the gateway reads them, and refused in its words.
"""

import json
import re
from collections.abc import Callable
from email.message import Message
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl

from farwork.http.dialects.uniqc import wire
from farwork.http.dialects.uniqc.translate import is_storable

T = TypeVar("T")

_INTEGER = re.compile(r"\s*([+-]?\d+(?:_\d+)*)(?:\.0+)?\s*", re.ASCII)
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True),
    **dict.fromkeys(("false", "0", "no", "off", "f", "n"), False),
}
INTEGER_MAX = 2**63 - 1
INTEGER_MIN = -(2**63)
DIGITS_MAX = 100


class Flawed(Exception):
    """A request that cannot be taken; `flaws` are all that is wrong with it."""

    def __init__(self, flaws: list[wire.Flaw]) -> None:
        super().__init__(f"{len(flaws)} flaws")
        self.flaws = flaws


class UnreadableBody(Exception):
    """A body that is not even text."""


class Query:
    """The parameters of a query: of each name the last counts. Flaws are collected."""

    def __init__(self, query_string: bytes) -> None:
        text = query_string.decode("latin-1")
        self._given = dict(parse_qsl(text, keep_blank_values=True))
        self._flaws: list[wire.Flaw] = []

    def text(self, name: str) -> str | None:
        """A text, None when it is not given."""
        return self._given.get(name)

    def integer(
        self, name: str, default: int, *, least: int = INTEGER_MIN, most: int = INTEGER_MAX
    ) -> int:
        """A whole number from `least` to `most`."""
        given = self._given.get(name)
        if given is None:
            return default
        return self._taken(name, given, default, lambda: integer_of(given, least, most))

    def boolean(self, name: str, *, default: bool) -> bool:
        """A truth value."""
        given = self._given.get(name)
        if given is None:
            return default
        return self._taken(name, given, default, lambda: boolean_of(given))

    def finish(self) -> None:
        """Raises `Flawed` when something could not be taken."""
        if self._flaws:
            raise Flawed(self._flaws)

    def _taken(self, name: str, given: str, default: T, read: Callable[[], T]) -> T:
        try:
            return read()
        except _Untaken as error:
            said = error.args
            self._flaws.append(wire.Flaw(said[0], ["query", name], said[1], given, *said[2:]))
            return default


class _Untaken(ValueError):
    """A parameter's flaw: type, message and (perhaps) context."""


def integer_of(given: str, least: int, most: int) -> int:
    """The number of a text such as `2`, `+2`, ` 2`, `2.0`, `1_000`."""
    found = _INTEGER.fullmatch(given)
    if found is None:
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise _Untaken("int_parsing", message)
    digits = found[1]
    # Python refuses to read thousands of digits; so many are beyond every bound anyway.
    if len(digits) > DIGITS_MAX:
        number = least - 1 if digits[0] == "-" else most + 1
    else:
        number = int(digits)
    if number > most:
        message = f"Input should be less than or equal to {most}"
        raise _Untaken("less_than_equal", message, {"le": most})
    if number < least:
        message = f"Input should be greater than or equal to {least}"
        raise _Untaken("greater_than_equal", message, {"ge": least})
    return number


def boolean_of(given: str) -> bool:
    """The truth value of a word."""
    found = _BOOLEANS.get(given.lower())
    if found is None:
        raise _Untaken("bool_parsing", "Input should be a valid boolean, unable to interpret input")
    return found


def ids_of(raw: bytes, content_type: str | None) -> list[str]:
    """The ids of a bulk call's body. Raises `Flawed`, `UnreadableBody`."""
    if not raw:
        raise _flawed("missing", [], "Field required", None)
    body = _json_of(raw) if _is_json(content_type) else _text_of(raw)
    if not isinstance(body, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise _flawed("model_attributes_type", [], message, body)
    given: Any = cast("dict[str, Any]", body).get("task_ids", [])
    if not isinstance(given, list):
        raise _flawed("list_type", ["task_ids"], "Input should be a valid list", given)
    ids = cast("list[Any]", given)
    flaws = [flaw for index, id_ in enumerate(ids) if (flaw := _flaw_of_id(index, id_))]
    if flaws:
        raise Flawed(flaws)
    return ids


def _flaw_of_id(index: int, given: Any) -> wire.Flaw | None:
    loc: list[str | int] = ["body", "task_ids", index]
    if not isinstance(given, str):
        return wire.Flaw("string_type", loc, "Input should be a valid string", given)
    if not is_storable(given.replace("\0", "")):
        message = "Input should be a valid string, unable to parse raw data as a unicode string"
        return wire.Flaw("string_unicode", loc, message, given.encode("utf-8", "replace").decode())
    return None


def _is_json(content_type: str | None) -> bool:
    if not content_type:
        return False
    header = Message()
    header["content-type"] = content_type
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )


def _json_of(raw: bytes) -> Any:
    try:
        # The standard library's reader, because its messages and places are the gateway's.
        return json.loads(raw)
    except json.JSONDecodeError as error:
        context = {"error": error.msg}
        raise _flawed("json_invalid", [error.pos], "JSON decode error", {}, context) from None
    except RecursionError:
        context = {"error": "nested too deeply"}
        raise _flawed("json_invalid", [0], "JSON decode error", {}, context) from None
    except ValueError:
        # Bytes that are no text, or a number of thousands of digits.
        raise UnreadableBody from None


def _text_of(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnreadableBody from None


def _flawed(
    kind: str,
    place: list[str | int],
    message: str,
    given: Any,
    context: dict[str, Any] | None = None,
) -> Flawed:
    extra = () if context is None else (context,)
    return Flawed([wire.Flaw(kind, ["body", *place], message, given, *extra)])
