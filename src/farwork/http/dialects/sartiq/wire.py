"""Sartiq's words: the event that its senders post, and what it hears back."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from farwork.domain import ids

TEXT_LENGTH_MAX = 255
EVENT_TYPE_LENGTH_MAX = 100

Text = Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)]
EventType = Annotated[str, Meta(min_length=1, max_length=EVENT_TYPE_LENGTH_MAX)]
TaskId = Annotated[str, Meta(min_length=1, max_length=ids.LENGTH_MAX, pattern=ids.PATTERN)]
Progress = Annotated[float, Meta(ge=0.0, le=100.0)]


class TaskStatusEvent(Struct, kw_only=True):
    """Event for generic task status updates."""

    event_type: EventType
    task_id: TaskId
    status: Text | None
    entity_id: Text | None = None
    origin_instance: Text | None = None
    origin_zone: Text | None = None
    origin_version: Text | None = None
    timestamp: datetime | None = None
    metadata: dict[str, Any] | None = None
    progress: Progress
    error_message: str | None = None
    error_category: Text | None = None
    completed_at: datetime | None = None
    started_at: datetime | None = None
    task_type: Text
    additional_properties: dict[str, Any] = {}


class ValidationError(Struct, omit_defaults=True):
    """One thing that is wrong with a body: where, in words, and what was sent there."""

    loc: list[str | int]
    msg: str
    type: str
    input: Any
    ctx: dict[str, Any] = {}


class HTTPValidationError(Struct):
    """Everything that is wrong with a body."""

    detail: list[ValidationError]


class Refusal(Struct):
    """Why a request was not carried out, for any other reason."""

    detail: str


class TaskStatusVerdict(Struct):
    """What became of an event."""

    task_id: str
    verdict: str
    event_id: int | None
