"""The fold: a task as a function of the set of its facts, in whatever order they became known.

`refold` starts from the task's opening and folds its whole log (the slow path). `absorb` takes one
fact that is later than everything before it (the fast path), where `absorbs` allows it. Both give
the same task.

Authority, strongest first: an operator's command; a reported end, the latest of several; an end
that the server inferred, which a later report corrects; the latest other report. What a report says
of the task itself (`IDENTITY_FIELDS`), of where it comes from and of when it started counts
whatever becomes of the task's state. The shards, last, decide where nobody with more authority has.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from farwork.domain.facts import (
    Adopted,
    CancelAsked,
    Cancelled,
    Claimed,
    CommandFact,
    Due,
    Fact,
    Found,
    Held,
    Inferred,
    Lost,
    Opened,
    Retried,
    ShardCancelled,
    ShardRetried,
    ShardsAdded,
    Submitted,
    Unblocked,
)
from farwork.domain.marks import FIRST
from farwork.domain.policy import BACKOFF, LOST, NOT_BEFORE, policy_of
from farwork.domain.reports import Report
from farwork.domain.shards import ShardTally, aggregate
from farwork.domain.task import IDENTITY_FIELDS, LABELS_MAX, Task
from farwork.domain.timeline import Attempt, attempts_of
from farwork.domain.values import CancelStanding, SettledBy, TaskState, earliest

_NAMING_FIELDS = tuple(name for name in IDENTITY_FIELDS if name != "labels")
_by_mark = attrgetter("mark")


def absorbs(task: Task, fact: Report | CommandFact) -> bool:
    """Whether the fact can be absorbed as it comes; else the task must be folded anew.

    An end that comes after another undoes it: what was said between the two counts again.
    """
    if fact.mark < task.mark:
        return False
    if task.lease_seq and task.settled_by is SettledBy.SHARDS:
        return False
    if isinstance(fact, Adopted):
        return not task.is_settled
    return not (isinstance(fact, Report) and fact.ends and task.settled_by is SettledBy.REPORT)


def absorb(task: Task, fact: CommandFact) -> None:
    """Change `task` by what a command did, later than all before it."""
    _ABSORB[type(fact)](task, fact)
    task.mark = fact.mark
    settle_by_shards(task)


def absorb_report(task: Task, report: Report) -> Report | None:
    """Change `task` by a report that is later than all before it.

    Gives the report itself if the end that it reports decides.
    """
    end = None
    _describe(task, report)
    if not report.ends:
        _proceed(task, report)
    elif task.settled_by is not SettledBy.OPERATOR:
        _end(task, report)
        end = report
    task.mark = report.mark
    settle_by_shards(task)
    return end


def refold(task: Task, log: Iterable[Fact]) -> Report | None:
    """Make `task` what its log says, and give the reported end that decides (None: none does).

    Left as they are: its shards, and what no fact speaks of.
    """
    attempts = attempts_of(log)
    opening = attempts[0].opening
    assert isinstance(opening, Opened)
    _open(task, opening)
    for attempt in attempts[:-1]:
        since = attempt.opening.mark if attempt.opening is opening else FIRST
        for report in sorted(attempt.reports, key=_by_mark):
            _describe(task, report, since=since)
    last = attempts[-1]
    if isinstance(last.opening, Retried):
        _open_again(task, last.opening)
    end = _fold(task, last)
    settle_by_shards(task)
    return end


def _fold(task: Task, attempt: Attempt) -> Report | None:
    """Fold one attempt's facts into the task that stands as the attempt began."""
    since = task.mark
    end = _deciding_end(task, attempt.facts)
    for fact in sorted(attempt.facts, key=_by_mark):
        if isinstance(fact, Report):
            _describe(task, fact, since=since)
            if fact is end:
                _end(task, fact)
            elif not fact.ends and fact.mark > since:
                _proceed(task, fact)
        elif fact is end or not isinstance(fact, Adopted):
            _ABSORB[type(fact)](task, fact)
    task.mark = max((since, *map(_by_mark, attempt.facts)))
    return end if isinstance(end, Report) else None


