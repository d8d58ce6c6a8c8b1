"""Walking over many tasks by keyset, a bounded slice at a time: keys and ids only."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, literal, select, tuple_, union_all

from farwork.domain.values import Instant, TaskState
from farwork.storage import packed
from farwork.storage import tables as t
from farwork.storage.engine import among_texts, is_postgresql, list_parameter
from farwork.storage.task_reader import TaskFilter, conditions

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


def of_filter(
    connection: Connection, project: str, wanted: TaskFilter, after: Place | None, limit: int
) -> list[Passed]:
    """The tasks that a filter means, the earliest created first.

    One branch a state and a shelf, so that each is read along its index.
    """
    states = [(state,) for state in wanted.states] or [()]
    branches = [
        _after(project, replace(wanted, states=state, archived=shelf), after, limit).subquery()
        for state in states
        for shelf in _shelves(wanted)
    ]
    joined = union_all(*(select(branch) for branch in branches)).subquery()
    statement = select(joined).order_by(joined.c.created_at, joined.c.pk).limit(limit)
    return [Passed(*row) for row in packed.fetch(connection, statement, {})]


def _after(project: str, wanted: TaskFilter, after: Place | None, limit: int) -> Any:
    statement = (
        select(*_COLUMNS)
        .where(*conditions(project, wanted))
        .order_by(_tasks.created_at, _tasks.pk)
        .limit(limit)
    )
    if after is not None:
        place = tuple_(literal(after[0]), literal(after[1]))
        statement = statement.where(tuple_(_tasks.created_at, _tasks.pk) > place)
    return statement


def count(connection: Connection, project: str, wanted: TaskFilter) -> int:
    """How many tasks a filter means; costs what it counts."""
    return sum(
        connection.execute(
            select(func.count())
            .select_from(t.tasks)
            .where(*conditions(project, replace(wanted, archived=shelf)))
        ).scalar_one()
        for shelf in _shelves(wanted)
    )


def _shelves(wanted: TaskFilter) -> tuple[bool, ...]:
    return (False, True) if wanted.archived is None else (wanted.archived,)


def existing(connection: Connection, project: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are ids of tasks."""
    postgres = is_postgresql(connection)
    statement = select(_tasks.id).where(
        _tasks.project == project, among_texts(_tasks.id, "ids", postgres=postgres)
    )
    given = {"ids": list_parameter(ids, postgres=postgres)}
    return {row[0] for row in packed.fetch(connection, statement, given)}
