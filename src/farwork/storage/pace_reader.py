"""How many tasks came and ended over time, read off the indexes of the lists."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from farwork.domain.values import Instant
from farwork.storage import tables as t

ROWS_MAX = 20_000
"""So many of the newest tasks are looked at; what is before them is not told."""


@dataclass(slots=True)
class Tally:
    """Numbers per step of time and word; `since` is later than asked for where there were many."""

    counts: dict[tuple[int, str], int]
    since: Instant


def ended(connection: Connection, project: str, *, since: Instant, width: int) -> Tally:
    """How many active tasks ended in each step of `width` microseconds, by state."""
    c = t.tasks.c
    return _tally(connection, project, c.completed_at, c.state, since, width)


def created(connection: Connection, project: str, *, since: Instant, width: int) -> Tally:
    """How many active tasks were created in each step, under the word `created`."""
    c = t.tasks.c
    return _tally(connection, project, c.created_at, None, since, width)


def _tally(
    connection: Connection,
    project: str,
    at: ColumnElement[int],
    word: ColumnElement[str] | None,
    since: Instant,
    width: int,
) -> Tally:
    c = t.tasks.c
    # PostgreSQL takes two equal expressions with parameters in them for two things: the step is
    # worked out below, and grouped by its name.
    step = ((at - since) // width).label("step")
    columns: list[ColumnElement[int] | ColumnElement[str]] = [at.label("at"), step]
    if word is not None:
        columns.append(word.label("word"))
    newest = (
        select(*columns)
        .where(c.project == project, c.archived_at.is_(None), at >= since)
        .order_by(at.desc())
        .limit(ROWS_MAX)
        .subquery()
    )
    by = [newest.c.step, newest.c.word] if word is not None else [newest.c.step]
    rows = connection.execute(
        select(*by, func.count().label("tasks"), func.min(newest.c.at).label("first")).group_by(*by)
    ).all()
    counts = {
        (int(row.step), str(row.word) if word is not None else "created"): int(row.tasks)
        for row in rows
    }
    is_cut = sum(counts.values()) >= ROWS_MAX
    return Tally(counts, min(int(row.first) for row in rows) if is_cut else since)
