"""What hangs on a task, on the wire: attempts, results, shards, the graph, the explanation."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain.values import TaskState
from farwork.protocol.reports import ErrorIn
from farwork.protocol.tasks import Progress


class AttemptOut(Struct, kw_only=True):
    """One try at a task; `current`: the present one.

    `worker`: who took it under a lease; null for what is known by reports alone.
    """

    number: int
    current: bool
    state: TaskState
    reason: str | None
    progress: Progress
    error: ErrorIn | None
    queued_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    worker: str | None = None


class AttemptList(Struct):
    """Every attempt at a task, oldest first."""

    items: list[AttemptOut]


class ResultOut(Struct, kw_only=True):
    """One output record.

    A `late` one came when its attempt was over, and is not the task's own unless it is adopted.
    Without an id it is put together from the results of the task's shards.
    """

    id: str | None
    attempt: int
    name: str
    type: str | None
    data: Any
    files: list[dict[str, Any]]
    late: bool
    created_at: datetime


class ResultPage(Struct):
    """A page of results: the present attempt's own first, then late ones, then earlier attempts'.

    `next_cursor` null: the end.
    """

    items: list[ResultOut]
    next_cursor: str | None


class ShardOut(Struct, kw_only=True):
    """One of the platform-side submissions of a task. `result` is there if it was asked for."""

    index: int
    state: TaskState
    reason: str | None
    external_ref: str | None
    queue: str | None
    item_count: int
    item_offset: int
    error: ErrorIn | None
    has_result: bool
    created_at: datetime
    updated_at: datetime
    result: Any | UnsetType = UNSET


class ShardPage(Struct):
    """A page of shards by index; `next_cursor` null: the end."""

    items: list[ShardOut]
    next_cursor: str | None


class Node(Struct, kw_only=True):
    """A task of the graph.

    `level` counts steps from the task that was asked for: inputs are below zero. `known` false: an
    input that does not exist.
    """

    id: str
    level: int
    known: bool
    state: TaskState | None
    kind: str | None
    name: str | None
    queue: str | None


class Edge(Struct, rename={"input_id": "from", "task_id": "to"}):
    """The task `to` waits for the task `from`."""

    input_id: str
    task_id: str


class Graph(Struct):
    """The tasks around a task. `truncated`: there are more, beyond the depth or the limit."""

    task_id: str
    nodes: list[Node]
    edges: list[Edge]
    truncated: bool


class OpenInput(Struct):
    """An input that has not ended as the task needs it; state null: there is no such task."""

    id: str
    state: TaskState | None
    reason: str | None


class QueuePlace(Struct):
    """Where a queued task stands.

    `ahead` tasks of its queue go first (`ahead_is_exact` false: at least so many), and so many run.
    """

    queue: str
    ahead: int
    ahead_is_exact: bool
    running: int


class Likely(Struct):
    """When something will likely happen, from the last tasks of the kind that succeeded.

    Half of the `samples` would say `at` or earlier, nine of ten `at_latest` or earlier. Samples are
    those that had not ended after as long as this task has taken already.
    """

    at: datetime
    at_latest: datetime
    samples: int


class LastReport(Struct):
    """The last sign of life."""

    event_id: int
    received_at: datetime
    source: str | None
    state: TaskState | None
    verdict: str | None


class LateReport(Struct):
    """A report of an end that came too late. It can be adopted."""

    event_id: int
    attempt: int
    received_at: datetime
    source: str | None
    state: TaskState


WaitsFor = Literal["submit", "inputs", "operator", "worker", "time", "report", "shards", "nothing"]


class Explanation(Struct, kw_only=True):
    """Why a task stands where it stands, and what will move it."""

    task_id: str
    state: TaskState
    reason: str | None
    since: Annotated[datetime | None, Meta(description="Since when the task is in this state.")]
    waits_for: Annotated[WaitsFor, Meta(description="What will move it.")]
    summary: Annotated[str, Meta(description="The same in words.")]
    can: Annotated[list[str], Meta(description="The verbs that an operator may use on it.")]
    settled_by: Annotated[str | None, Meta(description="On whose word the end rests.")]
    inputs_open: list[OpenInput]
    inputs_open_count: int
    place: QueuePlace | None
    shards_open: int
    likely_start: Annotated[Likely | None, Meta(description="Null: unknown, or it has started.")]
    likely_finish: Annotated[Likely | None, Meta(description="Null: unknown, or it has ended.")]
    last_report: LastReport | None
    late_reports: list[LateReport]
    archived_at: datetime | None


class Counts(Struct):
    """How many tasks there are, by the word that was asked for."""

    by: str
    archived: bool
    counts: dict[str, int]
    total: int
