"""What a decision is made of: what must be known of a task, and what must be written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from farwork.domain import commands as c
from farwork.domain.errors import TaskNotFound
from farwork.domain.events import Event, EventType
from farwork.domain.facts import CommandFact, Fact
from farwork.domain.fold import absorb, absorbs, refold
from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, Result, Verdict


class Needs(Enum):
    """The part of a task's history that the decision rests on."""

    TIMELINE = auto()
    SHARDS = auto()
    LATE_REPORT = auto()
    LEASE = auto()
    HOLD = auto()


@dataclass(slots=True)
class LateReport:
    """A report of an end that came too late, with the id of its event."""

    event_id: int
    attempt: int
    report: Report


@dataclass(slots=True)
class Known:
    """What is known of a task beyond its narrow record; None means: not loaded.

    `seen` says whether the report came before. `timeline` holds every fact of the task, in the
    order of its log; what lies before the last `Opened` may be left out. `shards` holds all of
    them, by index. `lease_ends_at` is when the present lease runs out. `hold` says why retention
    holds tasks like this one.
    """

    seen: bool = False
    timeline: Sequence[Fact] | None = None
    shards: Mapping[int, Shard] | None = None
    late_report: LateReport | None = None
    late_report_loaded: bool = False
    lease_ends_at: Instant | None = None
    hold: str | None = None
    hold_loaded: bool = False


@dataclass(slots=True)
class ResultRecord:
    """A result to keep.

    `rank` decides between two of one name; `late` ones stand beside the task's own. One that has no
    id or time yet gets them when it is written.
    """

    attempt: int
    rank: str
    late: bool
    result: Result
    id: str | None = None
    created_at: Instant | None = None


@dataclass(slots=True)
class LeaseTerm:
    """A lease from now on: its number, its holder, when it runs out unless it is renewed."""

    lease_seq: int
    worker: str
    ends_at: Instant


@dataclass(slots=True)
class ClosedAttempt:
    """How an attempt stood when the next one began."""

    task: Task


def _no_shard_results() -> dict[int, tuple[Json, str]]:
    return {}


@dataclass(slots=True)
class Decision:
    """What must be written: the task as it is from then on (None: it is gone), what happened.

    A decision without events changes nothing that readers see.
    """

    task: Task | None
    events: Sequence[Event] = ()
    verdict: Verdict | None = None
    reason: str | None = None
    details: c.Details | None = None
    change: c.ChangeTask | None = None
    metadata: tuple[dict[str, Json], str] | None = None
    results: Sequence[ResultRecord] = ()
    adopted: LateReport | None = None
    shards: Sequence[Shard] = ()
    shard_results: Mapping[int, tuple[Json, str]] = field(default_factory=_no_shard_results)
    closed: Sequence[ClosedAttempt] = ()
    replaces: bool = False
    inputs: tuple[str, ...] = ()
    lease: LeaseTerm | None = None


def present(task: Task | None, command: c.Command) -> Task:
    """The task of a command; refused with `task_not_found` if there is none."""
    if task is None:
        raise TaskNotFound.of(command.task_id)
    return task


def decided(
    before: Task, after: Task, event_type: EventType, now: Instant, command: c.Command
) -> Decision:
    """The decision that `command` makes `before` into `after`, with one event of that type."""
    after.version = before.version + 1
    after.updated_at = now
    event = Event(
        type=event_type,
        at=now,
        attempt=after.attempt,
        before=before.state,
        after=after.state,
        version=after.version,
        actor=command.actor,
        reason=after.reason,
    )
    return Decision(after, [event])


def take(
    task: Task, fact: CommandFact, event_type: EventType, known: Known, command: c.Command
) -> Decision | Needs:
    """Let a command's fact, later than all that is known, change the task."""
    after = task.draft()
    if absorbs(task, fact):
        absorb(after, fact)
    elif known.timeline is None:
        return Needs.TIMELINE
    else:
        refold(after, [*known.timeline, fact])
    decision = decided(task, after, event_type, fact.at, command)
    decision.events[0].fact = fact
    return decision
