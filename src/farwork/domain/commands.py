"""Commands: what may be asked of a task.

Each names its task, who asks, and (optionally) the version that was read.
"""

from dataclasses import dataclass, field

from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Fault, Instant, Json, Result, TaskState


@dataclass(slots=True, kw_only=True)
class Command:
    """Something asked of one task.

    Refused with `version_mismatch` unless the task has `if_version`, where that is given.
    """

    task_id: str
    actor: str | None = None
    if_version: int | None = None


@dataclass(slots=True)
class Details:
    """The wide part of a task, which lists leave out and decisions never read.

    `trace` is the W3C traceparent under which the task came into being.
    """

    params: dict[str, Json] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    extensions: dict[str, Json] = field(default_factory=dict)
    trace: str | None = None


@dataclass(slots=True)
class Callback:
    """Who is to be told of one task's events; which, `wanted` says as a hook's filter does."""

    url: str
    wanted: str
    format: str
    secret: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(slots=True, kw_only=True)
class CreateTask(Command):
    """Create a task as `task` describes it; `submit` lets it go at once.

    `shards` are queued, without a mark. The `callback` is told of the task from its creation on.
    """

    task: Task
    details: Details
    shards: list[Shard] = field(default_factory=list)
    submit: bool = True
    callback: Callback | None = None


@dataclass(slots=True)
class KeptResult:
    """A result with what another record knows of it; None: as of a new one.

    It belongs to an attempt (None: the present one); a `late` one stands beside the task's own.
    """

    result: Result
    attempt: int | None = None
    late: bool = False
    id: str | None = None
    created_at: Instant | None = None


@dataclass(slots=True, kw_only=True)
class ImportTask(Command):
    """Take a whole task with its history as it is, in place of any that has its id.

    `attempts` is the task as it stood at the end of each attempt before the present one.
    """

    task: Task
    details: Details
    results: list[KeptResult] = field(default_factory=list)
    attempts: list[Task] = field(default_factory=list)
    shards: list[Shard] = field(default_factory=list)
    shard_results: dict[int, Json] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ReportTask(Command):
    """Take a report; `register` says whether one about an unknown task makes the task known.

    `encoded` is the report as the log keeps it, where the caller has it already; `trace` is for the
    task that it makes known.
    """

    report: Report
    register: bool = True
    encoded: bytes | None = None
    trace: str | None = None


@dataclass(slots=True, kw_only=True)
class SubmitTask(Command):
    """Let a created task go."""


@dataclass(slots=True, kw_only=True)
class CancelTask(Command):
    """End the task.

    One that a worker holds is ended by the worker, which is asked to; with `force` at once.
    """

    reason: str | None = None
    force: bool = False


@dataclass(slots=True, kw_only=True)
class RetryTask(Command):
    """Begin another attempt."""


@dataclass(slots=True, kw_only=True)
class AdoptReport(Command):
    """Make a late end (the latest, or the one of event `event_id`) the task's end."""

    event_id: int | None = None


@dataclass(slots=True, kw_only=True)
class ArchiveTask(Command):
    """Put the task out of sight; `archived` demands that it is (or is not) so before."""

    archived: bool | None = None


@dataclass(slots=True, kw_only=True)
class RestoreTask(Command):
    """Bring an archived task back; `archived` demands that it is (or is not) so before."""

    archived: bool | None = None


@dataclass(slots=True, kw_only=True)
class DeleteTask(Command):
    """Remove the task for good; `archived` demands that it is (or is not) archived."""

    archived: bool | None = None


@dataclass(slots=True, kw_only=True)
class HoldTask(Command):
    """Put the task under a legal hold: nobody deletes it until it is released."""

    reason: str


@dataclass(slots=True, kw_only=True)
class ReleaseTask(Command):
    """Lift the task's legal hold."""


@dataclass(slots=True, kw_only=True)
class ChangeTask(Command):
    """Change what a task says of itself.

    `fields` are Task fields that no fact decides; those of its identity are pinned by it. Details
    are replaced, metadata is merged (null removes a key). `has_result` says whether the task has a
    result of its own once those have been removed that are removed with it.
    """

    fields: dict[str, Json] = field(default_factory=dict)
    params: dict[str, Json] | None = None
    metadata: dict[str, Json] | None = None
    extensions: dict[str, Json] | None = None
    has_result: bool | None = None

    def said(self) -> dict[str, Json]:
        """What it changes, by name."""
        wide = {
            "params": self.params,
            "metadata": self.metadata,
            "extensions": self.extensions,
        }
        return self.fields | {name: value for name, value in wide.items() if value is not None}


@dataclass(slots=True, kw_only=True)
class ExpireTask(Command):
    """Infer an end that nobody reported, unless the task was updated after `not_after`."""

    state: TaskState
    reason: str
    error: Fault | None = None
    not_after: Instant | None = None


@dataclass(slots=True, kw_only=True)
class ClaimTask(Command):
    """Let a worker hold the task, for so many microseconds unless it renews the lease."""

    worker: str
    lease_us: int


@dataclass(slots=True, kw_only=True)
class LeaseReport(ReportTask):
    """Take a report from the holder of a lease, and renew the lease.

    A `retryable` failure leads to another attempt, where there is one left of `attempts_max` or of
    those that the task has, whichever is more; `dice`, from 0 up to 1,
    decides what is left to chance in the pause before it.
    """

    lease_seq: int
    worker: str
    lease_us: int = 0
    retryable: bool = True
    attempts_max: int = 1
    dice: float = 0.0


@dataclass(slots=True, kw_only=True)
class RenewLease(Command):
    """Take a sign of life, which says nothing, from the holder of a lease."""

    lease_seq: int
    worker: str
    lease_us: int


@dataclass(slots=True, kw_only=True)
class HandBack(Command):
    """Let the task go back into its queue; the attempt does not count."""

    lease_seq: int


@dataclass(slots=True, kw_only=True)
class AnswerCancel(Command):
    """Note that the holder of the lease has heard of the cancellation or, with `refused`, won't."""

    lease_seq: int
    refused: bool = False
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class ReapLease(Command):
    """Look whether the lease has run out, and conclude what follows."""

    lease_seq: int
    dice: float = 0.0


@dataclass(slots=True, kw_only=True)
class CheckDeadline(Command):
    """Look whether a limit of the task has run out, and conclude what follows."""

    dice: float = 0.0


@dataclass(slots=True, kw_only=True)
class WakeTask(Command):
    """Make a task ready whose time has come."""


@dataclass(slots=True, kw_only=True)
class AddShards(Command):
    """Announce further shards; with `lease_seq` for whoever holds that lease.

    One that is there already, and covers the same items, is left as it is.
    """

    shards: list[Shard]
    lease_seq: int | None = None


@dataclass(slots=True, kw_only=True)
class RetryShard(Command):
    """Let a shard that ended without success be tried again."""

    index: int


@dataclass(slots=True, kw_only=True)
class CancelShard(Command):
    """End a shard; reports do not change that."""

    index: int
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class InputEnded(Command):
    """Tell a task that one of its inputs ended or, with `reopened`, is no longer as it had ended.

    `succeeded` says how it ended or had ended. An input that ends anew, with another outcome, is
    first reopened. A task that waits for inputs which have ended without success must be told so.
    """

    input_id: str
    succeeded: bool = True
    reopened: bool = False
