"""Walking over many tasks by keyset, a bounded slice at a time: keys and ids only."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, literal, select, tuple_, union_all

from farwork.domain.values import Instant, TaskState
from farwork.storage import packed
from farwork.storage import tables as t

_tasks = t.tasks.c
Place = tuple[int, int]
"""Where a walk stands: the value of its order, and the key."""


class Passed(NamedTuple):
    """A task that a walk came by."""

    created_at: Instant
    key: int
    id: str
    updated_at: Instant


_COLUMNS = (_tasks.created_at, _tasks.pk, _tasks.id, _tasks.updated_at)


def idle(
    connection: Connection,
    project: str,
    since: Instant,
    states: Sequence[TaskState],
    after: Place | None,
    limit: int,
) -> list[Passed]:
    """Active tasks (of these states; none: of any) without an update after `since`.

    The latest updated comes first. Costs what it passes: the tasks that are meant, and those of
    other states that have been idle as long.
    """
    place = after or (since, 2**62)
    statement = (
        select(*_COLUMNS)
        .where(
            _tasks.project == project,
            _tasks.archived_at.is_(None),
            tuple_(_tasks.updated_at, _tasks.pk) < tuple_(literal(place[0]), literal(place[1])),
        )
        .order_by(_tasks.updated_at.desc(), _tasks.pk.desc())
        .limit(limit)
    )
    if states:
        statement = statement.where(_tasks.state.in_(states))
    return [Passed(*row) for row in packed.fetch(connection, statement, {})]


def of_states(
    connection: Connection,
    project: str,
    states: Sequence[TaskState],
    after: Place | None,
    limit: int,
) -> list[Passed]:
    """Active tasks of these states, the latest created first."""
    branches = [_of_state(project, state, after, limit).subquery() for state in states]
    joined = union_all(*(select(branch) for branch in branches)).subquery()
    statement = select(joined).order_by(joined.c.created_at.desc(), joined.c.pk.desc()).limit(limit)
    return [Passed(*row) for row in packed.fetch(connection, statement, {})]


def _of_state(project: str, state: TaskState, after: Place | None, limit: int) -> Any:
    statement = (
        select(*_COLUMNS)
        .where(_tasks.project == project, _tasks.archived_at.is_(None), _tasks.state == state)
        .order_by(_tasks.created_at.desc(), _tasks.pk.desc())
        .limit(limit)
    )
    if after is not None:
        place = tuple_(literal(after[0]), literal(after[1]))
        statement = statement.where(tuple_(_tasks.created_at, _tasks.pk) < place)
    return statement
