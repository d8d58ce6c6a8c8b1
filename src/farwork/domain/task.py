"""The task: the narrow record that every decision reads and writes."""

from dataclasses import dataclass, field, fields
from operator import attrgetter

from farwork.domain.shards import ShardTally
from farwork.domain.values import (
    CancelStanding,
    Fault,
    Instant,
    OnInputFailure,
    Origin,
    Policy,
    SettledBy,
    TaskState,
)

IDENTITY_FIELDS = ("kind", "name", "queue", "labels", "external_ref", "job_id")
"""What a report may say of the task itself, as long as nobody with more authority has said it."""

CHANGEABLE_FIELDS = {*IDENTITY_FIELDS, "priority", "attempts_max", "items_total"}
"""What an operator may change of a task: what is neither said of an attempt nor counted by us."""

LABELS_MAX = 64
"""A report that would give a task more labels than this leaves them as they are."""


@dataclass(slots=True)
class Task:
    """One unit of work that runs elsewhere.

    `pk` is the storage's key (0 until stored). `mark` is the greatest mark absorbed in the present
    attempt: a report with a smaller one comes late and is folded in its place. `pinned` names the
    identity fields that reports no longer change. `version` counts the changes that readers can
    see. `inputs_pending` counts the inputs that have not ended as the task needs it: with success
    or, under the policy `run`, at all.

    `worker` holds the present attempt under the lease `lease_seq`, a number that only grows; where
    there is no `worker`, nobody holds it. `requires` are labels that a worker must offer.
    Nobody deletes it while there is a `legal_hold`, which says why. It was brought back from the
    archive at `restored_at`.
    `deadline_at` is when a limit may run out, or earlier; `lane` keeps tasks apart that not every
    worker may take at the same time. `lease_ends_at` is known to readers alone.
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
    labels: dict[str, str] = field(default_factory=dict)
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
    requires: dict[str, str] = field(default_factory=dict)
    policy: Policy | None = None
    not_before: Instant | None = None
    lease_seq: int = 0
    worker: str | None = None
    cancel: CancelStanding | None = None
    deadline_at: Instant | None = None
    lane: str = ""
    legal_hold: str | None = None
    restored_at: Instant | None = None
    lease_ends_at: Instant | None = None

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self.state.is_final

    @property
    def is_ready(self) -> bool:
        """Whether a worker may claim it."""
        return (
            self.state is TaskState.QUEUED
            and self.worker is None
            and self.not_before is None
            and self.archived_at is None
        )

    @property
    def is_settled(self) -> bool:
        """Whether the task has ended on the word of a report or of an operator."""
        by = self.settled_by
        return by is SettledBy.REPORT or by is SettledBy.OPERATOR

    def draft(self) -> "Task":
        """A copy to change; the containers inside are replaced, never changed in place."""
        return Task(*_every_field(self))

    def looks_like(self, other: "Task") -> bool:
        """Whether readers can see no difference between the two."""
        # Progress is what changes most: it spares the look at everything else.
        return self.percent == other.percent and _visible_fields(self) == _visible_fields(other)


_HIDDEN = {"pk", "created_at", "updated_at", "version", "inputs_pending", "mark", "settled_by"} | {
    "deadline_at",
    "lane",
    "lease_ends_at",
    "restored_at",
}
_FIELDS = tuple(f.name for f in fields(Task))
_every_field = attrgetter(*_FIELDS)
_visible_fields = attrgetter(*(name for name in _FIELDS if name not in _HIDDEN))
