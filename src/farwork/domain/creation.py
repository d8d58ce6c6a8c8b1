"""How a task comes into being: by creation or by import."""

from collections.abc import Sequence
from dataclasses import replace

from farwork.domain import commands as c
from farwork.domain.decision import ClosedAttempt, Decision, Known, Needs, ResultRecord
from farwork.domain.errors import TaskExists, TaskUnderHold
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Opened
from farwork.domain.fold import settle_by_shards
from farwork.domain.marks import command_mark, rank
from farwork.domain.policy import NOT_BEFORE
from farwork.domain.shards import Shard, ShardTally, is_told, were_told
from farwork.domain.task import Task
from farwork.domain.values import Instant, SettledBy, TaskState


def create(task: Task | None, command: c.CreateTask, now: Instant, _known: Known) -> Decision:
    """Create a task; refused if there is one with its id."""
    if task is not None:
        raise TaskExists(f"A task {command.task_id!r} exists in this project.")
    new = command.task.draft()
    if command.submit:
        new.state = TaskState.BLOCKED if new.inputs_pending else TaskState.QUEUED
        new.queued_at = now
        if new.state is TaskState.QUEUED and new.not_before is not None:
            new.reason = NOT_BEFORE
    decision = _opened(new, command.shards, EventType.TASK_CREATED, now, command)
    decision.details = command.details
    return decision


def import_task(
    task: Task | None, command: c.ImportTask, now: Instant, known: Known
) -> Decision | Needs:
    """Take over a whole task as it stands; it sums up all that happened until it was updated.

    Refused in place of one that is under a legal hold.
    """
    if task is not None:
        if not known.hold_loaded:
            return Needs.HOLD
        why = task.legal_hold or known.hold
        if why is not None:
            raise TaskUnderHold.of(task.id, why)
    new = command.task.draft()
    new.updated_at = min(new.updated_at, now)
    new.mark = command_mark(new.updated_at)
    new.attempt_opened_at = None
    new.has_result = any(_is_own(kept, new) for kept in command.results)
    if new.state is TaskState.BLOCKED and not new.inputs_pending:
        # Its inputs have ended as it needs them: nothing would tell it so again.
        new.state = TaskState.QUEUED
        new.queued_at = now if new.queued_at is None else new.queued_at
    new.completed_at = (new.completed_at or new.updated_at) if new.is_final else None
    if new.is_final:
        new.settled_by = SettledBy.REPORT
    if new.state is TaskState.SUCCEEDED:
        new.percent = 100.0
    if task is not None:
        new.pk = task.pk
        new.version = task.version + 1
        new.lease_seq = task.lease_seq + 1
    begun = new.state not in (TaskState.CREATED, TaskState.BLOCKED, TaskState.QUEUED)
    shards = [
        _imported_shard(shard, now) if begun or is_told(shard) else shard
        for shard in command.shards
    ]
    decision = _opened(new, shards, EventType.TASK_IMPORTED, now, command)
    decision.events[0].before = task.state if task else None
    decision.details = command.details
    decision.replaces = task is not None
    decision.closed = [ClosedAttempt(attempt) for attempt in command.attempts]
    decision.results = [_imported_result(kept, new) for kept in command.results]
    decision.shard_results = {
        shard.index: (command.shard_results[shard.index], shard.rank)
        for shard in shards
        if shard.index in command.shard_results
    }
    return decision


def _is_own(kept: c.KeptResult, task: Task) -> bool:
    return not kept.late and kept.attempt in (None, task.attempt)


def _imported_result(kept: c.KeptResult, task: Task) -> ResultRecord:
    """The result of an imported task; late ones are told apart by when they came and their id."""
    attempt = task.attempt if kept.attempt is None else kept.attempt
    at = task.updated_at if kept.created_at is None else kept.created_at
    mark = f"{command_mark(at)}{kept.id or ''}" if kept.late else task.mark
    final = kept.late or attempt < task.attempt or task.is_final
    standing = rank(mark, final=final)
    return ResultRecord(attempt, standing, kept.late, kept.result, kept.id, kept.created_at)


def _imported_shard(shard: Shard, now: Instant) -> Shard:
    updated_at = min(shard.updated_at, now)
    return replace(shard, updated_at=updated_at, mark=command_mark(updated_at))


def opening_of(task: Task, now: Instant, shards: Sequence[Shard] = ()) -> Opened:
    """The opening of a task that begins as `task` and its `shards` stand."""
    return Opened(
        state=task.state,
        at=now,
        mark=task.mark,
        attempt=task.attempt,
        kind=task.kind,
        name=task.name,
        queue=task.queue,
        labels=task.labels,
        external_ref=task.external_ref,
        job_id=task.job_id,
        origin=task.origin,
        reason=task.reason,
        reported_status=task.reported_status,
        percent=task.percent,
        message=task.message,
        error=task.error,
        queued_at=task.queued_at,
        started_at=task.started_at,
        completed_at=task.completed_at,
        settled_by=task.settled_by,
        not_before=task.not_before,
        shards=list(shards),
    )


def _opened(
    new: Task, shards: Sequence[Shard], event_type: EventType, now: Instant, command: c.Command
) -> Decision:
    opening = opening_of(new, now, shards)
    if shards:
        by_index = {shard.index: shard for shard in shards}
        new.shards = ShardTally.of(by_index, told=were_told(shards))
        settle_by_shards(new)
    event = Event(
        type=event_type,
        at=now,
        attempt=new.attempt,
        after=new.state,
        version=new.version,
        actor=command.actor,
        reason=new.reason,
        fact=opening,
    )
    return Decision(new, [event], shards=shards, inputs=new.inputs)
