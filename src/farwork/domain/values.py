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


@dataclass(slots=True)
class Fault:
    """Why something failed: a category for programs, a message for people, details for both."""

    category: str | None = None
    message: str | None = None
    details: Json = None


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
