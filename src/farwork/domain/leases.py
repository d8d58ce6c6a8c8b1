"""What becomes of a task under a lease: claims, signs of life, ends, silence, and limits.

A lease is a hold on one attempt. Its number only grows: by each claim, and by each new attempt, so
that whoever held an attempt that is over shows a number that is not the present one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from farwork.domain import commands as c
from farwork.domain.decision import Decision, Known, LateReport, LeaseTerm, Needs, present, take
from farwork.domain.errors import LeaseSuperseded, ShardsIncomplete, TaskNotReady
from farwork.domain.events import Event, EventType
from farwork.domain.facts import (
    Adopted,
    CancelAsked,
    Claimed,
    CommandFact,
    Due,
    Found,
    Inferred,
    Lost,
    Retried,
)
from farwork.domain.marks import command_mark
from farwork.domain.operators import begin_attempt
from farwork.domain.policy import (
    BACKOFF,
    HANDED_BACK,
    LOST,
    ORPHANED,
    SECOND,
    Limit,
    backoff,
    deadline_of,
    policy_of,
)
from farwork.domain.reporting import take_report
from farwork.domain.shards import aggregate
from farwork.domain.task import Task
from farwork.domain.values import (
    CancelStanding,
    Fault,
    Instant,
    LatePolicy,
    SettledBy,
    TaskState,
    Verdict,
)


def claim(task: Task | None, command: c.ClaimTask, now: Instant, known: Known) -> Decision | Needs:
    """Let a worker hold the task; refused unless it is ready."""
    task = present(task, command)
    if not task.is_ready:
        raise TaskNotReady(f"The task {task.id!r} is {task.state}, held, or not due.")
    seq = task.lease_seq + 1
    fact = Claimed(now, command_mark(now, task.mark), command.worker, seq)
    decision = take(task, fact, EventType.TASK_CLAIMED, known, command)
    assert isinstance(decision, Decision)
    assert decision.task is not None
    decision.task.lease_seq = seq
    decision.task.lease_ends_at = now + command.lease_us
    decision.lease = LeaseTerm(seq, command.worker, now + command.lease_us)
    return decision


def report(
    task: Task | None, command: c.LeaseReport, now: Instant, known: Known
) -> Decision | Needs:
    """Take what the holder of a lease reports.

    A retryable failure leads to another attempt while there is one left. An end from a lease that
    is over is kept as a late one, as the task's policy says; anything else from it is refused.
    """
    task = present(task, command)
    said = command.report
    if known.seen:
        return take_report(task, command, now, known)
    if command.lease_seq != task.lease_seq or said.attempt != task.attempt:
        return _late(task, command, now, known)
    if not said.ends and not _holds(task, command.lease_seq):
        raise LeaseSuperseded.of(task.id, command.lease_seq, task.lease_seq)
    if said.state is TaskState.SUCCEEDED and _holds(task, command.lease_seq):
        _refuse_if_short(task)
    decision = take_report(task, command, now, known)
    if not isinstance(decision, Decision):
        return decision
    if _is_tried_again(task, decision, command):
        return _with_another_attempt(task, decision, now, known, command)
    after = decision.task
    assert after is not None
    if after.worker is not None and command.lease_us:
        decision.lease = LeaseTerm(after.lease_seq, after.worker, now + command.lease_us)
    return decision


def _is_short(task: Task) -> bool:
    """Whether the task has shards, and they do not make a success."""
    tally = task.shards
    if tally is None or not tally.total:
        return False
    needed = policy_of(task).shards_needed
    return aggregate(tally, task.items_total, needed)[0] is not TaskState.SUCCEEDED


def _refuse_if_short(task: Task) -> None:
    """Raises `ShardsIncomplete` unless the task's shards, where it has some, make a success."""
    tally, needed = task.shards, policy_of(task).shards_needed
    if tally is None or not _is_short(task):
        return
    want = f"{tally.total if needed is None else needed} shards"
    if task.items_total is not None:
        want += f" and {task.items_total} items"
    raise ShardsIncomplete(
        f"The task {task.id!r} needs {want}; {tally.succeeded} of its shards, with "
        f"{tally.items_succeeded} of its items, have succeeded. Report the others first, or fail "
        "the attempt: what has succeeded is kept for the next."
    )


def renew(task: Task | None, command: c.RenewLease, now: Instant, known: Known) -> Decision | Needs:
    """Take a sign of life; one from a worker that had been given up corrects that."""
    task = present(task, command)
    given_up = (
        task.settled_by is SettledBy.SERVER
        and task.reason == LOST
        and command.lease_seq == task.lease_seq
    )
    if not given_up and not _holds(task, command.lease_seq):
        raise LeaseSuperseded.of(task.id, command.lease_seq, task.lease_seq)
    decision: Decision | Needs = Decision(task)
    if given_up or task.reason == LOST:
        fact = Found(now, command_mark(now, task.mark), command.worker)
        decision = take(task, fact, EventType.TASK_FOUND, known, command)
    if isinstance(decision, Decision):
        decision.lease = LeaseTerm(task.lease_seq, command.worker, now + command.lease_us)
    return decision


