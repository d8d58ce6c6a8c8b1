"""Reading why a task stands where it stands: its inputs, its queue, what was last heard of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, or_, select, tuple_
from sqlalchemy.sql.expression import literal

from farwork.domain.task import Task
from farwork.domain.values import FINAL_STATES, Instant, TaskState
from farwork.storage import tables as t
from farwork.storage.claims import ACTIVE, slot_of
from farwork.storage.json import decode_text

AHEAD_MAX = 10_000
"""So many tasks of a queue are looked at to find out which go first."""
LATE_MAX = 20
PAST_MAX = 100
WORKERS_MAX = 1_000


@dataclass(slots=True)
class InputStanding:
    """How an input stands; state None: there is no such task."""

    id: str
    state: TaskState | None
    reason: str | None


@dataclass(slots=True)
class Heard:
    """A report, as far as the event tells."""

    event_id: int
    at: Instant
    attempt: int
    source: str | None
    state: TaskState | None
    verdict: str | None


@dataclass(slots=True)
class Ahead:
    """How many tasks of a queue go first; not `exact`: at least so many."""

    tasks: int
    exact: bool


@dataclass(slots=True)
class QueueStanding:
    """How a queue is set, how much of it is held, and how many workers may take a task from it."""

    state: str
    comment: str | None
    running_max: int | None
    leases: int
    workers: int
    # The names of workers that may, but are paused or draining, and how that was commented.
    stopped: dict[str, str | None] = field(default_factory=dict[str, str | None])
    # The labels of the task with which as many run as may, and how many that are.
    full: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class Past:
    """How long a task that succeeded had waited in its queue (None: unknown), and run."""

    waited: int | None
    ran: int


def past(connection: Connection, task: Task) -> list[Past]:
    """How the last tasks of the task's kind fared that succeeded."""
    c = t.tasks.c
    rows = connection.execute(
        select(c.queued_at, c.started_at, c.completed_at)
        .where(
            c.project == task.project,
            c.kind == task.kind,
            c.state == TaskState.SUCCEEDED.value,
            # As the index has it, which is by the last change.
            c.completed_at.is_not(None),
            c.legal_hold.is_(None),
        )
        .order_by(c.updated_at.desc(), c.pk.desc())
        .limit(PAST_MAX)
    )
    return [
        Past(
            None if queued is None else max(0, started - queued),
            max(0, completed - started),
        )
        for queued, started, completed in rows
        if started is not None
    ]


def queue(connection: Connection, task: Task, seen_after: Instant) -> QueueStanding:
    """How the queue of a task stands; workers count if they were seen after that."""
    q, w, leases = t.queues.c, t.workers.c, t.leases.c
    setting = connection.execute(
        select(q.state, q.comment, q.running_max).where(
            q.project == task.project, q.name == task.queue
        )
    ).one_or_none()
    held = connection.execute(
        select(func.count())
        .select_from(t.leases)
        .where(leases.project == task.project, leases.queue == task.queue)
    ).scalar_one()
    live = connection.execute(
        select(w.name, w.queues, w.labels, w.state, w.comment)
        .where(w.project == task.project, w.seen_at > seen_after)
        .order_by(w.seen_at.desc())
        .limit(WORKERS_MAX)
    ).all()
    able = [
        row
        for row in live
        if task.queue in decode_text(row.queues)
        and task.requires.items() <= decode_text(row.labels).items()
    ]
    stopped = {row.name: row.comment for row in able if row.state != ACTIVE}
    state, comment, running_max = (ACTIVE, None, None) if setting is None else setting
    full = _full(connection, task)
    workers = len(able) - len(stopped)
    return QueueStanding(state, comment, running_max, held, workers, stopped, full)


