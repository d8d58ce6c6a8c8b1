"""What operators, and the server itself, do to a task."""

from collections.abc import Mapping
from copy import copy

from farwork.domain import commands as c
from farwork.domain.creation import opening_of
from farwork.domain.decision import (
    ClosedAttempt,
    Decision,
    Known,
    Needs,
    decided,
    present,
    take,
)
from farwork.domain.errors import (
    NothingToAdopt,
    TaskAlreadySubmitted,
    TaskIsFinal,
    TaskNotFinal,
    TaskNotFound,
)
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Adopted, Cancelled, Fact, Inferred, Submitted, Unblocked
from farwork.domain.fold import settle_by_shards
from farwork.domain.marks import command_mark
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import (
    FINAL_STATES,
    Fault,
    Instant,
    OnInputFailure,
    SettledBy,
    TaskState,
)



def submit(
    task: Task | None, command: c.SubmitTask, now: Instant, known: Known
) -> Decision | Needs:
    task = present(task, command)
    if task.state is not TaskState.CREATED:
        raise TaskAlreadySubmitted(f"The task is {task.state}; only a created task is submitted.")
    fact = Submitted(now, command_mark(now), blocked=task.inputs_pending > 0)
    return take(task, fact, EventType.TASK_SUBMITTED, now, known, command.actor)


def cancel(
    task: Task | None, command: c.CancelTask, now: Instant, known: Known
) -> Decision | Needs:
    task = present(task, command)
    if task.state is TaskState.CANCELLED:
        return Decision(task)
    if task.is_final:
        raise TaskIsFinal(f"The task has {task.state}; only a task that has not ended is cancelled.")
    fact = Cancelled(now, command_mark(now), command.reason)
    return take(task, fact, EventType.TASK_CANCELLED, now, known, command.actor)


def retry(
    task: Task | None, command: c.RetryTask, now: Instant, known: Known
) -> Decision | Needs:
    task = present(task, command)
    if not task.is_final:
        raise TaskNotFinal(f"The task is {task.state}; only a task that has ended is retried.")
    if task.shards and known.shards is None:
        return Needs.SHARDS
    after = task.draft()
    after.attempt += 1
    after.attempts_max = max(after.attempts_max, after.attempt)
    after.attempt_opened_at = now
    after.state = TaskState.BLOCKED if after.inputs_pending else TaskState.QUEUED
    after.reason = after.reported_status = after.message = after.error = None
    after.percent = 0.0
    after.queued_at = now
    after.started_at = after.completed_at = None
    after.settled_by = SettledBy.NOBODY
    after.mark = ""
    after.has_result = False
    reopened = _reopen_shards(after, known.shards or {}, now)
    opening = opening_of(after, now)
    settle_by_shards(after)
    decision = decided(
        task, after, EventType.TASK_RETRIED, now, actor=command.actor, fact=opening
    )
    decision.shards = reopened
    decision.closed = ClosedAttempt(task)
    return decision


def _reopen_shards(task: Task, shards: Mapping[int, Shard], now: Instant) -> list[Shard]:
    """Put the shards that ended without success back into the queue; what was said of them before counts no more."""
    reopened: list[Shard] = []
    if task.shards is None:
        return reopened
    for shard in shards.values():
        if shard.state in (TaskState.FAILED, TaskState.CANCELLED):
            fresh = copy(shard)
            fresh.state, fresh.reason, fresh.error = TaskState.QUEUED, None, None
            fresh.mark = fresh.reopened = command_mark(now)
            fresh.updated_at = now
            task.shards = task.shards.moved(shard, fresh)
            reopened.append(fresh)
    task.shards.started_at = task.shards.ended_at = task.shards.error = None
    return reopened


