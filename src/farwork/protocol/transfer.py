"""Whole tasks with their history, as import takes them and export gives them."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain.task import IDENTITY_FIELDS
from farwork.domain.values import OnInputFailure, TaskState
from farwork.protocol.queries import Archived, TaskFilterQuery
from farwork.protocol.reports import (
    Count,
    ErrorIn,
    Id,
    Labels,
    Offset,
    OriginIn,
    Percent,
    ProgressIn,
    ShortText,
)
from farwork.protocol.tasks import Inputs, JsonObject, Priority, Queue

Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ShardRecord(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A shard of a task; without a state it is `queued`."""

    index: Offset
    external_ref: ShortText | None = None
    queue: ShortText | None = None
    item_count: Count = 1
    item_offset: Offset = 0
    state: TaskState | None = None
    reason: ShortText | None = None
    result: Any | UnsetType = UNSET
    error: ErrorIn | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ResultRecord(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A result of a task; without an attempt, of the present one.

    The data of the present attempt's result named `result` stands in the task's own `result`.
    """

    name: Annotated[str, Meta(min_length=1, max_length=255)] = "result"
    attempt: Count | None = None
    late: bool = False
    id: ShortText | None = None
    type: ShortText | None = None
    data: Any | UnsetType = UNSET
    files: list[JsonObject] = []
    created_at: datetime | None = None


class AttemptRecord(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An attempt that is over."""

    number: Count
    state: TaskState
    reason: ShortText | None = None
    progress: ProgressIn | Percent | None = None
    error: ErrorIn | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class TaskRecord(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A whole task with its history; only the id is required.

    Without a state it is `created`. Without `created_at` it was created at the earliest time given,
    without `updated_at` it was updated last at the latest; without any time, when it is imported.
    `items_total`, if it is left out, is `metadata.batch_size` if that is a count. `pinned` names
    the fields that reports do not change.
    """

    id: Id
    kind: ShortText | None = None
    name: ShortText | None = None
    queue: Queue | None = None
    state: TaskState | None = None
    reason: ShortText | None = None
    reported_status: ShortText | None = None
    progress: ProgressIn | Percent | None = None
    priority: Priority = 0
    labels: Labels = {}
    params: JsonObject = {}
    metadata: JsonObject = {}
    extensions: JsonObject = {}
    error: ErrorIn | None = None
    external_ref: ShortText | None = None
    job_id: Id | None = None
    inputs: Inputs = []
    on_input_failure: OnInputFailure = OnInputFailure.CANCEL
    attempt: Count = 1
    attempts_max: Count = 1
    creator: ShortText | None = None
    origin: OriginIn | None = None
    items_total: Count | UnsetType | None = UNSET
    pinned: Annotated[list[ShortText], Meta(max_length=len(IDENTITY_FIELDS))] = []
    version: Version = 1
    created_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    archived_at: datetime | None = None
    result: Any | UnsetType = UNSET
    results: Annotated[list[ResultRecord], Meta(max_length=10_000)] = []
    shards: Annotated[list[ShardRecord], Meta(max_length=10_000)] = []
    attempts: Annotated[list[AttemptRecord], Meta(max_length=10_000)] = []


class JobBody(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a job says of itself; only the id is required. Its state and counts are its tasks'."""

    id: Id
    name: ShortText | None = None
    parent_id: Id | None = None
    labels: Labels = {}
    metadata: JsonObject = {}
    creator: ShortText | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: Version = 1


class JobRecord(Struct, forbid_unknown_fields=True):
    """A job. It replaces the one that has its id; a parent that is not there comes into being."""

    job: JobBody


class ImportRefusal(Struct):
    """A record that was not taken: its line (of a list: its place, from 1 on), its id, and why."""

    line: int
    id: str | None
    reason: str


class ImportOut(Struct):
    """What became of the records; the first 1000 refusals are listed, all are counted.

    `created` and `replaced` count tasks, `jobs` the jobs that were taken.
    """

    created: int
    replaced: int
    refused: int
    refusals: list[ImportRefusal]
    jobs: int = 0


class ExportQuery(TaskFilterQuery, forbid_unknown_fields=True):
    """Which tasks to export, in the words of the list of tasks; archived ones too."""

    job_id: ShortText | None = None
    archived: Archived = "any"
