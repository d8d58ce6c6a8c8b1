"""Reports: statements from outside about a task, in any order, any number of times."""

from dataclasses import dataclass, field

from farwork.domain.values import Fault, Instant, Json, Origin, Result, TaskState


@dataclass(slots=True)
class ShardStatement:
    """What a report says about one shard; None means: nothing said."""

    index: int
    state: TaskState | None = None
    reason: str | None = None
    external_ref: str | None = None
    queue: str | None = None
    item_count: int | None = None
    item_offset: int | None = None
    error: Fault | None = None
    result: Json = None
    has_result: bool = False


@dataclass(slots=True)
class Report:
    """One statement about a task; None means: nothing said.

    `occurred_at` is when it happened outside. `attempt` None lets the time say which attempt is
    meant. `mark` orders it among everything said about that attempt (see `marks`), `dedup`
    recognises it when it comes again, `note` is what its translation has to say of it, `extra`
    keeps what the sender said beyond our words.
    """

    task_id: str
    occurred_at: Instant
    mark: str = ""
    dedup: int = 0
    source: str | None = None
    delivery_id: str | None = None
    attempt: int | None = None
    state: TaskState | None = None
    reason: str | None = None
    reported_status: str | None = None
    percent: float | None = None
    message: str | None = None
    error: Fault | None = None
    metadata: dict[str, Json] | None = None
    results: list[Result] = field(default_factory=list)
    started_at: Instant | None = None
    completed_at: Instant | None = None
    kind: str | None = None
    name: str | None = None
    queue: str | None = None
    labels: dict[str, str] | None = None
    external_ref: str | None = None
    job_id: str | None = None
    origin: Origin | None = None
    shard: ShardStatement | None = None
    note: str | None = None
    extra: dict[str, Json] | None = None

    @property
    def ends(self) -> bool:
        """Whether it says that the task has ended."""
        return self.state is not None and self.state.is_final

    @property
    def tells_of_task(self) -> bool:
        """Whether it says something of the task itself, whichever attempt it is about."""
        return bool(
            self.kind
            or self.name
            or self.queue
            or self.labels
            or self.external_ref
            or self.job_id
            or self.origin
        )