def hand_back(
    task: Task | None, command: c.HandBack, now: Instant, known: Known
) -> Decision | Needs:
    """Queue the task anew; the attempt that is handed back does not count among those it has."""
    task = present(task, command)
    if not _holds(task, command.lease_seq):
        raise LeaseSuperseded.of(task.id, command.lease_seq, task.lease_seq)
    if task.cancel is not None and task.cancel.is_open:
        return _conclude(task, _End(TaskState.CANCELLED, "cancelled"), now, known, command)
    spared = task.draft()
    spared.attempts_max += 1
    mark = command_mark(now, task.mark)
    fact = Retried(now, mark, blocked=task.inputs_pending > 0, reason=HANDED_BACK)
    return begin_attempt(spared, fact, known, command, EventType.TASK_HANDED_BACK)


def answer_cancel(
    task: Task | None, command: c.AnswerCancel, now: Instant, known: Known
) -> Decision | Needs:
    """Note what the holder of the lease says to a cancellation that is asked for."""
    task = present(task, command)
    if not _holds(task, command.lease_seq):
        raise LeaseSuperseded.of(task.id, command.lease_seq, task.lease_seq)
    if task.cancel is None or not task.cancel.is_open:
        return Decision(task)
    standing = CancelStanding.REFUSED if command.refused else CancelStanding.DELIVERED
    if standing is task.cancel:
        return Decision(task)
    fact = CancelAsked(now, command_mark(now, task.mark), standing, command.reason)
    kind = EventType.TASK_CANCEL_REFUSED if command.refused else EventType.TASK_CANCEL_DELIVERED
    return take(task, fact, kind, known, command)


def reap(task: Task | None, command: c.ReapLease, now: Instant, known: Known) -> Decision | Needs:
    """Conclude what follows from silence: first the task is lost, for a while; then it is over.

    Lost is not failed: until the grace is over, a sign of life brings the task back.
    """
    task = present(task, command)
    if not _holds(task, command.lease_seq):
        return Decision(task)
    if known.lease_ends_at is None:
        return Needs.LEASE
    if known.lease_ends_at > now:
        return Decision(task)
    if task.reason != LOST:
        fact = Lost(now, command_mark(now, task.mark))
        decision = take(task, fact, EventType.TASK_LOST, known, command)
        if isinstance(decision, Decision) and task.worker is not None:
            grace = round(policy_of(task).grace_s * SECOND)
            decision.lease = LeaseTerm(task.lease_seq, task.worker, now + grace)
        return decision
    if task.cancel is not None and task.cancel.is_open:
        return _conclude(task, _End(TaskState.CANCELLED, ORPHANED), now, known, command)
    fault = Fault(LOST, f"the worker {task.worker!r} fell silent")
    return _give_up(task, fault, now, known, command)


def check_deadline(
    task: Task | None, command: c.CheckDeadline, now: Instant, known: Known
) -> Decision | Needs:
    """Conclude what follows when a limit has run out; nothing when none has."""
    task = present(task, command)
    due = deadline_of(task)
    if due is None or due.at > now:
        after = task.draft()
        after.deadline_at = None if due is None else due.at
        return Decision(after)
    fault = Fault(due.limit.value, _WORDS[due.limit])
    if due.limit.ends_attempt_only:
        return _give_up(task, fault, now, known, command)
    return _conclude(task, _End(TaskState.FAILED, due.limit.value, fault), now, known, command)


_WORDS = {
    Limit.QUEUE: "no worker took it in time",
    Limit.RUN: "the attempt took too long",
    Limit.SILENCE: "nothing was said of it for too long",
    Limit.TOTAL: "it took too long altogether",
}


def wake(task: Task | None, command: c.WakeTask, now: Instant, known: Known) -> Decision | Needs:
    """Make the task ready if the time has come before which it was not to begin."""
    task = present(task, command)
    if task.not_before is None or task.not_before > now:
        return Decision(task)
    fact = Due(now, command_mark(now, task.mark))
    return take(task, fact, EventType.TASK_READY, known, command)


# --- what these are made of ---


def _holds(task: Task, lease_seq: int) -> bool:
    return task.worker is not None and task.lease_seq == lease_seq and not task.is_final


