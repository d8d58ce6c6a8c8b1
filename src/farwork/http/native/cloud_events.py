"""CloudEvents 1.0 as reports: structured, in batches, or binary with `ce-` headers.

The event's data is the report. What the event itself says stands in for what the report leaves out:
its id is the delivery id, its source the source, its time when it happened, its subject the task.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

import msgspec

from farwork.http import body
from farwork.http.mistakes import Mistake
from farwork.protocol.depth import is_too_deep

STRUCTURED = "application/cloudevents"
VERSION = "1.0"
_FIELDS = (("id", "delivery_id"), ("source", "source"), ("time", "occurred_at"))
_REQUIRED = ("id", "source", "type", "specversion")


def is_cloud_event(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers holds a CloudEvent, or several."""
    kind = headers.get("content-type", "")
    return kind.startswith(STRUCTURED) or "ce-specversion" in headers


def reports_of(headers: Mapping[str, str], raw: bytes) -> bytes:
    """The JSON of the report in a CloudEvent, or of the reports in a batch.

    Raises `InvalidBody` with everything that is wrong with the events.
    """
    if is_too_deep(raw):
        raise body.too_deep(raw)
    try:
        said: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise body.not_json(str(error)) from None
    kind = headers.get("content-type", "")
    problems: list[Mistake] = []
    if kind.startswith("application/cloudevents-batch"):
        events = cast("list[Any]", said) if isinstance(said, list) else [said]
        found: Any = [_report(one, f"/{place}", problems) for place, one in enumerate(events)]
    elif kind.startswith(STRUCTURED):
        found = _report(said, "", problems)
    else:
        found = _report(_attributes(headers, problems) | {"data": said}, "header:ce-", problems)
    if problems:
        raise body.invalid(problems)
    return msgspec.json.encode(found)


def _attributes(headers: Mapping[str, str], problems: list[Mistake]) -> dict[str, Any]:
    """The attributes in `ce-` headers, where what is not printable ASCII is percent-encoded.

    CloudEvents' HTTP protocol binding 1.0.2, 3.1.3.2.
    """
    found: dict[str, Any] = {}
    for header, value in headers.items():
        if header.startswith("ce-"):
            try:
                found[header.removeprefix("ce-")] = unquote(value, errors="strict")
            except UnicodeDecodeError:
                problems.append((f"header:{header}", "must be percent-encoded UTF-8"))
    return found


def _unpacked(event: dict[str, Any], problems: list[Mistake], prefix: str) -> Any:
    """The data of a structured event; some senders give it as base64."""
    text = event.get("data_base64")
    if text is None or "data" in event:
        return event.get("data")
    try:
        raw = b64decode(text, validate=True)
        if is_too_deep(raw):
            raise body.too_deep(raw)
        return msgspec.json.decode(raw)
    except (binascii.Error, TypeError, ValueError):
        problems.append((f"{prefix}/data_base64", "must be the base64 of a report in JSON"))
        return {}


def _report(event: Any, prefix: str, problems: list[Mistake]) -> dict[str, Any]:
    if not isinstance(event, dict):
        problems.append((prefix, "must be a CloudEvent, an object"))
        return {}
    said = cast("dict[str, Any]", event)
    at = prefix if prefix.startswith("header:") else f"{prefix}/"
    problems += [(f"{at}{name}", "is missing") for name in _REQUIRED if not said.get(name)]
    if said.get("specversion") not in (None, "", VERSION):
        problems.append((f"{at}specversion", f"must be {VERSION!r}"))
    data = said.get("data") if at == prefix else _unpacked(said, problems, prefix)
    if not isinstance(data, dict):
        problems.append((f"{prefix}/data" if at != prefix else "", "must be a report, an object"))
        return {}
    report = dict(cast("dict[str, Any]", data))
    for attribute, name in _FIELDS:
        if said.get(attribute) is not None:
            report.setdefault(name, said[attribute])
    if said.get("subject"):
        report.setdefault("task_id", said["subject"])
    return report
