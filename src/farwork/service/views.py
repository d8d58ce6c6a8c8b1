"""What readers see of events, results, shards and attempts."""

from typing import Any

from msgspec import UNSET

from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Json, TaskState, moment
from farwork.protocol.events import EventOut, StateChange
from farwork.protocol.parts import AttemptOut, ResultOut, ShardOut
from farwork.protocol.shapes import error_out, when
from farwork.protocol.tasks import Progress
from farwork.storage.event_reader import EventRecord
from farwork.storage.part_reader import ResultRow
from farwork.storage.rows import fault_from


def event_out(event: EventRecord) -> EventOut:
    """An event."""
    change = None
    if event.before is not None or event.after is not None:
        change = StateChange(_state(event.before), _state(event.after))
    return EventOut(
        id=event.position,
        type=event.type,
        at=moment(event.at),
        task_id=event.task_id,
        job_id=event.job_id,
        kind=event.kind,
        queue=event.queue,
        attempt=event.attempt,
        state=change,
        version=event.version,
        actor=event.actor,
        source=event.source,
        verdict=event.verdict,
        reason=event.reason,
        report=event.report,
        data=event.data,
    )


def _state(word: str | None) -> TaskState | None:
    return None if word is None else TaskState(word)


def result_out(row: ResultRow) -> ResultOut:
    """A result."""
    return ResultOut(
        id=row.id,
        attempt=row.attempt,
        name=row.name,
        type=row.type,
        data=row.data,
        files=row.files,
        late=row.late,
        created_at=moment(row.created_at),
    )


def shard_out(shard: Shard, results: dict[int, Json] | None) -> ShardOut:
    """A shard; with its result if those are given."""
    shown = ShardOut(
        index=shard.index,
        state=shard.state,
        reason=shard.reason,
        external_ref=shard.external_ref,
        queue=shard.queue,
        item_count=shard.item_count,
        item_offset=shard.item_offset,
        error=error_out(shard.error),
        has_result=shard.has_result,
        created_at=moment(shard.created_at),
        updated_at=moment(shard.updated_at),
    )
    if results is not None:
        shown.result = results.get(shard.index, UNSET)
    return shown


def past_attempt(row: dict[str, Any], worker: str | None) -> AttemptOut:
    """An attempt that is over."""
    return AttemptOut(
        number=row["number"],
        current=False,
        state=TaskState(row["state"]),
        reason=row["reason"],
        progress=Progress(row["percent"], row["message"]),
        error=error_out(fault_from(row["error"])),
        queued_at=when(row["queued_at"]),
        started_at=when(row["started_at"]),
        completed_at=when(row["completed_at"]),
        worker=worker,
    )


def present_attempt(task: Task, worker: str | None) -> AttemptOut:
    """The attempt that a task is at."""
    return AttemptOut(
        number=task.attempt,
        current=True,
        state=task.state,
        reason=task.reason,
        progress=Progress(task.percent, task.message),
        error=error_out(task.error),
        queued_at=when(task.queued_at),
        started_at=when(task.started_at),
        completed_at=when(task.completed_at),
        worker=worker,
    )
