"""The task: the narrow record that every decision reads and writes."""

from dataclasses import dataclass, field, fields
from operator import attrgetter

from farwork.domain.shards import ShardTally
from farwork.domain.values import (
    FINAL_STATES,
    Fault,
    Instant,
    OnInputFailure,
    Origin,
    SettledBy,
    TaskState,
)

IDENTITY_FIELDS = ("kind", "name", "queue", "labels", "external_ref")
"""What a report may say about the task itself, as long as nobody with more authority has said it."""


@dataclass(slots=True)
class Task:
    """One unit of work that runs elsewhere.

    `pk` is the storage's key (0 until stored). `mark` is the greatest mark absorbed in the present attempt: a report with a
    smaller one comes late and is folded in its place. `pinned` names the identity fields that reports no longer change.
    """

    project: str
    id: str
    created_at: Instant
    updated_at: Instant
    pk: int = 0
    kind: str = ""
    name: str | None = None
    queue: str = "default"
    state: TaskState = TaskState.CREATED
    reason: str | None = None
    reported_status: str | None = None
    percent: float = 0.0
    message: str | None = None
    error: Fault | None = None
    priority: int = 0
    labels: dict[str, str] = field(default_factory=dict[str, str])
    external_ref: str | None = None
    job_id: str | None = None
    inputs: tuple[str, ...] = ()
    inputs_pending: int = 0
    on_input_failure: OnInputFailure = OnInputFailure.CANCEL
    attempt: int = 1
    attempts_max: int = 1
    attempt_opened_at: Instant | None = None
    creator: str | None = None
    origin: Origin | None = None
    queued_at: Instant | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None
    archived_at: Instant | None = None
    version: int = 1
    has_result: bool = False
    items_total: int | None = None
    shards: ShardTally | None = None
    settled_by: SettledBy = SettledBy.NOBODY
    mark: str = ""
    pinned: frozenset[str] = frozenset()

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self.state in FINAL_STATES

    def draft(self) -> "Task":
        """A copy to change; the containers inside are replaced, never changed in place."""
        return Task(*_every_field(self))


_every_field = attrgetter(*(f.name for f in fields(Task)))
