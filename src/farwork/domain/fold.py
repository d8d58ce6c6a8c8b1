"""The fold: a task's state as a function of the set of things said about its attempt.

`absorb` takes one fact that is later than everything before it (the fast path); `refold` starts from the attempt's opening and
absorbs a whole timeline in the order of marks (the slow path). Both give the same task.

Authority, strongest first: an operator's command; a reported end, the latest of several; an end that the server inferred, which a
later report corrects; the latest other report.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from farwork.domain.facts import (
    Adopted,
    Cancelled,
    Fact,
    Inferred,
    Opened,
    Submitted,
    Unblocked,
)
from farwork.domain.reports import Report
from farwork.domain.shards import aggregate
from farwork.domain.task import Task
from farwork.domain.values import FINAL_STATES, Instant, SettledBy, TaskState, Verdict

Answer = tuple[Verdict, str | None]

_APPLIED: Answer = (Verdict.APPLIED, None)
_LATE: Answer = (Verdict.LATE, "an operator had ended this attempt")
_CONFIRMS: Answer = (Verdict.APPLIED, "confirms the operator's cancellation")
_OVERRULES: Answer = (Verdict.APPLIED, "overrules an end reported for an earlier time")
_CORRECTS: Answer = (Verdict.APPLIED, "corrects an end that the server had inferred")
_ENDED: Answer = (Verdict.CONFLICT, "the attempt has a reported end, which no other state undoes")
_ENDED_REST: Answer = (Verdict.STALE, "the attempt has ended")
_ENDED_METADATA: Answer = (Verdict.APPLIED, "the attempt has ended; its metadata was taken")


def earliest(known: Instant | None, said: Instant | None) -> Instant | None:
    """The smaller of two instants, either of which may be unknown."""
    if known is None or said is None:
        return said if known is None else known
    return min(known, said)


def absorb_report(task: Task, report: Report) -> Answer:
    """Change `task` by a report that is later than all before it, and say what became of the report."""
    if report.mark > task.mark:
        task.mark = report.mark
    if task.settled_by is SettledBy.OPERATOR:
        return _CONFIRMS if report.state is task.state is TaskState.CANCELLED else _LATE
    _identify(task, report)
    state = report.state
    if state in FINAL_STATES:
        return _end(task, report, state)
    if task.settled_by is SettledBy.REPORT:
        if state is not None:
            return _ENDED
        return _ENDED_METADATA if report.metadata else _ENDED_REST
    return _proceed(task, report, state)


def _end(task: Task, report: Report, state: TaskState) -> Answer:
    overruled = task.settled_by is SettledBy.REPORT and task.state is not state
    corrected = task.settled_by is SettledBy.SERVER
    if state is TaskState.SUCCEEDED:
        task.percent = 100.0
    elif task.percent == 0.0 and report.percent is not None:
        task.percent = report.percent
    task.state = state
    task.settled_by = SettledBy.REPORT
    task.completed_at = (
        report.occurred_at if report.completed_at is None else report.completed_at
    )
    task.started_at = earliest(task.started_at, report.started_at)
    _speak(task, report)
    if overruled:
        return _OVERRULES
    return _CORRECTS if corrected else _APPLIED


def _proceed(task: Task, report: Report, state: TaskState | None) -> Answer:
    corrected = task.settled_by is SettledBy.SERVER
    if corrected:
        task.settled_by = SettledBy.NOBODY
        task.completed_at = None
        state = state or TaskState.RUNNING
    if state is not None:
        task.state = state
        if state is TaskState.RUNNING:
            task.started_at = earliest(task.started_at, report.occurred_at)
        elif state is TaskState.QUEUED:
            task.queued_at = earliest(task.queued_at, report.occurred_at)
    if report.percent is not None:
        task.percent = report.percent
    if report.started_at is not None:
        task.started_at = earliest(task.started_at, report.started_at)
    _speak(task, report)
    return _CORRECTS if corrected else _APPLIED


def _speak(task: Task, report: Report) -> None:
    task.reason = report.reason
    task.message = report.message
    task.error = report.error
    if report.reported_status is not None:
        task.reported_status = report.reported_status


def _identify(task: Task, report: Report) -> None:
    pinned = task.pinned
    if report.kind and report.kind != task.kind and "kind" not in pinned:
        task.kind = report.kind
    if report.queue and report.queue != task.queue and "queue" not in pinned:
        task.queue = report.queue
    if report.name and "name" not in pinned:
        task.name = report.name
    if report.labels and "labels" not in pinned:
        task.labels = {**task.labels, **report.labels}
    if report.external_ref and "external_ref" not in pinned:
        task.external_ref = report.external_ref
    if report.origin is not None:
        task.origin = report.origin


def absorb_opened(task: Task, fact: Opened) -> None:
    """Set all that reports of an attempt may change to how the attempt began."""
    for name in ("kind", "name", "queue", "labels", "external_ref"):
        if name not in task.pinned:
            setattr(task, name, getattr(fact, name))
    task.state = fact.state
    task.reason = fact.reason
    task.reported_status = fact.reported_status
    task.percent = fact.percent
    task.message = fact.message
    task.error = fact.error
    task.queued_at = fact.queued_at
    task.started_at = fact.started_at
    task.completed_at = fact.completed_at
    task.settled_by = fact.settled_by
    task.mark = fact.mark


def _absorb_submitted(task: Task, fact: Submitted) -> None:
    task.queued_at = earliest(task.queued_at, fact.at)
    if task.state is TaskState.CREATED:
        task.state = TaskState.BLOCKED if fact.blocked else TaskState.QUEUED
        task.reason = None


def _absorb_unblocked(task: Task, _fact: Unblocked) -> None:
    if task.state is TaskState.BLOCKED:
        task.state = TaskState.QUEUED
        task.reason = None


def _absorb_cancelled(task: Task, fact: Cancelled) -> None:
    task.state = TaskState.CANCELLED
    task.reason = fact.reason
    task.error = None
    task.completed_at = fact.at
    task.settled_by = SettledBy.OPERATOR


def _absorb_inferred(task: Task, fact: Inferred) -> None:
    if task.settled_by in (SettledBy.REPORT, SettledBy.OPERATOR):
        return
    task.state = fact.state
    task.reason = fact.reason
    task.error = fact.error
    task.completed_at = fact.at
    task.settled_by = SettledBy.SERVER


def _absorb_adopted(task: Task, fact: Adopted) -> None:
    task.state = fact.state
    task.reason = "adopted"
    task.error = fact.error
    task.message = fact.message
    task.completed_at = fact.completed_at or fact.at
    task.settled_by = SettledBy.OPERATOR
    if fact.state is TaskState.SUCCEEDED:
        task.percent = 100.0


_ABSORB: dict[type, Callable[[Task, Any], object]] = {
    Opened: absorb_opened,
    Report: absorb_report,
    Submitted: _absorb_submitted,
    Unblocked: _absorb_unblocked,
    Cancelled: _absorb_cancelled,
    Inferred: _absorb_inferred,
    Adopted: _absorb_adopted,
}


def absorb(task: Task, fact: Fact) -> None:
    """Change `task` by a fact that is later than all before it."""
    _ABSORB[type(fact)](task, fact)
    if fact.mark > task.mark:
        task.mark = fact.mark


def refold(task: Task, timeline: Iterable[Fact]) -> None:
    """Fold the whole timeline of the present attempt; what is not later than the opening is passed over.

    The opening may itself carry a mark (an imported task): history up to then is summed up in it.
    """
    facts = sorted(timeline, key=attrgetter("mark"))
    opening = next(fact for fact in facts if isinstance(fact, Opened))
    absorb_opened(task, opening)
    for fact in facts:
        if fact.mark > opening.mark:
            absorb(task, fact)
    settle_by_shards(task)


def settle_by_shards(task: Task) -> None:
    """Let a task follow its shards where nobody with more authority has spoken.

    An end that follows from shards is one that the server inferred: a word about a further shard corrects it.
    """
    tally = task.shards
    if tally is None or tally.total == 0:
        return
    task.started_at = earliest(task.started_at, tally.started_at)
    if task.state is not TaskState.SUCCEEDED:
        task.percent = tally.percent
    if task.settled_by in (SettledBy.REPORT, SettledBy.OPERATOR):
        return
    state, reason = aggregate(tally, task.items_total)
    ended = state in FINAL_STATES
    if task.settled_by is SettledBy.SERVER and not ended:
        return
    task.state = state
    task.reason = reason
    if state is TaskState.SUCCEEDED:
        task.percent = 100.0
        task.error = None
    task.completed_at = tally.ended_at if ended else None
    task.settled_by = SettledBy.SHARDS if ended else SettledBy.NOBODY
    task.error = tally.error if state is TaskState.FAILED else task.error
