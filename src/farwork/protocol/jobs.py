"""Jobs on the wire."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain.jobs import JobState
from farwork.domain.values import TaskState
from farwork.protocol.reports import Id, Labels, ShortText
from farwork.protocol.tasks import JsonObject


class JobCreate(Struct, forbid_unknown_fields=True):
    """A job to create. Without an id it gets a UUIDv7. It may stand inside another job."""

    id: Id | None = None
    name: ShortText | None = None
    parent_id: Id | None = None
    labels: Labels = {}
    metadata: JsonObject = {}


class JobPatch(Struct, forbid_unknown_fields=True):
    """What to change; left out: unchanged. In `metadata` a null removes its key."""

    name: ShortText | UnsetType | None = UNSET
    parent_id: Id | UnsetType | None = UNSET
    labels: Labels | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


class JobCounts(Struct):
    """How many tasks of a job stand in each state."""

    created: int = 0
    blocked: int = 0
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


class JobOut(Struct, kw_only=True):
    """A job. Its state and counts follow from its tasks and those of the jobs inside it.

    `counts_complete` false: it holds too many jobs to be summed up; the counts are a lower bound.
    """

    id: str
    project: str
    name: str | None
    parent_id: str | None
    state: JobState
    counts: JobCounts
    counts_complete: bool
    tasks: Annotated[int, Meta(description="The sum of the counts.")]
    jobs: Annotated[int, Meta(description="How many jobs are inside it, at any depth.")]
    labels: dict[str, str]
    metadata: dict[str, Any]
    creator: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class JobPage(Struct):
    """A page of jobs, newest first; `next_cursor` null: the end."""

    items: list[JobOut]
    next_cursor: str | None


class Refusal(Struct):
    """Why a verb was not carried out on a task."""

    code: str
    detail: str


class TaskOrdered(Struct):
    """What became of one task under a verb."""

    task_id: str
    state: TaskState | None
    version: int | None
    refusal: Refusal | None


class JobOrdered(Struct):
    """What became of a job's tasks under a verb.

    `skipped` are those that the verb does not concern, such as ended tasks when a job is cancelled.
    `items` lists the others, refused ones first, up to a bound.
    """

    verb: str
    done: int
    refused: int
    skipped: int
    items: list[TaskOrdered]