def _deciding_end(task: Task, facts: Sequence[Report | CommandFact]) -> Report | Adopted | None:
    """The end that holds: the last adopted, else (unless an operator cancelled) reported one."""
    adopted = [fact for fact in facts if isinstance(fact, Adopted)]
    if adopted:
        return max(adopted, key=_by_mark)
    if any(isinstance(fact, Cancelled) for fact in facts):
        return None
    since = task.mark if task.is_final else FIRST
    ends = [f for f in facts if isinstance(f, Report) and f.ends and f.mark > since]
    return max(ends, key=_by_mark, default=None)


# How an attempt begins.


def _open(task: Task, opening: Opened) -> None:
    for name in IDENTITY_FIELDS:
        if name not in task.pinned:
            setattr(task, name, getattr(opening, name))
    task.origin = opening.origin
    task.state = opening.state
    task.reason = opening.reason
    task.reported_status = opening.reported_status
    task.percent = opening.percent
    task.message = opening.message
    task.error = opening.error
    task.queued_at = opening.queued_at
    task.started_at = opening.started_at
    task.completed_at = opening.completed_at
    task.settled_by = opening.settled_by
    task.not_before = opening.not_before
    task.worker = task.cancel = None
    task.mark = opening.mark


def _open_again(task: Task, retried: Retried) -> None:
    task.state = TaskState.BLOCKED if retried.blocked else TaskState.QUEUED
    task.reported_status = task.message = task.error = None
    task.reason = retried.reason
    task.not_before = retried.not_before
    task.worker = task.cancel = None
    task.percent = 0.0
    task.queued_at = retried.at
    task.started_at = task.completed_at = None
    task.settled_by = SettledBy.NOBODY
    task.mark = FIRST


# What reports do.


def _describe(task: Task, report: Report, since: str = FIRST) -> None:
    """Take what counts whatever becomes of the state, unless that is already summed up."""
    if report.mark <= since:
        return
    if report.tells_of_task:
        _identify(task, report)
    if report.started_at is not None:
        task.started_at = earliest(task.started_at, report.started_at)


def _identify(task: Task, report: Report) -> None:
    for name in _NAMING_FIELDS:
        value = getattr(report, name)
        if value and name not in task.pinned:
            setattr(task, name, value)
    if report.labels and "labels" not in task.pinned:
        labels = {**task.labels, **report.labels}
        if len(labels) <= LABELS_MAX:
            task.labels = labels
    if report.origin is not None:
        task.origin = report.origin


def _end(task: Task, report: Report) -> None:
    state = report.state
    assert state is not None
    if state is TaskState.SUCCEEDED:
        task.percent = 100.0
    elif task.percent == 0.0 and report.percent is not None:
        task.percent = report.percent
    task.state = state
    task.settled_by = SettledBy.REPORT
    task.completed_at = report.completed_at
    if task.completed_at is None:
        task.completed_at = report.occurred_at
    _speak(task, report)
    _let_go(task)


def _proceed(task: Task, report: Report) -> None:
    if task.is_settled:
        return
    state = report.state
    if task.settled_by is SettledBy.SERVER:
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
    if report.shard is None or report.state is not None:
        _speak(task, report)


def _speak(task: Task, report: Report) -> None:
    task.reason = report.reason
    task.message = report.message
    task.error = report.error
    if report.reported_status is not None:
        task.reported_status = report.reported_status


# What commands do.


def _submit(task: Task, fact: Submitted) -> None:
    task.queued_at = earliest(task.queued_at, fact.at)
    if task.state is TaskState.CREATED:
        task.state = TaskState.BLOCKED if fact.blocked else TaskState.QUEUED
        task.reason = _reason_to_wait(task)


def _unblock(task: Task, _fact: Unblocked) -> None:
    if task.state is TaskState.BLOCKED:
        task.state = TaskState.QUEUED
        task.reason = _reason_to_wait(task)


def _reason_to_wait(task: Task) -> str | None:
    waits = task.state is TaskState.QUEUED and task.not_before is not None
    return NOT_BEFORE if waits else None


def _hold(task: Task, fact: Held) -> None:
    if task.state is TaskState.BLOCKED:
        task.reason = fact.reason


def _cancel(task: Task, fact: Cancelled) -> None:
    task.state = TaskState.CANCELLED
    task.reason = fact.reason
    task.error = None
    task.completed_at = fact.at
    task.settled_by = SettledBy.OPERATOR
    _let_go(task)