def _full(connection: Connection, task: Task) -> dict[str, int]:
    """The labels of a task with whose values as many tasks run as may, and how many that are."""
    if not task.labels:
        return {}
    limits, slots = t.label_limits.c, t.slots.c
    rows = connection.execute(
        select(limits.key, limits.running_max).where(
            limits.project == task.project, limits.key.in_(task.labels)
        )
    ).all()
    full: dict[str, int] = {}
    for key, running_max in rows:
        slot = slot_of(None, key, task.labels[key])
        taken = connection.execute(
            select(func.count())
            .select_from(t.slots)
            .where(slots.project == task.project, slots.slot == slot)
        ).scalar_one()
        if taken >= running_max:
            full[key] = running_max
    return full


def inputs(connection: Connection, project: str, ids: Collection[str]) -> list[InputStanding]:
    """How these inputs stand, in their order."""
    c = t.tasks.c
    rows = connection.execute(
        select(c.id, c.state, c.reason).where(c.project == project, c.id.in_(ids))
    )
    known = {row.id: InputStanding(row.id, TaskState(row.state), row.reason) for row in rows}
    return [known.get(id_) or InputStanding(id_, None, None) for id_ in ids]


def ahead(connection: Connection, task: Task) -> Ahead:
    """How many queued tasks of the task's queue go before it: of greater priority, or older."""
    c = t.tasks.c
    waiting = (
        c.project == task.project,
        c.queue == task.queue,
        c.state == TaskState.QUEUED.value,
        c.archived_at.is_(None),
    )
    place = tuple_(c.created_at, c.pk)
    here = tuple_(literal(task.created_at), literal(task.pk))
    older = select(c.priority).where(*waiting, place < here).order_by(c.created_at, c.pk)
    newer = select(c.priority).where(*waiting, place > here).order_by(c.created_at, c.pk)
    count, exact = 0, True
    for scanned, first in ((older, task.priority), (newer, task.priority + 1)):
        rows = scanned.limit(AHEAD_MAX).subquery()
        seen, going = connection.execute(
            select(func.count(), func.count().filter(rows.c.priority >= first)).select_from(rows)
        ).one()
        count += going
        exact &= seen < AHEAD_MAX
    return Ahead(count, exact)


def running(connection: Connection, project: str, queue: str) -> int:
    """How many tasks of a queue run, from the counters."""
    c = t.counters.c
    return int(
        connection.execute(
            select(func.coalesce(func.sum(c.tasks), 0)).where(
                c.project == project,
                c.queue == queue,
                c.state == TaskState.RUNNING.value,
                c.archived == 0,
            )
        ).scalar_one()
    )


_e = t.events.c
_HEARD = select(_e.position, _e.at, _e.attempt, _e.source, _e.fact, _e.verdict)


def last_heard(connection: Connection, key: int) -> Heard | None:
    """The last report about a task."""
    row = connection.execute(
        _HEARD.where(_e.task_pk == key, _e.type == "task.reported")
        .order_by(_e.position.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _heard(row)


def late_ends(connection: Connection, key: int) -> list[Heard]:
    """The reports of an end that came too late, the last one first."""
    rows = connection.execute(
        _HEARD.where(_e.task_pk == key, _e.verdict == "late")
        .order_by(_e.position.desc())
        .limit(LATE_MAX)
    )
    return [heard for row in rows if (heard := _heard(row)).state in FINAL_STATES]


def _heard(row: Any) -> Heard:
    said: dict[str, Any] = {} if row.fact is None else decode_text(row.fact)
    state = said.get("state")
    return Heard(
        row.position,
        row.at,
        row.attempt,
        row.source,
        None if state is None else TaskState(state),
        row.verdict,
    )


@dataclass(slots=True)
class Settled:
    """The event that brought a task into its state, and on whose word."""

    type: str
    at: Instant
    actor: str | None
    source: str | None


def settled(connection: Connection, task: Task) -> Settled | None:
    """What brought a task into its present state."""
    changed = or_(_e.before.is_(None), _e.before != _e.after)
    row = connection.execute(
        select(_e.type, _e.at, _e.actor, _e.source)
        .where(_e.task_pk == task.pk, _e.after == task.state.value, changed)
        .order_by(_e.position.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Settled(*row)