def adopt(
    task: Task | None, command: c.AdoptReport, now: Instant, known: Known
) -> Decision | Needs:
    task = present(task, command)
    if not known.late_report_loaded:
        return Needs.LATE_REPORT
    late = known.late_report
    if late is None or late.report.state not in FINAL_STATES:
        raise NothingToAdopt("The task has no late report of an end, or not under that event id.")
    report = late.report
    fact = Adopted(
        now,
        command_mark(now),
        state=report.state,
        error=report.error,
        message=report.message,
        completed_at=report.completed_at or report.occurred_at,
    )
    decision = take(task, fact, EventType.TASK_ADOPTED, now, known, command.actor)
    if isinstance(decision, Decision):
        decision.adopted = late
        decision.events[0].data["adopted_event_id"] = late.event_id
        if report.results and decision.task is not None:
            decision.task.has_result = True
    return decision


def archive(task: Task | None, command: c.ArchiveTask, now: Instant, _known: Known) -> Decision:
    task = present(task, command)
    if task.archived_at is not None:
        return Decision(task)
    after = task.draft()
    after.archived_at = now
    return decided(task, after, EventType.TASK_ARCHIVED, now, actor=command.actor)


def restore(task: Task | None, command: c.RestoreTask, now: Instant, _known: Known) -> Decision:
    task = present(task, command)
    if task.archived_at is None:
        return Decision(task)
    after = task.draft()
    after.archived_at = None
    return decided(task, after, EventType.TASK_RESTORED, now, actor=command.actor)


def delete(task: Task | None, command: c.DeleteTask, now: Instant, _known: Known) -> Decision:
    task = present(task, command)
    if command.archived is not None and command.archived is not (task.archived_at is not None):
        raise TaskNotFound.of(command.task_id)
    event = Event(
        type=EventType.TASK_DELETED,
        at=now,
        attempt=task.attempt,
        before=task.state,
        version=task.version + 1,
        actor=command.actor,
        data={"kind": task.kind, "queue": task.queue, "job_id": task.job_id},
    )
    return Decision(None, [event])


def change(task: Task | None, command: c.ChangeTask, now: Instant, _known: Known) -> Decision:
    task = present(task, command)
    after = task.draft()
    for name, value in command.fields.items():
        setattr(after, name, value)
    after.pinned = after.pinned | command.fields.keys()
    said = dict(command.fields)
    said |= {
        name: value
        for name in ("params", "metadata", "extensions")
        if (value := getattr(command, name)) is not None
    }
    decision = decided(
        task, after, EventType.TASK_CHANGED, now, actor=command.actor, data={"changes": said}
    )
    decision.change = command
    return decision


def expire(
    task: Task | None, command: c.ExpireTask, now: Instant, known: Known
) -> Decision | Needs:
    task = present(task, command)
    if task.is_final:
        raise TaskIsFinal(f"The task has {task.state}.")
    fact = Inferred(now, command_mark(now), command.state, command.reason, command.error)
    return take(task, fact, EventType.TASK_EXPIRED, now, known, command.actor)


def input_ended(
    task: Task | None, command: c.InputEnded, now: Instant, known: Known
) -> Decision | Needs:
    task = present(task, command)
    after = task.draft()
    after.inputs_pending += 1 if command.reopened else -1
    if command.reopened or task.state is not TaskState.BLOCKED:
        return Decision(after)
    if not command.succeeded and task.on_input_failure is not OnInputFailure.RUN:
        if task.on_input_failure is OnInputFailure.HOLD:
            after.reason = "upstream"
            return decided(task, after, EventType.TASK_CHANGED, now, actor=None)
        error = f"input {command.input_id!r} did not succeed"
        fact: Fact = Inferred(
            now, command_mark(now), TaskState.CANCELLED, "upstream", Fault("upstream", error)
        )
        return take(after, fact, EventType.TASK_EXPIRED, now, known, None)
    if after.inputs_pending > 0 or task.reason == "upstream":
        return Decision(after)
    fact = Unblocked(now, command_mark(now))
    return take(after, fact, EventType.TASK_UNBLOCKED, now, known, None)
