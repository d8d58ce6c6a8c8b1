"""What operators, and the server itself, do to a task."""

from farwork.domain import commands as c
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
    TaskUnderHold,
)
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Adopted, CancelAsked, Cancelled, Inferred, Retried, Submitted
from farwork.domain.fold import refold
from farwork.domain.marks import command_mark
from farwork.domain.shard_fold import refold_shards
from farwork.domain.task import CHANGEABLE_FIELDS, IDENTITY_FIELDS, Task
from farwork.domain.timeline import attempts_of
from farwork.domain.values import CancelStanding, Instant, TaskState


def submit(
    task: Task | None, command: c.SubmitTask, now: Instant, known: Known
) -> Decision | Needs:
    """Let a created task go, or wait for its inputs; refused when it is no longer `created`."""
    task = present(task, command)
    if task.state is not TaskState.CREATED:
        raise TaskAlreadySubmitted(f"The task is {task.state}; only a created task is submitted.")
    fact = Submitted(now, command_mark(now, task.mark), blocked=task.inputs_pending > 0)
    return take(task, fact, EventType.TASK_SUBMITTED, known, command)


def cancel(
    task: Task | None, command: c.CancelTask, now: Instant, known: Known
) -> Decision | Needs:
    """End the task for good; refused when it has ended otherwise.

    Cancelling again changes nothing, but what the server alone had concluded becomes final. The
    worker that holds the task is asked to end it, and does so unless the command has `force`.
    """
    task = present(task, command)
    if task.state is TaskState.CANCELLED and task.is_settled:
        return Decision(task)
    if task.is_final and task.state is not TaskState.CANCELLED:
        raise TaskIsFinal(f"The task has {task.state}; only one that has not ended is cancelled.")
    if task.worker is not None and not command.force:
        return _ask_worker(task, command, now, known)
    fact = Cancelled(now, command_mark(now, task.mark), command.reason)
    return take(task, fact, EventType.TASK_CANCELLED, known, command)


def _ask_worker(task: Task, command: c.CancelTask, now: Instant, known: Known) -> Decision | Needs:
    if task.cancel is not None and task.cancel.is_open:
        return Decision(task)
    mark = command_mark(now, task.mark)
    fact = CancelAsked(now, mark, CancelStanding.REQUESTED, command.reason)
    return take(task, fact, EventType.TASK_CANCEL_REQUESTED, known, command)


def retry(task: Task | None, command: c.RetryTask, now: Instant, known: Known) -> Decision | Needs:
    """Begin another attempt; refused unless the task has ended.

    What was already said of that attempt counts; the shards that had not succeeded are tried again.
    """
    task = present(task, command)
    if not task.is_final:
        raise TaskNotFinal(f"The task is {task.state}; only a task that has ended is retried.")
    fact = Retried(now, command_mark(now, task.mark), blocked=task.inputs_pending > 0)
    return begin_attempt(task, fact, known, command, EventType.TASK_RETRIED)


def begin_attempt(
    task: Task, fact: Retried, known: Known, command: c.Command, event_type: EventType
) -> Decision | Needs:
    """Let another attempt begin; `fact` says when, and what it waits for."""
    if known.timeline is None:
        return Needs.TIMELINE
    if known.shards is None:
        return Needs.SHARDS
    now = fact.at
    log = [*known.timeline, fact]
    after = _next_attempt(task, now)
    after.has_result = any(report.results for report in attempts_of(log)[-1].reports)
    shards, after.shards = refold_shards(log, known.shards, now)
    refold(after, log)
    decision = decided(task, after, event_type, now, command)
    decision.events[0].fact = fact
    decision.shards = [s for s in shards.values() if s != known.shards.get(s.index)]
    decision.closed = [ClosedAttempt(task)]
    return decision


def _next_attempt(task: Task, now: Instant) -> Task:
    after = task.draft()
    after.attempt += 1
    after.attempts_max = max(after.attempts_max, after.attempt)
    # Whoever held the attempt before shows a number that is no longer the present one.
    after.lease_seq += task.lease_seq > 0
    after.attempt_opened_at = now
    return after


def adopt(
    task: Task | None, command: c.AdoptReport, now: Instant, known: Known
) -> Decision | Needs:
    """Make a late end the task's end; refused when there is none (of that event)."""
    task = present(task, command)
    if not known.late_report_loaded:
        return Needs.LATE_REPORT
    late = known.late_report
    state = None if late is None else late.report.state
    if late is None or state is None or not state.is_final:
        raise NothingToAdopt("The task has no late report of an end, or not under that event id.")
    report = late.report
    fact = Adopted(
        now,
        command_mark(now, task.mark),
        state=state,
        error=report.error,
        message=report.message,
        completed_at=report.occurred_at if report.completed_at is None else report.completed_at,
    )
    decision = take(task, fact, EventType.TASK_ADOPTED, known, command)
    if isinstance(decision, Decision) and decision.task is not None:
        decision.adopted = late
        decision.events[0].data["adopted_event_id"] = late.event_id
        decision.task.has_result = decision.task.has_result or bool(report.results)
    return decision


