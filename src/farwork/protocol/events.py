"""Events on the wire: what happened, in the order in which every reader sees it."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from farwork.domain.values import TaskState


class StateChange(Struct, rename={"before": "from", "after": "to"}):
    """The state before and after; null: there was no task, or there is none any more."""

    before: TaskState | None
    after: TaskState | None


class EventOut(Struct, kw_only=True):
    """One event. `id` is its position in the change feed.

    `report` is what was reported, without results; `data` what else there is to say.
    """

    id: int
    type: Annotated[str, Meta(examples=["task.reported"])]
    at: datetime
    task_id: str | None
    job_id: str | None
    kind: str | None
    queue: str | None
    attempt: int | None
    state: StateChange | None
    version: int | None
    actor: str | None
    source: str | None
    verdict: str | None
    reason: str | None
    report: dict[str, Any] | None
    data: dict[str, Any] | None


class EventPage(Struct):
    """Events, and where to go on: `after` of the next request. No item: none yet."""

    items: list[EventOut]
    next_after: int
