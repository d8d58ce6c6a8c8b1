"""Work under leases on the wire: claims, heartbeats, ends."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain import ids
from farwork.domain.values import TaskState
from farwork.protocol.parts import ResultOut
from farwork.protocol.reports import (
    Count,
    ErrorIn,
    Id,
    Labels,
    ProgressIn,
    ResultIn,
    ShardIn,
    ShortText,
    Text,
)
from farwork.protocol.tasks import TaskOut

LEASES_MAX = 1_000
CLAIM_MAX = 1_000
QUEUES_MAX = 100
LEASE_SECONDS_MIN = 1
LEASE_SECONDS_MAX = 86_400
WAIT_SECONDS_MAX = 60

WorkerName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ids.LENGTH_MAX,
        pattern=ids.PATTERN,
        description="What tells this worker from all others, such as `gpu-7-4711`.",
        extra={"rule": ids.RULE},
    ),
]
Queue = Annotated[str, Meta(min_length=1, max_length=255)]
Seq = Annotated[int, Meta(ge=1, le=2**31 - 1, description="The number of the lease.")]
LeaseSeconds = Annotated[
    float,
    Meta(
        ge=LEASE_SECONDS_MIN,
        le=LEASE_SECONDS_MAX,
        description="How long a lease lasts unless a heartbeat renews it.",
    ),
]


class QueueWeight(Struct, forbid_unknown_fields=True):
    """A queue, and how often it is drawn compared with the others."""

    name: Queue
    weight: Annotated[float, Meta(gt=0, le=1_000_000)] = 1.0


class Claim(Struct, forbid_unknown_fields=True):
    """What a worker asks for.

    With names as `queues`, the most urgent task of all comes first; with weights, each task's queue
    is drawn by weight. `labels` are what the worker offers to tasks that require labels.
    """

    worker: WorkerName
    queues: Annotated[list[Queue | QueueWeight], Meta(min_length=1, max_length=QUEUES_MAX)]
    max: Annotated[int, Meta(ge=1, le=CLAIM_MAX)] = 1
    lease_seconds: LeaseSeconds = 30.0
    labels: Labels = {}


class ClaimIn(Claim, forbid_unknown_fields=True):
    """What a worker asks for, and how long it waits until there is some."""

    wait: Annotated[float, Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0.0


class LeaseRef(Struct, forbid_unknown_fields=True, kw_only=True):
    """A lease: of which task, under which number. The attempt is known to whoever claimed it."""

    task_id: Id
    lease_seq: Seq
    attempt: Count | None = None


class Beat(LeaseRef, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A sign of life; whatever is said with it is a report."""

    occurred_at: datetime | None = None
    progress: ProgressIn | Annotated[float, Meta(ge=0, le=100)] | None = None
    message: Text | None = None
    reported_status: ShortText | None = None
    metadata: dict[str, Any] | None = None
    external_ref: ShortText | None = None
    shard: ShardIn | None = None
    cancel_refused: Annotated[
        bool, Meta(description="The worker will not end the task that it is asked to cancel.")
    ] = False


class HeartbeatIn(Struct, forbid_unknown_fields=True):
    """Signs of life for any number of leases."""

    worker: WorkerName
    leases: Annotated[list[Beat], Meta(max_length=LEASES_MAX)] = []
    lease_seconds: LeaseSeconds = 30.0


class End(LeaseRef, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What an attempt ended with."""

    occurred_at: datetime | None = None
    message: Text | None = None
    metadata: dict[str, Any] | None = None
    result: Any | UnsetType = UNSET
    results: list[ResultIn] = []


class Completed(End, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An attempt that succeeded or, as it was asked to, was cancelled."""

    state: Literal["succeeded", "cancelled"] = "succeeded"


class Failed(End, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An attempt that failed; a retryable failure leads to another attempt, if one is left."""

    error: ErrorIn | None = None
    retryable: bool = True
    attempts_max: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)] | None,
        Meta(description="At least so many attempts, as the worker has it."),
    ] = None


class CompleteIn(Struct, forbid_unknown_fields=True):
    """Attempts that are over, and (in the same transaction) what to claim next."""

    leases: Annotated[list[Completed], Meta(min_length=1, max_length=LEASES_MAX)]
    worker: WorkerName | None = None
    claim: Claim | None = None


class FailIn(Struct, forbid_unknown_fields=True):
    """Attempts that failed, and (in the same transaction) what to claim next."""

    leases: Annotated[list[Failed], Meta(min_length=1, max_length=LEASES_MAX)]
    worker: WorkerName | None = None
    claim: Claim | None = None


class HandBackIn(Struct, forbid_unknown_fields=True):
    """Leases that a worker gives up; the attempts do not count."""

    leases: Annotated[list[LeaseRef], Meta(min_length=1, max_length=LEASES_MAX)]
    worker: WorkerName | None = None


class InputOut(Struct):
    """An input of a claimed task, and what it ended with."""

    id: str
    state: TaskState | None
    results: list[ResultOut]


class ClaimedOut(Struct):
    """A task that a worker holds from now on.

    `traceparent` (W3C) is that under which the task came into being; null: nobody traces it.
    """

    task: TaskOut
    lease_seq: int
    attempt: int
    expires_at: datetime
    inputs: list[InputOut] = []
    traceparent: str | None = None


class ClaimedList(Struct):
    """What was claimed; empty: there was nothing in time."""

    items: list[ClaimedOut]


class LeaseOut(Struct, kw_only=True, omit_defaults=True):
    """What became of what was said under a lease.

    `code` null: it was taken. `lease_superseded`: the lease is over, and `present_lease_seq` is the
    task's number; with the verdict `late`, the end is kept beside the task.
    """

    task_id: str
    lease_seq: int
    code: str | None = None
    detail: str | None = None
    present_lease_seq: int | None = None
    verdict: str | None = None
    state: TaskState | None = None
    attempt: int | None = None
    expires_at: datetime | None = None
    cancel: bool = False


class EndedList(Struct, omit_defaults=True):
    """What became of the ends, in their order, and what was claimed."""

    items: list[LeaseOut]
    claimed: list[ClaimedOut] = []


WorkerState = Literal["active", "paused", "draining"]
QueueState = Literal["active", "paused", "draining"]


class HeartbeatOut(Struct):
    """What became of the signs of life, what the worker shall do, and when to come again."""

    items: list[LeaseOut]
    worker_state: WorkerState
    interval_seconds: float
