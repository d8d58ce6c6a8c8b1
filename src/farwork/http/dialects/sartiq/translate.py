"""Between Sartiq's words and ours; pure. Their names stop here."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from farwork.domain.values import TaskState, Verdict
from farwork.http.dialects.sartiq.wire import (
    TEXT_LENGTH_MAX,
    TaskStatusEvent,
    TaskStatusVerdict,
)
from farwork.protocol.reports import ErrorIn, OriginIn, ReportIn

# Our record bounds an error's message; a longer one is kept whole beside it.
MESSAGE_LENGTH_MAX = 10_000
DIGEST_BYTES = 16

_STATES = {
    TaskState.QUEUED: "pending queued enqueued created submitted waiting scheduled new accepted",
    TaskState.RUNNING: (
        "running started inprogress processing training executing active uploading initializing "
        "resumed"
    ),
    TaskState.SUCCEEDED: "success succeeded completed complete done finished ok",
    TaskState.FAILED: "failed failure error errored crashed timeout timedout rejected expired",
    TaskState.CANCELLED: "cancelled canceled aborted stopped killed revoked",
}
WORDS = {word: state for state, words in _STATES.items() for word in words.split()}
TIMEOUT_WORDS = frozenset({"timeout", "timedout", "expired"})
_IGNORED = str.maketrans("", "", "-_ ")


def word_of(status: str) -> str:
    """A status as the table has it: in lower case, without hyphens, underscores and spaces."""
    return status.translate(_IGNORED).casefold()


def report_from(
    event: TaskStatusEvent, unknown: dict[str, Any], delivery_id: str | None
) -> ReportIn:
    """The report that an event makes; `unknown` is what it says under keys that are not its own."""
    word = None if event.status is None else word_of(event.status)
    state = None if word is None else WORDS.get(word)
    note = None
    if word is not None and state is None:
        note = f"the status {event.status!r} is not known here; the state stays as it was"
    source = source_of(event)
    return ReportIn(
        task_id=event.task_id,
        source=source,
        delivery_id=None if delivery_id is None else fitting(delivery_id),
        occurred_at=in_utc(event.timestamp),
        state=state,
        reason="timeout" if word in TIMEOUT_WORDS else None,
        reported_status=event.status,
        progress=event.progress,
        error=_error(event),
        metadata=event.metadata or None,
        started_at=in_utc(event.started_at),
        completed_at=in_utc(event.completed_at),
        kind=event.task_type or None,
        queue=event.origin_zone or None,
        labels={"entity_id": event.entity_id} if event.entity_id else None,
        origin=_origin(event, source),
        note=note,
        extra=_extra(event, unknown),
    )


def verdict_from(task_id: str, verdict: Verdict | None, event_id: int | None) -> TaskStatusVerdict:
    """What the sender hears. Every report has a verdict; other commands have none."""
    assert verdict is not None
    return TaskStatusVerdict(task_id, verdict.value, event_id)


def source_of(event: TaskStatusEvent) -> str | None:
    """Who speaks: `zone/instance`, or the one of them that is given."""
    return fitting("/".join(filter(None, (event.origin_zone, event.origin_instance)))) or None


def fitting(text: str) -> str:
    """The text or, where it is longer than we keep, its beginning with a hash of the whole."""
    if len(text) <= TEXT_LENGTH_MAX:
        return text
    digest = blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{text[: TEXT_LENGTH_MAX - len(digest) - 1]}~{digest}"


def in_utc(at: datetime | None) -> datetime | None:
    """The same moment in UTC; one without a zone is UTC."""
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _origin(event: TaskStatusEvent, source: str | None) -> OriginIn | None:
    said = (event.origin_instance or None, event.origin_zone or None, event.origin_version or None)
    return OriginIn(source, *said) if any(said) else None


def _error(event: TaskStatusEvent) -> ErrorIn | None:
    if event.error_category is None and event.error_message is None:
        return None
    message = event.error_message
    return ErrorIn(event.error_category, None if message is None else message[:MESSAGE_LENGTH_MAX])


def _extra(event: TaskStatusEvent, unknown: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {"event_type": event.event_type}
    if event.additional_properties:
        extra["additional_properties"] = event.additional_properties
    if event.error_message is not None and len(event.error_message) > MESSAGE_LENGTH_MAX:
        extra["error_message"] = event.error_message
    return extra | unknown
