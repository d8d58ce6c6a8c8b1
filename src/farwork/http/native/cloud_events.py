"""CloudEvents 1.0 as reports: structured, in batches, or binary with `ce-` headers.

The event's data is the report. What the event itself says stands in for what the report leaves out:
its id is the delivery id, its source the source, its time when it happened, its subject the task.
"""

from collections.abc import Mapping
from typing import Any, cast

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
        names = [name for name in headers if name.startswith("ce-")]
        attributes = {name.removeprefix("ce-"): headers[name] for name in names}
        found = _report(attributes | {"data": said}, "header:ce-", problems)
    if problems:
        raise body.invalid(problems)
    return msgspec.json.encode(found)


def _report(event: Any, prefix: str, problems: list[Mistake]) -> dict[str, Any]:
    if not isinstance(event, dict):
        problems.append((prefix, "must be a CloudEvent, an object"))
        return {}
    said = cast("dict[str, Any]", event)
    at = prefix if prefix.startswith("header:") else f"{prefix}/"
    problems += [(f"{at}{name}", "is missing") for name in _REQUIRED if not said.get(name)]
    if said.get("specversion") not in (None, "", VERSION):
        problems.append((f"{at}specversion", f"must be {VERSION!r}"))
    data = said.get("data")
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
