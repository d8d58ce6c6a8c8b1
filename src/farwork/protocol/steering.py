"""What steers workers, on the wire: queues, kinds, limits, and workers themselves."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.protocol.leases import QueueState, WorkerState
from farwork.protocol.policies import PolicyIn
from farwork.protocol.reports import ShortText

RunningMax = Annotated[int, Meta(ge=0, le=2**31 - 1)]
LabelKey = Annotated[str, Meta(min_length=1, max_length=63)]


class QueueOut(Struct, kw_only=True):
    """A queue: how it is set, and how its tasks stand.

    `paused` and `draining`: nothing is claimed from it, and what runs goes on; `drained`: nothing
    runs any more. With `fair_by` a label, its values share the queue fairly. The oldest of those
    that wait came into being at `oldest_queued_at`; null: none waits.
    """

    name: str
    state: QueueState
    comment: str | None
    running_max: int | None
    fair_by: str | None
    tasks: dict[str, int]
    leases: int
    drained: bool
    oldest_queued_at: datetime | None = None
    updated_at: datetime | None
    updated_by: str | None


class QueuePage(Struct):
    """A page of queues by name; `next_cursor` null: the end."""

    items: list[QueueOut]
    next_cursor: str | None


class QueuePatch(Struct, forbid_unknown_fields=True):
    """What to change of a queue; left out: unchanged."""

    state: QueueState | UnsetType = UNSET
    comment: ShortText | UnsetType | None = UNSET
    running_max: RunningMax | UnsetType | None = UNSET
    fair_by: LabelKey | UnsetType | None = UNSET


class WorkerOut(Struct, kw_only=True):
    """A worker: what it offers, what it shall do, how many tasks it holds."""

    name: str
    state: WorkerState
    comment: str | None
    queues: list[str]
    labels: dict[str, str]
    leases: int
    started_at: datetime
    seen_at: datetime


class WorkerPage(Struct):
    """A page of workers, the last seen first; `next_cursor` null: the end."""

    items: list[WorkerOut]
    next_cursor: str | None


class WorkerPatch(Struct, forbid_unknown_fields=True):
    """What a worker shall do. A paused or draining one claims nothing."""

    state: WorkerState
    comment: ShortText | None = None


class KindIn(Struct, forbid_unknown_fields=True):
    """How new tasks of a kind are treated, where they do not say so themselves."""

    attempts_max: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    policy: PolicyIn = PolicyIn()


class KindOut(Struct):
    """How new tasks of a kind are treated."""

    name: str
    attempts_max: int | None
    policy: PolicyIn
    updated_at: datetime
    updated_by: str | None


class KindList(Struct):
    """The kinds that are set."""

    items: list[KindOut]


class LabelLimitIn(Struct, forbid_unknown_fields=True):
    """How many tasks with one value of a label may run."""

    running_max: RunningMax


class LabelLimitOut(Struct):
    """How many tasks with one value of a label may run, in all queues together."""

    key: str
    running_max: int
    updated_at: datetime
    updated_by: str | None


class LabelLimitList(Struct):
    """The labels that are limited."""

    items: list[LabelLimitOut]
