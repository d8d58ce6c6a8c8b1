"""Tasks on the wire."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain.values import CancelStanding, OnInputFailure, TaskState
from farwork.protocol.hooks import CallbackIn
from farwork.protocol.policies import LimitsIn, PolicyIn
from farwork.protocol.reports import (
    Count,
    ErrorIn,
    Id,
    Labels,
    Offset,
    OriginIn,
    Percent,
    ShortText,
)

Priority = Annotated[int, Meta(ge=-1000, le=1000, description="Greater goes first.")]
Queue = Annotated[str, Meta(min_length=1, max_length=255)]
Inputs = Annotated[
    list[Id], Meta(max_length=10_000, description="Ids of the tasks this one waits for.")
]
JsonObject = dict[str, Any]


class ShardCreate(Struct, forbid_unknown_fields=True):
    """A shard that is announced with its task."""

    index: Offset
    item_count: Count = 1
    item_offset: Offset = 0
    external_ref: ShortText | None = None
    queue: ShortText | None = None


class TaskCreate(Struct, forbid_unknown_fields=True):
    """A task to create. Without an id it gets a UUIDv7; with `submit` false it stays `created`."""

    id: Id | None = None
    kind: ShortText = ""
    name: ShortText | None = None
    queue: Queue = "default"
    priority: Priority = 0
    labels: Labels = {}
    params: JsonObject = {}
    metadata: JsonObject = {}
    extensions: JsonObject = {}
    external_ref: ShortText | None = None
    job_id: Id | None = None
    inputs: Inputs = []
    on_input_failure: OnInputFailure = OnInputFailure.CANCEL
    items_total: Count | None = None
    shards: Annotated[list[ShardCreate], Meta(max_length=10_000)] = []
    submit: bool = True
    requires: Annotated[Labels, Meta(description="Labels that a worker must offer.")] = {}
    attempts_max: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    not_before: Annotated[
        datetime | None, Meta(description="It is not ready before this time.")
    ] = None
    policy: Annotated[PolicyIn | None, Meta(description="Left out: the policy of its kind.")] = None
    callback: CallbackIn | None = None


class TaskPatch(Struct, forbid_unknown_fields=True):
    """What to change; left out: unchanged. In `metadata` a null removes its key."""

    kind: ShortText | UnsetType = UNSET
    name: ShortText | UnsetType | None = UNSET
    queue: Queue | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET
    params: JsonObject | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET
    extensions: JsonObject | UnsetType = UNSET
    external_ref: ShortText | UnsetType | None = UNSET
    job_id: Id | UnsetType | None = UNSET
    items_total: Count | UnsetType | None = UNSET


class Progress(Struct):
    """How far a task is."""

    percent: Percent
    message: str | None


class Lease(Struct):
    """A worker's hold on the present attempt; `expires_at` null: it has just changed."""

    seq: int
    worker: str
    expires_at: datetime | None


class ShardCounts(Struct):
    """How a task's shards stand; `items` are what they cover.

    With so many as are `needed` the task succeeds; null: with all.
    """

    total: int
    open: int
    succeeded: int
    failed: int
    cancelled: int
    items: int
    items_succeeded: int
    needed: int | None = None


class TaskSummary(Struct, kw_only=True):
    """A task as lists show it."""

    id: str
    project: str
    kind: str
    name: str | None
    queue: str
    state: TaskState
    reason: str | None
    reported_status: str | None
    progress: Progress
    priority: int
    labels: dict[str, str]
    error: ErrorIn | None
    external_ref: str | None
    job_id: str | None
    inputs: tuple[str, ...]
    on_input_failure: OnInputFailure
    attempt: int
    attempts_max: int
    lease: Lease | None = None
    limits: LimitsIn = LimitsIn()
    requires: dict[str, str] = {}
    not_before: datetime | None = None
    cancel: CancelStanding | None = None
    legal_hold: str | None = None
    creator: str | None
    origin: OriginIn | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    archived_at: datetime | None
    version: int
    has_result: bool
    items_total: int | None
    shards: ShardCounts | None


class TaskOut(TaskSummary, kw_only=True):
    """A task, whole. Its results are fetched beside it."""

    params: JsonObject
    metadata: JsonObject
    extensions: JsonObject


class TaskPage(Struct):
    """A page of a list; `next_cursor` null: the end."""

    items: list[TaskSummary]
    next_cursor: str | None


class TaskWaited(Struct):
    """How a task stands after waiting; `met`: as it was waited for, not because time ran out."""

    met: bool
    task: TaskSummary


class VerbIn(Struct, forbid_unknown_fields=True):
    """Nothing need be said with a verb."""


class CancelIn(Struct, forbid_unknown_fields=True):
    """Why a task is cancelled. With `force` the worker that holds it is not asked first."""

    reason: ShortText | None = None
    force: bool = False


class AdoptIn(Struct, forbid_unknown_fields=True):
    """Which late end is meant; null: the latest."""

    event_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class ReportOut(Struct):
    """What became of a report, and how its task stands from then on."""

    task_id: str
    verdict: str
    reason: str | None
    event_id: int | None
    state: str | None
    version: int | None


class ReportList(Struct):
    """What became of several reports, in their order."""

    items: list[ReportOut]
