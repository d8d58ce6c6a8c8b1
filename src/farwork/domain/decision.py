"""What a decision is made of: what must be known of a task, and what must be written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from farwork.domain import commands as c
from farwork.domain.errors import TaskNotFound
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Fact
from farwork.domain.fold import absorb, refold, settle_by_shards
from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, Result, Verdict


class Needs(Enum):
    """The part of a task's history that the decision rests on."""

    TIMELINE = auto()
    SHARDS = auto()
    LATE_REPORT = auto()


@dataclass(slots=True)
class Known:
    """What is known of a task beyond its narrow record; None means: not loaded."""

    seen: bool = False
    timeline: Sequence[Fact] | None = None
    shards: Mapping[int, Shard] | None = None
    late_report: "LateReport | None" = None
    late_report_loaded: bool = False


@dataclass(slots=True)
class LateReport:
    """A report of an end that came too late, with the id of its event."""

    event_id: int
    attempt: int
    report: Report


@dataclass(slots=True)
class ResultRecord:
    """A result to keep. `rank` decides between two of one name; `late` ones stand beside the task's own."""

    attempt: int
    rank: str
    late: bool
    result: Result


@dataclass(slots=True)
class ClosedAttempt:
    """How an attempt stood when the next one began."""

    task: Task


@dataclass(slots=True)
class Decision:
    """What must be written: the task as it is from then on (None: it is gone), and what happened."""

    task: Task | None
    events: list[Event] = field(default_factory=list[Event])
    verdict: Verdict | None = None
    reason: str | None = None
    details: c.Details | None = None
    change: c.ChangeTask | None = None
    metadata: tuple[dict[str, Json], str] | None = None
    results: list[ResultRecord] = field(default_factory=list[ResultRecord])
    adopted: LateReport | None = None
    shards: list[Shard] = field(default_factory=list[Shard])
    shard_results: dict[int, tuple[Json, str]] = field(
        default_factory=dict[int, tuple[Json, str]]
    )
    closed: ClosedAttempt | None = None
    replaces: bool = False
    inputs: tuple[str, ...] = ()


def present(task: Task | None, command: c.Command) -> Task:
    if task is None:
        raise TaskNotFound.of(command.task_id)
    return task


def decided(  # noqa: PLR0913 - one place that stamps the version and the event alike
    before: Task,
    after: Task,
    event_type: EventType,
    now: Instant,
    *,
    actor: str | None,
    fact: Fact | None = None,
    data: dict[str, Json] | None = None,
) -> Decision:
    after.version = before.version + 1
    after.updated_at = now
    event = Event(
        type=event_type,
        at=now,
        attempt=after.attempt,
        before=before.state,
        after=after.state,
        version=after.version,
        actor=actor,
        reason=after.reason,
        fact=fact,
        data=data or {},
    )
    return Decision(after, [event])


def take(
    task: Task, fact: Fact, event_type: EventType, now: Instant, known: Known, actor: str | None
) -> Decision | Needs:
    """Absorb a command's fact, in its place if something later has been absorbed before."""
    after = task.draft()
    if fact.mark > task.mark:
        absorb(after, fact)
        settle_by_shards(after)
    elif known.timeline is None:
        return Needs.TIMELINE
    else:
        refold(after, [*known.timeline, fact])
    return decided(task, after, event_type, now, actor=actor, fact=fact)
