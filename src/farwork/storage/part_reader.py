"""Reading what hangs on tasks: results, shards, attempts; and the counters."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from farwork.domain.events import EventType
from farwork.domain.shards import Shard, assemble
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, TaskState
from farwork.storage import tables as t
from farwork.storage.json import decode_text
from farwork.storage.rows import SHARD_COLUMNS, shard_from


@dataclass(slots=True)
class ResultRow:
    """A stored result. A `late` one came after its attempt was over and is not the task's own."""

    id: str | None
    attempt: int
    name: str
    type: str | None
    data: Json
    files: list[Json]
    late: bool
    created_at: Instant


def results(connection: Connection, task: Task) -> list[ResultRow]:
    """The results of a task: its own first, then late ones and those of earlier attempts.

    A task that succeeded through its shards and has no result of its own has the one that theirs
    make together.
    """
    r = t.results.c
    rows = connection.execute(
        select(r.id, r.attempt, r.name, r.type, r.data, r.files, r.late_mark, r.created_at)
        .where(r.task_pk == task.pk)
        .order_by(r.attempt.desc(), r.late_mark, r.name)
    )
    found = [
        ResultRow(
            row.id, row.attempt, row.name, row.type,
            None if row.data is None else decode_text(row.data),
            decode_text(row.files), bool(row.late_mark), row.created_at,
        )
        for row in rows
    ]  # fmt: skip
    own = any(not row.late and row.attempt == task.attempt for row in found)
    if not own and task.shards and task.state is TaskState.SUCCEEDED:
        found = from_shards(connection, task) + found
    return found


def from_shards(connection: Connection, task: Task) -> list[ResultRow]:
    """The result that those of a task's shards make together; empty when they have none."""
    s = t.shard_results.c
    data = {
        index: decode_text(text)
        for index, text in connection.execute(select(s.index, s.data).where(s.task_pk == task.pk))
    }
    if not data:
        return []
    parts = [(shard, data.get(shard.index)) for shard in shards(connection, task.pk)]
    at = task.completed_at or task.updated_at
    return [
        ResultRow(
            None, task.attempt, "result", None, assemble(parts), [], late=False, created_at=at
        )
    ]


def shards(connection: Connection, key: int) -> list[Shard]:
    """The shards of a task by index."""
    columns = [t.shards.c[name] for name in SHARD_COLUMNS]
    rows = connection.execute(
        select(*columns).where(t.shards.c.task_pk == key).order_by(t.shards.c.index)
    )
    return [shard_from(row) for row in rows]


def shard_results(connection: Connection, key: int) -> dict[int, Json]:
    """The results of a task's shards, by index."""
    s = t.shard_results.c
    rows = connection.execute(select(s.index, s.data).where(s.task_pk == key))
    return {row[0]: decode_text(row[1]) for row in rows}


def attempts(connection: Connection, key: int) -> list[dict[str, Json]]:
    """The attempts that are over, oldest first, as columns by name."""
    a = t.attempts
    rows = connection.execute(select(a).where(a.c.task_pk == key).order_by(a.c.number))
    return [dict(row) for row in rows.mappings()]


def claimants(connection: Connection, key: int) -> dict[int, str]:
    """Which worker took each attempt at a task, of those that were taken under a lease."""
    e = t.events.c
    rows = connection.execute(
        select(e.attempt, e.fact).where(e.task_pk == key, e.type == EventType.TASK_CLAIMED.value)
    )
    return {attempt: decode_text(fact)["worker"] for attempt, fact in rows}


def counts(connection: Connection, project: str, by: str, *, archived: bool) -> dict[str, int]:
    """How many tasks a project has by `state`, `queue` or `kind`; costs nothing per task."""
    c = t.counters.c
    column = c[by]
    rows = connection.execute(
        select(column, func.sum(c.tasks))
        .where(c.project == project, c.archived == int(archived))
        .group_by(column)
        .order_by(column)
    )
    return {row[0]: int(row[1]) for row in rows if row[1]}


def count_matching(
    connection: Connection, project: str, *, states: list[str], queue: str | None, archived: bool
) -> int:
    """How many tasks stand in one of these states (empty: any), in this queue (None: any)."""
    c = t.counters.c
    statement = select(func.coalesce(func.sum(c.tasks), 0)).where(
        c.project == project, c.archived == int(archived)
    )
    if states:
        statement = statement.where(c.state.in_(states))
    if queue is not None:
        statement = statement.where(c.queue == queue)
    return int(connection.execute(statement).scalar_one())
