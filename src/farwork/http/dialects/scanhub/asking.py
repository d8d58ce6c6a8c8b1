"""What a request asks: ids, query and body, read as the clients send them."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from farwork.http.dialects.scanhub import wire
from farwork.http.mistakes import mistakes
from farwork.protocol.depth import is_too_deep

T = TypeVar("T")
COUNT_DIGITS_MAX = 10
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True),
    **dict.fromkeys(("false", "0", "no", "off", "f", "n"), False),
}


class Flawed(Exception):
    """A request that cannot be taken; `flaws` are all that is wrong with it."""

    def __init__(self, flaws: list[wire.Flaw]) -> None:
        super().__init__(f"{len(flaws)} flaws")
        self.flaws = flaws


class Refused(Exception):
    """A request that is answered with a status and a text."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def uuid_of(text: str) -> str | None:
    """A UUID in lower case with dashes, however it was written; None: it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def id_in_path(text: str) -> str:
    """The id of an address. Raises `Refused`."""
    found = uuid_of(text)
    if found is None:
        raise Refused(400, f"{_shown(text)} is not a UUID.")
    return found


class Query:
    """The parameters of a query. Flaws are collected."""

    def __init__(self, query_string: bytes) -> None:
        given = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
        self._given = {name: values[-1] for name, values in given.items()}
        self._flaws: list[wire.Flaw] = []

    def has(self, name: str) -> bool:
        """Whether a parameter is given."""
        return name in self._given

    def uuid(self, name: str) -> str:
        """A UUID that must be given."""
        return self._taken(name, uuid_of, "uuid_parsing", "Input should be a valid UUID") or ""

    def boolean(self, name: str) -> bool:
        """A truth value that must be given."""
        message = "Input should be a valid boolean"
        found = self._taken(name, lambda text: _BOOLEANS.get(text.lower()), "bool_parsing", message)
        return bool(found)

    def text(self, name: str) -> str:
        """A text that must be given."""
        return self._taken(name, str, "string_type", "Input should be a valid string") or ""

    def count(self, name: str, least: int) -> int:
        """A whole number of at least `least`, which it is when it is not given."""
        if name not in self._given:
            return least
        message = f"Input should be a whole number of at least {least}"
        found = self._taken(name, lambda text: _count(text, least), "int_parsing", message)
        return least if found is None else found

    def finish(self) -> None:
        """Raises `Flawed` when something is missing or could not be taken."""
        if self._flaws:
            raise Flawed(self._flaws)

    def _taken(
        self, name: str, read: Callable[[str], T | None], kind: str, message: str
    ) -> T | None:
        given = self._given.get(name)
        if given is None:
            self._flaws.append(wire.Flaw("missing", ["query", name], "Field required"))
            return None
        found = read(given)
        if found is None:
            self._flaws.append(wire.Flaw(kind, ["query", name], message, _storable(given)))
        return found


def _count(text: str, least: int) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) < COUNT_DIGITS_MAX
    return int(text) if plain and int(text) >= least else None


def body_of(raw: bytes, kind: type[T]) -> T:
    """A body as a record, whatever its content type says. Raises `Flawed`."""
    return converted(json_of(raw), kind)


def task_of(raw: bytes) -> wire.AcquisitionIn | wire.DagIn:
    """A task's body; its `task_type` says which of the two it is. Raises `Flawed`."""
    value = json_of(raw)
    said = cast("dict[str, Any]", value).get("task_type") if isinstance(value, dict) else None
    if said == "DAG":
        return converted(value, wire.DagIn)
    return converted(value, wire.AcquisitionIn)


def json_of(raw: bytes) -> Any:
    """The value of a JSON text. Raises `Flawed`."""
    if not raw.strip():
        raise Flawed([wire.Flaw("missing", ["body"], "Field required")])
    if is_too_deep(raw):
        raise Flawed([wire.Flaw("json_invalid", ["body"], "The body is nested too deeply")])
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"JSON decode error: {error}"
        raise Flawed([wire.Flaw("json_invalid", ["body", 0], message)]) from None
    if b"\\u0000" in raw:
        # No database keeps a NUL; it can only come as an escape.
        raise Flawed([_flaw(pointer, said, value) for pointer, said in mistakes(value, Any)])
    return value


def converted(value: Any, kind: type[T]) -> T:
    """A decoded value as a record. Raises `Flawed` with everything that is wrong."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        found = mistakes(value, kind) or [("", str(error))]
        raise Flawed([_flaw(pointer, said, value) for pointer, said in found]) from None


def _flaw(pointer: str, said: str, value: Any) -> wire.Flaw:
    steps: list[str | int] = []
    here: Any = value
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list):
            steps.append(int(name))
            here = cast("list[Any]", here)[int(name)]
        else:
            steps.append(name)
            here = cast("dict[str, Any]", here).get(name) if isinstance(here, dict) else None
    kind = "missing" if said.startswith("is missing") else "value_error"
    return wire.Flaw(kind, ["body", *steps], said, here)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _shown(text: str) -> str:
    return repr(_storable(text)[:60])
