"""What a task's policy means: when a limit runs out, when the next attempt may begin."""

from dataclasses import dataclass
from enum import StrEnum

from farwork.domain.marks import instant_of
from farwork.domain.task import Task
from farwork.domain.values import Instant, Policy, TaskState

SECOND = 1_000_000
LOST = "lost"
BACKOFF = "backoff"
NOT_BEFORE = "not_before"
HANDED_BACK = "handed_back"
ORPHANED = "orphaned"
BACKOFF_DOUBLINGS_MAX = 64


class Limit(StrEnum):
    """What ran out; also the reason of the task that it ends."""

    QUEUE = "queue_timeout"
    RUN = "run_timeout"
    SILENCE = "silence_timeout"
    TOTAL = "total_timeout"

    @property
    def ends_attempt_only(self) -> bool:
        """Whether another attempt may help."""
        return self in (Limit.RUN, Limit.SILENCE)


DEFAULT = Policy()
"""The policy of a task that has none of its own."""


def policy_of(task: Task) -> Policy:
    """The task's own policy, or the default."""
    return DEFAULT if task.policy is None else task.policy


def backoff(policy: Policy, attempt: int, dice: float) -> int:
    """The pause after the `attempt`-th attempt, in microseconds; `dice` is from 0 up to 1."""
    doublings = min(attempt - 1, BACKOFF_DOUBLINGS_MAX)
    grown = min(policy.backoff_s * policy.backoff_factor**doublings, policy.backoff_s_max)
    return round(grown * (1.0 - policy.jitter * dice) * SECOND)


@dataclass(slots=True, frozen=True)
class Deadline:
    """When a limit of a task runs out."""

    at: Instant
    limit: Limit


def deadline_of(task: Task) -> Deadline | None:
    """The first of the task's limits to run out as it stands, None: none does."""
    if task.policy is None or task.is_final or task.state is TaskState.CREATED:
        return None
    limits = task.policy.limits
    ends: list[Deadline] = []
    if limits.total_s is not None:
        ends.append(_after(task.created_at, limits.total_s, Limit.TOTAL))
    said = instant_of(task.mark)
    if task.state is TaskState.QUEUED and limits.queue_s is not None and task.not_before is None:
        since = max(said, task.created_at if task.queued_at is None else task.queued_at)
        ends.append(_after(since, limits.queue_s, Limit.QUEUE))
    if task.state is TaskState.RUNNING:
        since = task.created_at if task.started_at is None else task.started_at
        if limits.run_s is not None:
            ends.append(_after(since, limits.run_s, Limit.RUN))
        if limits.silence_s is not None:
            ends.append(_after(max(said, since), limits.silence_s, Limit.SILENCE))
    return min(ends, key=lambda end: end.at, default=None)


def _after(since: Instant, seconds: float, limit: Limit) -> Deadline:
    return Deadline(since + round(seconds * SECOND), limit)


def arm(before: Task | None, after: Task) -> None:
    """Set when the task must be looked at again.

    A deadline that only moved away is left: whoever looks then finds out, and setting it at every
    report would cost more.
    """
    due = deadline_of(after)
    at = None if due is None else due.at
    stood = before is not None and (before.state, before.attempt) == (after.state, after.attempt)
    if stood and at is not None and after.deadline_at is not None and after.deadline_at <= at:
        return
    after.deadline_at = at
