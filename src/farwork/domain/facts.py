"""Facts: what a task's log is made of. The task is a function of the set of its facts (see `fold`).

Every fact is stored as (part of) an event; reading the events of a task gives its log back, in the
order in which the facts became known. That order says which attempt was the present one when a fact
became known; within an attempt, facts are folded in the order of their marks.
"""

from dataclasses import dataclass, field

from farwork.domain.marks import FIRST
from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.values import CancelStanding, Fault, Instant, Origin, SettledBy, TaskState


@dataclass(slots=True)
class Opened:
    """The task came into being: by creation, by its first report, or by import.

    It carries all that later facts may change. Nothing before it counts: an import takes a task
    over as it stands, and its `mark` says up to when it sums up what happened.
    """

    state: TaskState
    at: Instant
    mark: str = FIRST
    attempt: int = 1
    kind: str = ""
    name: str | None = None
    queue: str = "default"
    labels: dict[str, str] = field(default_factory=dict)
    external_ref: str | None = None
    job_id: str | None = None
    origin: Origin | None = None
    reason: str | None = None
    reported_status: str | None = None
    percent: float = 0.0
    message: str | None = None
    error: Fault | None = None
    queued_at: Instant | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None
    settled_by: SettledBy = SettledBy.NOBODY
    not_before: Instant | None = None
    shards: list[Shard] = field(default_factory=list)


@dataclass(slots=True)
class Retried:
    """Another attempt began (with `blocked`, it waits for its inputs).

    An operator began it, or the server: then it may say why, or that it waits until `not_before`.
    Of the shards that had not succeeded, those that it names are tried again; None: all.
    """

    at: Instant
    mark: str
    blocked: bool = False
    not_before: Instant | None = None
    reason: str | None = None
    shards: list[int] | None = None


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
class Held:
    """An input failed; the task waits until that is mended, for a `reason`."""

    at: Instant
    mark: str
    reason: str


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


@dataclass(slots=True)
class Due:
    """The time came before which the task was not to begin."""

    at: Instant
    mark: str


@dataclass(slots=True)
class Claimed:
    """A worker took the task, under a lease."""

    at: Instant
    mark: str
    worker: str
    lease_seq: int


@dataclass(slots=True)
class Lost:
    """The worker that holds the task fell silent."""

    at: Instant
    mark: str


@dataclass(slots=True)
class Found:
    """The worker that had fallen silent gave a sign of life."""

    at: Instant
    mark: str
    worker: str


@dataclass(slots=True)
class CancelAsked:
    """The conversation about cancelling a leased task went on."""

    at: Instant
    mark: str
    standing: CancelStanding
    reason: str | None = None


@dataclass(slots=True)
class ShardsAdded:
    """Somebody announced further shards."""

    at: Instant
    mark: str
    shards: list[Shard]


@dataclass(slots=True)
class ShardRetried:
    """An operator let a shard be tried again, within the attempt."""

    at: Instant
    mark: str
    index: int


@dataclass(slots=True)
class ShardCancelled:
    """An operator ended a shard."""

    at: Instant
    mark: str
    index: int
    reason: str | None = None


CommandFact = (
    Submitted
    | Unblocked
    | Held
    | Cancelled
    | Inferred
    | Adopted
    | Due
    | Claimed
    | Lost
    | Found
    | CancelAsked
    | ShardsAdded
    | ShardRetried
    | ShardCancelled
)
"""What a command does within an attempt."""

Fact = Opened | Retried | Report | CommandFact