def _is_tried_again(before: Task, decision: Decision, command: c.LeaseReport) -> bool:
    after = decision.task
    return (
        command.retryable
        and before.worker is not None
        and before.attempt < max(before.attempts_max, command.attempts_max)
        and not (before.cancel is not None and before.cancel.is_open)
        and command.report.state is TaskState.FAILED
        and decision.verdict is Verdict.APPLIED
        and after is not None
        and after.state is TaskState.FAILED
    )


@dataclass(slots=True, frozen=True)
class _End:
    """An end that the server concludes."""

    state: TaskState
    reason: str
    fault: Fault | None = None


def _conclude(
    task: Task, end: _End, now: Instant, known: Known, command: c.Command
) -> Decision | Needs:
    fact = Inferred(now, command_mark(now, task.mark), end.state, end.reason, end.fault)
    return take(task, fact, EventType.TASK_EXPIRED, known, command)


def _give_up(
    task: Task, fault: Fault, now: Instant, known: Known, command: c.ReapLease | c.CheckDeadline
) -> Decision | Needs:
    """End the attempt as failed; a worker's attempt is followed by another while one is left."""
    assert fault.category is not None
    end = _End(TaskState.FAILED, fault.category, fault)
    decision = _conclude(task, end, now, known, command)
    if not isinstance(decision, Decision):
        return decision
    cancelling = task.cancel is not None and task.cancel.is_open
    if task.worker is None or task.attempt >= task.attempts_max or cancelling:
        return decision
    if decision.task is None or decision.task.state is not TaskState.FAILED:
        # Its shards had ended well before the worker was given up.
        return decision
    return _with_another_attempt(task, decision, now, known, command)


def _with_another_attempt(
    before: Task,
    ended: Decision,
    now: Instant,
    known: Known,
    command: c.LeaseReport | c.ReapLease | c.CheckDeadline,
) -> Decision | Needs:
    """The decision that ended an attempt, and in one with it the beginning of the next."""
    if known.timeline is None:
        return Needs.TIMELINE
    if known.shards is None:
        return Needs.SHARDS
    task = ended.task
    assert task is not None
    pause = backoff(policy_of(task), task.attempt, command.dice)
    fact = Retried(
        now,
        command_mark(now, task.mark),
        blocked=task.inputs_pending > 0,
        not_before=now + pause if pause else None,
        reason=BACKOFF if pause and not task.inputs_pending else None,
    )
    beyond = replace(
        known,
        timeline=[*known.timeline, *_facts(ended.events)],
        shards={**known.shards, **{shard.index: shard for shard in ended.shards}},
    )
    next_ = begin_attempt(task, fact, beyond, command, EventType.TASK_RETRIED)
    assert isinstance(next_, Decision)
    return _both(before, ended, next_)


def _late(task: Task, command: c.LeaseReport, now: Instant, known: Known) -> Decision | Needs:
    """Keep an end that comes from a lease that is over, and adopt it where the policy says so."""
    said, policy = command.report, policy_of(task)
    over = said.attempt is not None and said.attempt < task.attempt
    if not said.ends or not over or policy.late is LatePolicy.IGNORE:
        raise LeaseSuperseded.of(task.id, command.lease_seq, task.lease_seq)
    kept = take_report(task, command, now, known)
    if not isinstance(kept, Decision):
        return kept
    after = kept.task
    assert after is not None
    adoptable = said.state is TaskState.SUCCEEDED and not after.is_settled and not _is_short(after)
    if policy.late is not LatePolicy.ADOPT or not adoptable:
        return kept
    fact = Adopted(
        now,
        command_mark(now, after.mark),
        state=TaskState.SUCCEEDED,
        message=said.message,
        completed_at=said.occurred_at if said.completed_at is None else said.completed_at,
    )
    adopted = take(after, fact, EventType.TASK_ADOPTED, known, command)
    if not isinstance(adopted, Decision):
        return adopted
    assert adopted.task is not None
    assert said.attempt is not None
    adopted.adopted = LateReport(0, said.attempt, said)
    adopted.task.has_result = adopted.task.has_result or bool(said.results)
    return _both(task, kept, adopted)


def _both(before: Task, first: Decision, second: Decision) -> Decision:
    """Two decisions, one on the other, as one that changes the task once."""
    after = second.task
    assert after is not None
    after.version = before.version + 1
    shards = {shard.index: shard for shard in (*first.shards, *second.shards)}
    for event in (*first.events, *second.events):
        event.version = after.version
    return replace(
        first,
        task=after,
        events=[*first.events, *second.events],
        shards=list(shards.values()),
        closed=[*first.closed, *second.closed],
        adopted=second.adopted,
        lease=None,
    )


def _facts(events: Sequence[Event]) -> list[CommandFact | c.Report]:
    return [event.fact for event in events if event.fact is not None]  # pyright: ignore[reportReturnType] - these begin no attempt