def archive(task: Task | None, command: c.ArchiveTask, now: Instant, _known: Known) -> Decision:
    """Put the task out of sight; one that is not where `archived` says counts as not there."""
    task = _where(task, command)
    if task.archived_at is not None:
        return Decision(task)
    return _shelve(task, now, EventType.TASK_ARCHIVED, now, command)


def restore(task: Task | None, command: c.RestoreTask, now: Instant, _known: Known) -> Decision:
    """Bring an archived task back; one that is not where `archived` says counts as not there."""
    task = _where(task, command)
    if task.archived_at is None:
        return Decision(task)
    return _shelve(task, None, EventType.TASK_RESTORED, now, command)


def _where(task: Task | None, command: c.ArchiveTask | c.RestoreTask | c.DeleteTask) -> Task:
    task = present(task, command)
    if command.archived is not None and command.archived is not (task.archived_at is not None):
        raise TaskNotFound.of(command.task_id)
    return task


def _shelve(
    task: Task,
    archived_at: Instant | None,
    event_type: EventType,
    now: Instant,
    command: c.Command,
) -> Decision:
    """Set `archived_at` and nothing else: a task put away and brought back is as it was."""
    after = task.draft()
    after.archived_at = archived_at
    after.restored_at = now if archived_at is None else None
    decision = decided(task, after, event_type, now, command)
    after.updated_at = task.updated_at
    return decision


def delete(
    task: Task | None, command: c.DeleteTask, now: Instant, known: Known
) -> Decision | Needs:
    """Remove the task for good; one that is not where `archived` says counts as not there.

    Refused while a legal hold is on it.
    """
    task = _where(task, command)
    if not known.hold_loaded:
        return Needs.HOLD
    why = task.legal_hold or known.hold
    if why is not None:
        raise TaskUnderHold.of(task.id, why)
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


def hold(task: Task | None, command: c.HoldTask, now: Instant, _known: Known) -> Decision:
    """Put the task under a legal hold."""
    task = present(task, command)
    return _held(task, command.reason, EventType.TASK_HOLD_PLACED, now, command)


def release(task: Task | None, command: c.ReleaseTask, now: Instant, _known: Known) -> Decision:
    """Lift the task's legal hold."""
    return _held(present(task, command), None, EventType.TASK_HOLD_LIFTED, now, command)


def _held(
    task: Task, why: str | None, event_type: EventType, now: Instant, command: c.Command
) -> Decision:
    """Set the hold and nothing else; how long ago the task was changed stays as it is."""
    if task.legal_hold == why:
        return Decision(task)
    after = task.draft()
    after.legal_hold = why
    decision = decided(task, after, event_type, now, command)
    after.updated_at = task.updated_at
    decision.events[0].reason = why
    return decision


def change(
    task: Task | None, command: c.ChangeTask, now: Instant, known: Known
) -> Decision | Needs:
    """Change what the task says of itself."""
    task = present(task, command)
    assert command.fields.keys() <= CHANGEABLE_FIELDS
    after = task.draft()
    for name, value in command.fields.items():
        setattr(after, name, value)
    after.pinned = after.pinned.union(command.fields.keys() & set(IDENTITY_FIELDS))
    if command.has_result is not None:
        after.has_result = command.has_result
    if after.items_total != task.items_total and task.shards is not None:
        if known.timeline is None:
            return Needs.TIMELINE
        refold(after, known.timeline)
    decision = decided(task, after, EventType.TASK_CHANGED, now, command)
    decision.events[0].data["changes"] = command.said()
    decision.change = command
    return decision


def expire(
    task: Task | None, command: c.ExpireTask, now: Instant, known: Known
) -> Decision | Needs:
    """Conclude an end, which is never a success; refused when the task has one."""
    task = present(task, command)
    assert command.state in (TaskState.FAILED, TaskState.CANCELLED)
    if task.is_final:
        raise TaskIsFinal(f"The task has {task.state}.")
    if command.not_after is not None and command.not_after < task.updated_at:
        return Decision(task)
    mark = command_mark(now, task.mark)
    fact = Inferred(now, mark, command.state, command.reason, command.error)
    return take(task, fact, EventType.TASK_EXPIRED, known, command)
