"""What a request may say in its query string. A field that is a list may be given several times."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from farwork.domain.values import TaskState

POSITION_MAX = 2**63 - 1
WAIT_SECONDS_MAX = 60
STREAM_SECONDS_MAX = 86_400

Limit = Annotated[
    int, Meta(ge=1, le=2**31 - 1, description="How many at most; more than 500 count as 500.")
]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before.")]
Position = Annotated[
    int, Meta(ge=0, le=POSITION_MAX, description="A position in the change feed: an event's id.")
]
Wait = Annotated[
    float,
    Meta(ge=0, le=WAIT_SECONDS_MAX, description="How many seconds to wait for it, 60 at most."),
]
Word = Annotated[str, Meta(max_length=255)]
LabelPair = Annotated[
    str,
    Meta(
        pattern=r"^[^=]+=",
        max_length=320,
        description="`key=value`; several: all of them.",
        extra={"rule": "must be of the form key=value"},
    ),
]
Archived = Literal["false", "true", "any"]


class NoQuery(Struct, forbid_unknown_fields=True):
    """Nothing."""


class PageQuery(Struct, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


class TaskFilterQuery(Struct, forbid_unknown_fields=True):
    """Which tasks. Several values of one kind: any of them."""

    state: list[TaskState] = []
    reason: list[Word] = []
    kind: list[Word] = []
    queue: list[Word] = []
    label: list[LabelPair] = []
    creator: Word | None = None
    external_ref: Word | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    archived: Archived = "false"


class JobTasksQuery(TaskFilterQuery, forbid_unknown_fields=True):
    """Which of a job's tasks, in which order, and which page of them."""

    order: Literal["created", "updated", "completed"] = "created"
    direction: Literal["desc", "asc"] = "desc"
    limit: Limit = 50
    cursor: Cursor | None = None


class TaskQuery(JobTasksQuery, forbid_unknown_fields=True):
    """Which tasks, in which order, and which page of them."""

    job_id: Word | None = None


class TaskEventsQuery(Struct, forbid_unknown_fields=True):
    """Which of a task's events: those behind `after`, in the given direction."""

    after: Position | None = None
    direction: Literal["asc", "desc"] = "asc"
    limit: Limit = 50


class ShardsQuery(PageQuery, forbid_unknown_fields=True):
    """Which page of a task's shards, and whether with their results."""

    results: Literal["false", "true"] = "false"


class ResultsQuery(PageQuery, forbid_unknown_fields=True):
    """Which page of a task's results; of one attempt only, if that is given."""

    attempt: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class GraphQuery(Struct, forbid_unknown_fields=True):
    """How far from the task to look, and in which direction."""

    direction: Literal["both", "up", "down"] = "both"
    depth: Annotated[int, Meta(ge=1, le=100, description="Steps from the task.")] = 10
    limit: Annotated[int, Meta(ge=1, le=1000, description="Tasks at most.")] = 200


class WaitQuery(Struct, forbid_unknown_fields=True):
    """What to wait for: one of these states (none given: a final one), or a later version."""

    wait: Wait = 30.0
    state: list[TaskState] = []
    after_version: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


class CountsQuery(Struct, forbid_unknown_fields=True):
    """By what to count, and whether archived tasks or the others."""

    by: Literal["state", "queue", "kind"] = "state"
    archived: Literal["false", "true"] = "false"


class JobsQuery(PageQuery, forbid_unknown_fields=True):
    """Which page of the jobs; of those inside `parent_id` only, if that is given."""

    parent_id: Word | None = None


class JobDeleteQuery(Struct, forbid_unknown_fields=True):
    """Whether the tasks of the job, and the jobs inside it, go with it."""

    with_tasks: Literal["false", "true"] = "false"


class EventFilterQuery(Struct, forbid_unknown_fields=True):
    """Which events. Several values of one kind: any of them."""

    type: list[Word] = []
    task: list[Word] = []
    job: list[Word] = []
    kind: list[Word] = []
    queue: list[Word] = []
    label: list[LabelPair] = []


class FeedQuery(EventFilterQuery, forbid_unknown_fields=True):
    """Which events behind `after`."""

    after: Position = 0
    limit: Limit = 50
    wait: Wait = 0.0


class StreamQuery(EventFilterQuery, forbid_unknown_fields=True):
    """Which events behind `after` (not given: from now on), and for how long."""

    after: Position | None = None
    seconds: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=STREAM_SECONDS_MAX,
                description="The stream ends after so many seconds, but not before it has caught "
                "up with the log; without this, it does not end.",
            ),
        ]
        | None
    ) = None


class KeysQuery(Struct, forbid_unknown_fields=True):
    """Whose API keys: another project's are for admins of the default project."""

    project: Word | None = None


class OperationQuery(Struct, forbid_unknown_fields=True):
    """How long to wait for the end of an operation."""

    wait: Wait = 0.0
