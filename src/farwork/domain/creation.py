"""How a task comes into being: by creation or by import."""

from collections.abc import Sequence

from farwork.domain import commands as c
from farwork.domain.decision import Decision, Known, ResultRecord
from farwork.domain.errors import TaskExists
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Opened
from farwork.domain.fold import settle_by_shards
from farwork.domain.marks import command_mark
from farwork.domain.shards import Shard, ShardTally
from farwork.domain.task import Task
from farwork.domain.values import Instant, SettledBy, TaskState



def create(task: Task | None, command: c.CreateTask, now: Instant, _known: Known) -> Decision:
    if task is not None:
        raise TaskExists(f"A task {command.task_id!r} exists in this project.")
    new = command.task.draft()
    if command.submit:
        new.state = TaskState.BLOCKED if new.inputs_pending else TaskState.QUEUED
        new.queued_at = now
    if command.shards:
        new.shards = _tally(command.shards)
    opening = opening_of(new, now)
    settle_by_shards(new)
    event = Event(
        type=EventType.TASK_CREATED,
        at=now,
        after=new.state,
        version=new.version,
        actor=command.actor,
        fact=opening,
    )
    return Decision(
        new, [event], details=command.details, shards=command.shards, inputs=new.inputs
    )


def import_task(task: Task | None, command: c.ImportTask, now: Instant, _known: Known) -> Decision:
    new = command.task.draft()
    if task is not None:
        new.pk = task.pk
        new.version = task.version + 1
    if command.shards:
        new.shards = _tally(command.shards)
    new.mark = command_mark(new.updated_at)
    new.has_result = bool(command.results)
    if new.is_final:
        new.settled_by = SettledBy.REPORT
    event = Event(
        type=EventType.TASK_IMPORTED,
        at=now,
        attempt=new.attempt,
        before=task.state if task else None,
        after=new.state,
        version=new.version,
        actor=command.actor,
        fact=opening_of(new, now),
    )
    rank = f"{int(new.is_final)}{new.mark}"
    return Decision(
        new,
        [event],
        details=command.details,
        results=[ResultRecord(new.attempt, rank, late=False, result=r) for r in command.results],
        shards=command.shards,
        shard_results={i: (data, new.mark) for i, data in command.shard_results.items()},
        replaces=task is not None,
        inputs=new.inputs,
    )


def opening_of(task: Task, now: Instant) -> Opened:
    """The opening of an attempt that begins as `task` stands."""
    return Opened(
        state=task.state,
        at=now,
        mark=task.mark,
        kind=task.kind,
        name=task.name,
        queue=task.queue,
        labels=task.labels,
        external_ref=task.external_ref,
        reason=task.reason,
        reported_status=task.reported_status,
        percent=task.percent,
        message=task.message,
        error=task.error,
        queued_at=task.queued_at,
        started_at=task.started_at,
        completed_at=task.completed_at,
        settled_by=task.settled_by,
    )


def _tally(shards: Sequence[Shard]) -> ShardTally:
    tally = ShardTally()
    for shard in shards:
        tally = tally.moved(None, shard)
    return tally
