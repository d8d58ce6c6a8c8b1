"""Reading results and shards page by page."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_
from sqlalchemy.sql.expression import literal

from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Json, TaskState
from farwork.storage import tables as t
from farwork.storage.json import decode_text
from farwork.storage.part_reader import ResultRow, from_shards
from farwork.storage.rows import SHARD_COLUMNS, shard_from

Place = tuple[int, str, str]
"""Where a result stands: its attempt, the mark of the report that brought it late, its name."""

_r = t.results.c


def results(
    connection: Connection, task: Task, *, attempt: int | None, after: Place | None, limit: int
) -> tuple[list[ResultRow], Place | None]:
    """A page of results, and the place behind which the next one begins (None: the end).

    The present attempt's own come first, then late ones, then those of earlier attempts. A task
    that succeeded through its shards and has none of its own has the one that theirs make together.
    """
    statement = select(
        _r.id, _r.attempt, _r.name, _r.type, _r.data, _r.files, _r.late_mark, _r.created_at
    ).where(_r.task_pk == task.pk)
    if attempt is not None:
        statement = statement.where(_r.attempt == attempt)
    if after is not None:
        statement = statement.where(_behind(after))
    order = (_r.attempt.desc(), _r.late_mark, _r.name)
    rows = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    found = [
        ResultRow(
            row.id,
            row.attempt,
            row.name,
            row.type,
            None if row.data is None else decode_text(row.data),
            decode_text(row.files),
            bool(row.late_mark),
            row.created_at,
        )
        for row in rows[:limit]
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    own = bool(found) and not found[0].late and found[0].attempt == task.attempt
    if after is None and attempt in (None, task.attempt) and not own and _has_made(task):
        found = from_shards(connection, task) + found
    return found, None if last is None else (last.attempt, last.late_mark, last.name)


def _has_made(task: Task) -> bool:
    return task.shards is not None and task.state is TaskState.SUCCEEDED


def _behind(after: Place) -> ColumnElement[bool]:
    attempt, mark, name = after
    later = tuple_(_r.late_mark, _r.name) > tuple_(literal(mark), literal(name))
    return or_(_r.attempt < attempt, and_(_r.attempt == attempt, later))


def shards(connection: Connection, task: Task, *, after: int, limit: int) -> list[Shard]:
    """A page of a task's shards by index, from behind index `after`."""
    s = t.shards.c
    columns = [s[name] for name in SHARD_COLUMNS]
    rows = connection.execute(
        select(*columns).where(s.task_pk == task.pk, s.index > after).order_by(s.index).limit(limit)
    )
    return [shard_from(row) for row in rows]


def shard_results(connection: Connection, task: Task, indexes: list[int]) -> dict[int, Json]:
    """The results of these shards of a task, by index."""
    s = t.shard_results.c
    rows = connection.execute(
        select(s.index, s.data).where(s.task_pk == task.pk, s.index.in_(indexes))
    )
    return {index: decode_text(text) for index, text in rows}


def data_of(connection: Connection, tasks: Sequence[Task], name: str) -> dict[int, Json]:
    """The data of the tasks' own results of this name, by the task's key."""
    attempts = {task.pk: task.attempt for task in tasks}
    rows = connection.execute(
        select(_r.task_pk, _r.attempt, _r.data).where(
            _r.task_pk.in_(list(attempts)), _r.name == name, _r.late_mark == ""
        )
    )
    return {
        key: decode_text(text)
        for key, attempt, text in rows
        if text is not None and attempt == attempts[key]
    }
