"""From any JSON to reports: a mapping says, field by field, where in a body a report's value is."""

from dataclasses import dataclass, field
from typing import Any, cast

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from farwork.protocol.reports import ReportIn
from farwork.protocol.sources import MappingIn, Picked

REPORTS_MAX = 1_000
FIELDS = frozenset(ReportIn.__struct_fields__)
Fault = tuple[str, str]


class _NotFound(Exception):
    """An expression cannot be worked out on a body; the text says why."""


@dataclass(slots=True)
class Mapped:
    """What a body becomes: report bodies as JSON, or why it does not become them."""

    reports: list[bytes] = field(default_factory=list[bytes])
    faults: list[Fault] = field(default_factory=list[Fault])


def faults_of(mapping: MappingIn) -> list[Fault]:
    """What is wrong with a mapping itself, each with the pointer to it."""
    found: list[Fault] = []
    for name, text in (("each", mapping.each), ("when", mapping.when)):
        found += [] if text is None else _fault_of(text, f"/{name}")
    for name, picked in mapping.report.items():
        if name not in FIELDS:
            found.append((f"/report/{name}", "is no field of a report"))
        found += _fault_of(_expression(picked), f"/report/{name}")
    if "task_id" not in mapping.report:
        found.append(("/report/task_id", "is missing; it must say which task a body is about"))
    return found


def _fault_of(text: str, pointer: str) -> list[Fault]:
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        return [(pointer, f"is not JMESPath: {str(error).splitlines()[0]}")]
    except RecursionError:
        return [(pointer, "is nested too deeply")]
    return []


def _expression(picked: str | Picked) -> str:
    return picked if isinstance(picked, str) else picked.at


def reports_in(mapping: MappingIn, body: Any) -> Mapped:
    """The reports in a body. None at all where `when` does not hold, or `each` finds nothing."""
    mapped = Mapped()
    try:
        parts = [body] if mapping.each is None else _found(mapping.each, body)
    except _NotFound as error:
        return Mapped(faults=[("/each", str(error))])
    if not isinstance(parts, list):
        parts = [] if parts is None else [parts]
    found = cast("list[Any]", parts)
    if len(found) > REPORTS_MAX:
        return Mapped(faults=[("/each", f"finds {len(found)} parts; {REPORTS_MAX} is the most")])
    for number, part in enumerate(found):
        _take(mapping, part, f"/reports/{number}", mapped)
    return mapped


def _take(mapping: MappingIn, part: Any, prefix: str, mapped: Mapped) -> None:
    values: dict[str, Any] = {}
    try:
        if mapping.when is not None and not _found(mapping.when, part):
            return
        for name, picked in mapping.report.items():
            value = _found(_expression(picked), part)
            if isinstance(picked, Picked):
                value = _translated(picked, value)
            if value is not None:
                values[name] = value
        task_id = values.get("task_id")
        if isinstance(task_id, int) and not isinstance(task_id, bool):
            # Many systems count; our ids are text.
            values["task_id"] = str(task_id)
        mapped.reports.append(_encoded(values))
    except _NotFound as error:
        mapped.faults.append((prefix, str(error)))


def _found(expression: str, body: Any) -> Any:
    """What an expression finds. Raises `_NotFound`."""
    try:
        return jmespath.search(expression, body)
    except JMESPathError as error:
        raise _NotFound(str(error)) from None
    except Exception as error:  # noqa: BLE001 - see below
        # The library lets through whatever Python says to a value that it did not expect, such as
        # the ceiling of infinity; a sender must not be able to make a mistake of ours of that.
        raise _NotFound(f"{expression!r} cannot be worked out: {error}") from None


def _encoded(values: Any) -> bytes:
    try:
        return msgspec.json.encode(values)
    except (TypeError, ValueError):
        # `&name` finds an expression, not a value.
        raise _NotFound("An expression finds what is no JSON value.") from None


def _translated(picked: Picked, value: Any) -> Any:
    """The value in our words: what stands in the table, else the fallback, else as it is."""
    key = value if isinstance(value, str) else _encoded(value).decode()
    if key in picked.values:
        return picked.values[key]
    return value if picked.otherwise is msgspec.UNSET else picked.otherwise
