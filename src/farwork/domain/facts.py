"""Facts: what an attempt's timeline is made of. The fold of a timeline, in the order of marks, is the task.

Every fact is stored as (part of) an event; reading the events of an attempt gives its timeline back.
"""

from dataclasses import dataclass, field

from farwork.domain.marks import FIRST
from farwork.domain.reports import Report
from farwork.domain.values import Fault, Instant, SettledBy, TaskState


@dataclass(slots=True)
class Opened:
    """An attempt began: by creation, by registration from a report, by import, or by a retry.

    It carries all that reports of the attempt may change, so that a fold can start from it.
    """

    state: TaskState
    at: Instant
    mark: str = FIRST
    kind: str = ""
    name: str | None = None
    queue: str = "default"
    labels: dict[str, str] = field(default_factory=dict[str, str])
    external_ref: str | None = None
    reason: str | None = None
    reported_status: str | None = None
    percent: float = 0.0
    message: str | None = None
    error: Fault | None = None
    queued_at: Instant | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None
    settled_by: SettledBy = SettledBy.NOBODY


@dataclass(slots=True)
class Submitted:
    """An operator let the task go (or, with `blocked`, wait for its inputs)."""

    at: Instant
    mark: str
    blocked: bool = False


@dataclass(slots=True)
class Unblocked:
    """The last input ended; the task may run."""

    at: Instant
    mark: str


@dataclass(slots=True)
class Cancelled:
    """An operator ended the task."""

    at: Instant
    mark: str
    reason: str | None = None


@dataclass(slots=True)
class Inferred:
    """The server concluded an end that nobody reported (a limit ran out, an input failed)."""

    at: Instant
    mark: str
    state: TaskState
    reason: str
    error: Fault | None = None


@dataclass(slots=True)
class Adopted:
    """An operator made a late end the task's end."""

    at: Instant
    mark: str
    state: TaskState
    error: Fault | None = None
    message: str | None = None
    completed_at: Instant | None = None


Fact = Opened | Report | Submitted | Unblocked | Cancelled | Inferred | Adopted