def _infer(task: Task, fact: Inferred) -> None:
    if task.is_settled:
        return
    task.state = fact.state
    task.reason = fact.reason
    task.error = fact.error
    task.completed_at = fact.at
    task.settled_by = SettledBy.SERVER
    _let_go(task)


def _adopt(task: Task, fact: Adopted) -> None:
    task.state = fact.state
    task.reason = "adopted"
    task.error = fact.error
    task.message = fact.message
    task.completed_at = fact.at if fact.completed_at is None else fact.completed_at
    task.settled_by = SettledBy.OPERATOR
    if fact.state is TaskState.SUCCEEDED:
        task.percent = 100.0
    _let_go(task)


# What becomes of leases.


def _let_go(task: Task) -> None:
    """Nobody holds a task that has ended; a cancellation that was asked for has its answer."""
    task.worker = None
    if task.cancel is not None and task.cancel.is_open:
        orphaned = task.settled_by is SettledBy.SERVER
        confirmed = CancelStanding.ORPHANED if orphaned else CancelStanding.CONFIRMED
        cancelled = task.state is TaskState.CANCELLED
        task.cancel = confirmed if cancelled else CancelStanding.REFUSED


def _wake(task: Task, _fact: Due) -> None:
    task.not_before = None
    if task.state is TaskState.QUEUED and task.reason in (BACKOFF, NOT_BEFORE):
        task.reason = None


def _claim(task: Task, fact: Claimed) -> None:
    if task.is_final:
        return
    task.state = TaskState.RUNNING
    task.reason = None
    task.started_at = earliest(task.started_at, fact.at)
    task.worker = fact.worker


def _lose(task: Task, _fact: Lost) -> None:
    if task.worker is not None:
        task.state = TaskState.RUNNING
        task.reason = LOST


def _find(task: Task, fact: Found) -> None:
    if task.is_settled:
        return
    task.state = TaskState.RUNNING
    task.reason = task.error = task.completed_at = None
    task.settled_by = SettledBy.NOBODY
    task.worker = fact.worker


def _ask_to_cancel(task: Task, fact: CancelAsked) -> None:
    if not task.is_final:
        task.cancel = fact.standing


def _leave(_task: Task, _fact: ShardsAdded | ShardRetried | ShardCancelled) -> None:
    """The task follows its shards, and those have changed already."""


_ABSORB: dict[type, Callable[[Task, Any], None]] = {
    Submitted: _submit,
    Unblocked: _unblock,
    Held: _hold,
    Cancelled: _cancel,
    Inferred: _infer,
    Adopted: _adopt,
    Due: _wake,
    Claimed: _claim,
    Lost: _lose,
    Found: _find,
    CancelAsked: _ask_to_cancel,
    ShardsAdded: _leave,
    ShardRetried: _leave,
    ShardCancelled: _leave,
}


# What the shards do.


def settle_by_shards(task: Task) -> None:
    """Let a task follow its shards where nobody with more authority has spoken.

    All that this sets follows from the shards alone, so that it can be set again after any fact. An
    end that follows from shards is one that the server inferred: a word about a further shard
    corrects it.
    """
    tally = task.shards
    if tally is None or tally.total == 0:
        return
    task.started_at = earliest(task.started_at, tally.started_at)
    if not task.is_settled:
        _follow_shards(task, tally)
    succeeded = task.state is TaskState.SUCCEEDED
    task.percent = 100.0 if succeeded else tally.percent(task.items_total)


def _follow_shards(task: Task, tally: ShardTally) -> None:
    if tally.open and not tally.told:
        # Nobody has begun: the task waits, as any other does, for whoever takes it.
        return
    state, reason = aggregate(tally, task.items_total, policy_of(task).shards_needed)
    if task.settled_by is SettledBy.SERVER and not state.is_final:
        return
    # Whoever holds the task says when it ends. One that workers take waits for the next of them,
    # and not for its shards, until all have ended.
    if task.worker is not None or (task.lease_seq and not state.is_final):
        return
    task.state = state
    task.reason = reason
    task.error = tally.error if state is TaskState.FAILED else None
    task.completed_at = tally.ended_at if state.is_final else None
    task.settled_by = SettledBy.SHARDS if state.is_final else SettledBy.NOBODY
