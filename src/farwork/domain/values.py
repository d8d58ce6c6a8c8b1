"""The words of the domain: states, verdicts, and the small values that a task is made of."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from farwork.domain.errors import TimeOutOfRange

Json = Any
"""Any JSON value: null, bool, int, float, str, list or dict with str keys."""

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z; may be negative."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def instant(moment: datetime) -> Instant:
    """The instant of a moment; one without a zone is UTC.

    Raises `TimeOutOfRange` where UTC has no such year, as for the first hour of year 1 in Berlin.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    at = (moment - _EPOCH) // _MICROSECOND
    if not _FIRST <= at <= _LAST:
        raise TimeOutOfRange(f"{moment.isoformat()} is outside of the years 1 to 9999 in UTC.")
    return at


def moment(at: Instant) -> datetime:
    """The UTC moment of an instant."""
    return _EPOCH + timedelta(microseconds=at)


def earliest(known: Instant | None, said: Instant | None) -> Instant | None:
    """The smaller of two instants, either of which may be unknown."""
    if known is None or said is None:
        return said if known is None else known
    return min(known, said)


class TaskState(StrEnum):
    """Where a task stands; the last three are final."""

    CREATED = "created"
    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    is_final: bool

    def __init__(self, word: str) -> None:
        self.is_final = word in ("succeeded", "failed", "cancelled")


FINAL_STATES = frozenset(state for state in TaskState if state.is_final)


class SettledBy(StrEnum):
    """On whose word the present state rests, weakest first.

    `SERVER` and `SHARDS` stand for an end that the server concluded; `NOBODY` for no end at all.
    """

    NOBODY = "nobody"
    SERVER = "server"
    SHARDS = "shards"
    REPORT = "report"
    OPERATOR = "operator"


class Verdict(StrEnum):
    """What became of a report."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    CONFLICT = "conflict"
    LATE = "late"
    UNKNOWN_TASK = "unknown_task"


class OnInputFailure(StrEnum):
    """What a blocked task does when one of its inputs ends without success."""

    CANCEL = "cancel"
    RUN = "run"
    HOLD = "hold"


class LatePolicy(StrEnum):
    """What becomes of a success that a worker reports after its lease went to another attempt.

    `ADOPT` makes it the task's end if no other attempt has ended; `KEEP` keeps it beside the task,
    for an operator to adopt; `IGNORE` refuses it.
    """

    ADOPT = "adopt"
    KEEP = "keep"
    IGNORE = "ignore"


class CancelStanding(StrEnum):
    """How far the conversation about cancelling a leased task has come."""

    REQUESTED = "requested"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    ORPHANED = "orphaned"

    @property
    def is_open(self) -> bool:
        """Whether the worker has yet to answer."""
        return self in (CancelStanding.REQUESTED, CancelStanding.DELIVERED)


@dataclass(slots=True)
class Fault:
    """Why something failed: a category for programs, a message for people, details for both."""

    category: str | None = None
    message: str | None = None
    details: Json = None


@dataclass(slots=True, frozen=True)
class Limits:
    """How long a task may take, in seconds; None: for ever.

    `queue_s` is the time in the queue before each attempt, `run_s` the time of each attempt,
    `silence_s` the time in which nothing is said of a running task (a bare heartbeat says nothing),
    `total_s` all of it, from the task's creation on.
    """

    queue_s: float | None = None
    run_s: float | None = None
    silence_s: float | None = None
    total_s: float | None = None


@dataclass(slots=True, frozen=True)
class Policy:
    """How a task is treated when it takes too long, fails or falls silent.

    The pause before the second attempt is `backoff_s` seconds, and grows by `backoff_factor` each
    time up to `backoff_s_max`; `jitter` is the part of it, 0..1, that is left to chance. A worker
    that fell silent has `grace_s` seconds to come back. A task that follows its shards succeeds
    with so many of them as `shards_needed`; None: with all.
    """

    limits: Limits = field(default_factory=Limits)
    backoff_s: float = 1.0
    backoff_factor: float = 2.0
    backoff_s_max: float = 300.0
    jitter: float = 0.5
    grace_s: float = 30.0
    late: LatePolicy = LatePolicy.KEEP
    shards_needed: int | None = None


@dataclass(slots=True)
class Origin:
    """The outside system that speaks: its name, instance, zone and version."""

    source: str | None = None
    instance: str | None = None
    zone: str | None = None
    version: str | None = None


@dataclass(slots=True)
class Result:
    """One output record of a task.

    `name` is unique within an attempt; a later record of the same name replaces the earlier one.
    `files` are references (`{"name", "url", "size_bytes", ...}`), never contents.
    """

    name: str = "result"
    type: str | None = None
    data: Json = None
    files: list[dict[str, Json]] = field(default_factory=list[dict[str, Json]])
