"""When jobs must have ended, in their table."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import FINAL_STATES, Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql

_d = t.job_deadlines.c


@dataclass(slots=True, frozen=True)
class Deadline:
    """When a job must have ended, and how many seconds it was given."""

    project: str
    job_id: str
    ends_at: Instant
    limit_seconds: int
    passed_at: Instant | None = None


_COLUMNS = tuple(_d[name] for name in Deadline.__slots__)


def give(connection: Connection, deadline: Deadline) -> None:
    """Give a job a deadline, unless it has one."""
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    values = {name: getattr(deadline, name) for name in Deadline.__slots__}
    connection.execute(insert(t.job_deadlines).values(values).on_conflict_do_nothing())


def note_done(connection: Connection, project: str, job_id: str, at: Instant) -> None:
    """Note that a job, which has a deadline, had been done before it got another task."""
    connection.execute(
        update(t.job_deadlines)
        .where(_d.project == project, _d.job_id == job_id, _d.done_at.is_(None))
        .values(done_at=at)
    )


def due(connection: Connection, now: Instant, limit: int) -> list[Deadline]:
    """The deadlines that have come, the oldest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(_d.passed_at.is_(None), _d.ends_at <= now)
        .order_by(_d.ends_at)
        .limit(limit)
    )
    return [Deadline(*row) for row in rows]


def open_tasks(connection: Connection, deadline: Deadline, limit: int) -> list[str]:
    """The ids of the job's tasks that have not ended."""
    c = t.tasks.c
    final = [state.value for state in FINAL_STATES]
    rows = connection.execute(
        select(c.id)
        .where(
            c.project == deadline.project,
            c.job_id == deadline.job_id,
            c.state.not_in(final),
        )
        .order_by(c.created_at, c.pk)
        .limit(limit)
    )
    return list(rows.scalars())


def has_tasks(connection: Connection, deadline: Deadline) -> bool:
    """Whether any task is in the job."""
    c = t.tasks.c
    here = exists().where(c.project == deadline.project, c.job_id == deadline.job_id)
    return bool(connection.execute(select(here)).scalar_one())


def settle(connection: Connection, deadline: Deadline, passed_at: Instant | None) -> None:
    """Note that a deadline has passed; None: the job had ended before, and needs it no more."""
    here = (_d.project == deadline.project, _d.job_id == deadline.job_id)
    if passed_at is None:
        connection.execute(delete(t.job_deadlines).where(*here, _d.done_at.is_(None)))
        passed_at = deadline.ends_at
    connection.execute(update(t.job_deadlines).where(*here).values(passed_at=passed_at))


def passed(connection: Connection, project: str, job_ids: Sequence[str]) -> set[str]:
    """Those of these jobs whose deadline has passed before they had ended."""
    rows = connection.execute(
        select(_d.job_id).where(
            _d.project == project, _d.job_id.in_(job_ids), _d.passed_at.is_not(None)
        )
    )
    return set(rows.scalars())
