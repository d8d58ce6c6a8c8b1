"""Events: the facts that we append to the log, in the words of the change feed."""

from dataclasses import dataclass, field
from enum import StrEnum

from farwork.domain.facts import Fact
from farwork.domain.values import Instant, Json, TaskState, Verdict


class EventType(StrEnum):
    """What happened."""

    TASK_CREATED = "task.created"
    TASK_REGISTERED = "task.registered"
    TASK_IMPORTED = "task.imported"
    TASK_SUBMITTED = "task.submitted"
    TASK_UNBLOCKED = "task.unblocked"
    TASK_HELD = "task.held"
    TASK_REPORTED = "task.reported"
    TASK_CANCELLED = "task.cancelled"
    TASK_EXPIRED = "task.expired"
    TASK_RETRIED = "task.retried"
    TASK_READY = "task.ready"
    TASK_CLAIMED = "task.claimed"
    TASK_HANDED_BACK = "task.handed_back"
    TASK_LOST = "task.lost"
    TASK_FOUND = "task.found"
    TASK_CANCEL_REQUESTED = "task.cancel_requested"
    TASK_CANCEL_DELIVERED = "task.cancel_delivered"
    TASK_CANCEL_REFUSED = "task.cancel_refused"
    TASK_SHARDS_ADDED = "task.shards_added"
    TASK_SHARD_RETRIED = "task.shard_retried"
    TASK_SHARD_CANCELLED = "task.shard_cancelled"
    TASK_ADOPTED = "task.adopted"
    TASK_CHANGED = "task.changed"
    TASK_HOLD_PLACED = "task.hold_placed"
    TASK_HOLD_LIFTED = "task.hold_lifted"
    TASK_ARCHIVED = "task.archived"
    TASK_RESTORED = "task.restored"
    TASK_DELETED = "task.deleted"
    JOB_CREATED = "job.created"
    JOB_CHANGED = "job.changed"
    JOB_DELETED = "job.deleted"
    HOOK_FAILING = "hook.failing"
    HOOK_RECOVERED = "hook.recovered"
    HOOK_DISABLED = "hook.disabled"


@dataclass(slots=True)
class Event:
    """One entry of the log.

    `fact` is its part in the fold of the task's log (None: it has none). `data` is what readers see
    beyond the columns.
    """

    type: EventType
    at: Instant
    attempt: int = 1
    before: TaskState | None = None
    after: TaskState | None = None
    version: int = 0
    actor: str | None = None
    source: str | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    dedup: int | None = None
    fact: Fact | None = None
    data: dict[str, Json] = field(default_factory=dict)
