"""Which tasks are meant: from the words of a request to a filter of the storage."""

from datetime import datetime
from typing import Protocol

from farwork.domain.values import Instant, TaskState, instant
from farwork.storage.task_reader import Range, TaskFilter

SHELVES = {"false": False, "true": True, "any": None}


class Said(Protocol):
    """What a request may say of the tasks that it means."""

    state: list[TaskState]
    reason: list[str]
    kind: list[str]
    queue: list[str]
    label: list[str]
    creator: str | None
    external_ref: str | None
    created_after: datetime | None
    created_before: datetime | None
    updated_after: datetime | None
    updated_before: datetime | None
    completed_after: datetime | None
    completed_before: datetime | None


def filter_of(said: Said, *, job_id: str | None, archived: bool | None) -> TaskFilter:
    """The filter that means what was said."""
    return TaskFilter(
        states=tuple(dict.fromkeys(state.value for state in said.state)),
        reasons=said.reason,
        kinds=said.kind,
        queues=said.queue,
        job_id=job_id,
        labels=dict(_pair(one) for one in said.label),
        creator=said.creator,
        external_ref=said.external_ref,
        created=_range(said.created_after, said.created_before),
        updated=_range(said.updated_after, said.updated_before),
        completed=_range(said.completed_after, said.completed_before),
        archived=archived,
    )


def _pair(label: str) -> tuple[str, str]:
    key, _, value = label.partition("=")
    return key, value


def _range(after: datetime | None, before: datetime | None) -> Range:
    return Range(_instant(after), _instant(before))


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else instant(moment)
