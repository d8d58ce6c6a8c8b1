"""How queues, kinds and labels are set, in their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.task import Task
from farwork.domain.values import Instant, Policy
from farwork.storage import tables as t
from farwork.storage.claims import Settings, read_settings
from farwork.storage.engine import is_postgresql
from farwork.storage.json import encode_text
from farwork.storage.rows import TASK_COLUMNS, policy_from, task_from
from farwork.storage.statements import Statements

_queues = t.queues.c
_kinds = t.kinds.c
_limits = t.label_limits.c
_leases = t.leases.c
RELANE_AT_ONCE = 1_000


@dataclass(slots=True)
class QueueRow:
    """A queue: how it is set, and how its tasks stand."""

    name: str
    state: str = "active"
    comment: str | None = None
    running_max: int | None = None
    fair_by: str | None = None
    updated_at: Instant | None = None
    updated_by: str | None = None
    tasks: dict[str, int] = field(default_factory=dict[str, int])
    leases: int = 0
    oldest_queued_at: Instant | None = None


@dataclass(slots=True)
class KindRow:
    """How new tasks of a kind are treated."""

    name: str
    attempts_max: int | None
    policy: Policy
    updated_at: Instant
    updated_by: str | None


@dataclass(slots=True)
class LabelLimitRow:
    """How many tasks with one value of a label may run."""

    key: str
    running_max: int
    updated_at: Instant
    updated_by: str | None


def _upsert(connection: Connection, table: Any, key: str, values: Mapping[str, Any]) -> None:
    insert: Any = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(table).values(**values)
    changed = {name: value for name, value in values.items() if name not in ("project", key)}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["project", key], set_=changed)
    )


# --- queues ---


def queues(
    connection: Connection, project: str, *, after: str, limit: int, name: str | None = None
) -> list[QueueRow]:
    """The queues that have tasks or are set, by name, from behind `after`; or that of a name."""
    counters = t.counters.c
    known = (
        (
            select(counters.queue.label("name")).where(
                counters.project == project, counters.tasks > 0
            )
        )
        .union(select(_queues.name).where(_queues.project == project))
        .subquery()
    )
    wanted = known.c.name > after if name is None else known.c.name == name
    names = connection.execute(
        select(known.c.name).where(wanted).order_by(known.c.name).limit(limit)
    ).scalars()
    rows = {one: QueueRow(one) for one in names}
    _settings(connection, project, rows)
    _standing(connection, project, rows)
    return list(rows.values())


def _settings(connection: Connection, project: str, rows: dict[str, QueueRow]) -> None:
    found = connection.execute(
        select(t.queues).where(_queues.project == project, _queues.name.in_(list(rows)))
    )
    for one in found:
        row = rows[one.name]
        row.state, row.comment = one.state, one.comment
        row.running_max, row.fair_by = one.running_max, one.fair_by
        row.updated_at, row.updated_by = one.updated_at, one.updated_by


def _standing(connection: Connection, project: str, rows: dict[str, QueueRow]) -> None:
    counters = t.counters.c
    counted = connection.execute(
        select(counters.queue, counters.state, func.sum(counters.tasks))
        .where(
            counters.project == project,
            counters.queue.in_(list(rows)),
            counters.archived == 0,
            counters.tasks > 0,
        )
        .group_by(counters.queue, counters.state)
    )
    for queue, state, tasks in counted:
        rows[queue].tasks[state] = int(tasks)
    held = connection.execute(
        select(_leases.queue, func.count())
        .where(_leases.project == project, _leases.queue.in_(list(rows)))
        .group_by(_leases.queue)
    )
    for queue, leases in held:
        rows[queue].leases = leases
    for row in rows.values():
        if row.tasks.get("queued"):
            row.oldest_queued_at = oldest_queued(connection, project, row.name)


def oldest_queued(connection: Connection, project: str, queue: str) -> Instant | None:
    """When the oldest queued task of a queue came into being; None: none is queued."""
    c = t.tasks.c
    found: Instant | None = connection.execute(
        select(c.created_at)
        .where(
            c.project == project,
            c.queue == queue,
            c.state == "queued",
            c.archived_at.is_(None),
        )
        .order_by(c.created_at, c.pk)
        .limit(1)
    ).scalar()
    return found


def set_queue(
    connection: Connection,
    project: str,
    name: str,
    changes: Mapping[str, Any],
    by: tuple[Instant, str],
) -> QueueRow:
    """Change how a queue is set."""
    found = queues(connection, project, after="", limit=1, name=name)
    row = found[0] if found else QueueRow(name)
    for field_name, value in changes.items():
        setattr(row, field_name, value)
    row.updated_at, row.updated_by = by
    names = ("name", "state", "comment", "running_max", "fair_by", "updated_at", "updated_by")
    values = {one: getattr(row, one) for one in names}
    _upsert(connection, t.queues, "name", {"project": project, **values})
    return row


# --- kinds ---


def kinds(connection: Connection, project: str) -> list[KindRow]:
    """The kinds that are set, by name."""
    rows = connection.execute(
        select(t.kinds).where(_kinds.project == project).order_by(_kinds.name)
    )
    return [
        KindRow(row.name, row.attempts_max, policy_from(row.policy), row.updated_at, row.updated_by)
        for row in rows
    ]


def set_kind(connection: Connection, project: str, row: KindRow) -> None:
    """Set how new tasks of a kind are treated."""
    values = {
        "project": project,
        "name": row.name,
        "attempts_max": row.attempts_max,
        "policy": encode_text(row.policy),
        "updated_at": row.updated_at,
        "updated_by": row.updated_by,
    }
    _upsert(connection, t.kinds, "name", values)


def unset_kind(connection: Connection, project: str, name: str) -> bool:
    """Treat new tasks of a kind as any others; whether it was set."""
    gone = connection.execute(delete(t.kinds).where(_kinds.project == project, _kinds.name == name))
    return gone.rowcount > 0


# --- labels ---


def label_limits(connection: Connection, project: str) -> list[LabelLimitRow]:
    """The labels that are limited."""
    rows = connection.execute(
        select(t.label_limits).where(_limits.project == project).order_by(_limits.key)
    )
    return [LabelLimitRow(row.key, row.running_max, row.updated_at, row.updated_by) for row in rows]


def set_label_limit(connection: Connection, project: str, row: LabelLimitRow) -> None:
    """Limit how many tasks with one value of a label may run."""
    values = {
        "project": project,
        "key": row.key,
        "running_max": row.running_max,
        "updated_at": row.updated_at,
        "updated_by": row.updated_by,
    }
    _upsert(connection, t.label_limits, "key", values)


def unset_label_limit(connection: Connection, project: str, key: str) -> bool:
    """Limit a label no longer; whether it was limited."""
    gone = connection.execute(
        delete(t.label_limits).where(_limits.project == project, _limits.key == key)
    )
    return gone.rowcount > 0


# --- what follows for tasks ---


def recount_slots(connection: Connection, statements: Statements, project: str) -> None:
    """Let the tasks that are held count against what is limited by now."""
    settings = read_settings(connection, statements, project)
    columns = [t.tasks.c[name] for name in TASK_COLUMNS]
    held = connection.execute(
        select(*columns)
        .join(t.leases, _leases.task_pk == t.tasks.c.pk)
        .where(_leases.project == project)
    )
    rows: list[tuple[str, str, int]] = []
    for task in map(task_from, held):
        rows += [(project, slot, task.pk) for slot in settings.slots(task)]
    statements.work.insert_slots.many(connection, rows)


def relane(connection: Connection, statements: Statements, project: str, after: int) -> int | None:
    """Put queued tasks into the lanes that follow from the settings, a bounded number of them.

    Gives the key from behind which to go on, None: all are where they belong.
    """
    settings: Settings = read_settings(connection, statements, project)
    c = t.tasks.c
    found: Sequence[Any] = connection.execute(
        select(*(c[name] for name in TASK_COLUMNS))
        .where(c.project == project, c.state == "queued", c.archived_at.is_(None), c.pk > after)
        .order_by(c.pk)
        .limit(RELANE_AT_ONCE)
        .with_for_update()
    ).all()
    tasks: list[Task] = [task_from(row) for row in found]
    for task in tasks:
        lane = settings.lane(task)
        if lane != task.lane:
            connection.execute(update(t.tasks).where(c.pk == task.pk).values(lane=lane))
    return tasks[-1].pk if len(tasks) == RELANE_AT_ONCE else None
