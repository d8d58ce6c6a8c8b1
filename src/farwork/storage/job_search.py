"""Finding jobs by how their tasks stand and when, in numbered pages with totals.

What is asked about states and about the times of tasks is looked up job by job, in the counters and
in the index of a job's tasks; a search for neither costs a walk of the jobs' own index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from farwork.domain.values import FINAL_STATES, Instant, TaskState
from farwork.storage import tables as t
from farwork.storage.job_reader import COLUMNS, Job, job_from

Standing = Literal["waiting", "running", "done", "overdue"]
"""Where a job stands: nothing has begun, something has, all has ended, its time ran out before."""
STANDINGS: tuple[Standing, ...] = ("waiting", "running", "done", "overdue")
Moment = Literal["created", "started", "ended"]
MOMENTS: tuple[Moment, ...] = ("created", "started", "ended")
COUNTED_MAX = 100_000
"""More jobs than these are not counted."""

_j, _t, _c, _d = t.jobs.c, t.tasks.c, t.job_counters.c, t.job_deadlines.c
_FINAL = [state.value for state in FINAL_STATES]
_WAITING = [TaskState.CREATED.value, TaskState.BLOCKED.value, TaskState.QUEUED.value]


@dataclass(slots=True, frozen=True)
class JobQuery:
    """Which jobs are meant. Several values of one kind: any of them.

    `window`: of the `moments`, any (or with `every` each) must lie within it, both ends included.
    Jobs that hold other jobs are not meant.
    """

    standings: Sequence[Standing] = ()
    labels: Sequence[tuple[str, str]] = ()
    window: tuple[Instant | None, Instant | None] = (None, None)
    moments: Sequence[Moment] = MOMENTS
    every: bool = False
    order: Sequence[tuple[str, bool]] = (("created", True),)
    limit: int | None = 25
    offset: int = 0


@dataclass(slots=True)
class FoundJob:
    """A job, where it stands, when its first task began and its last one ended."""

    job: Job
    standing: Standing
    started_at: Instant | None
    ended_at: Instant | None


@dataclass(slots=True)
class FoundJobs:
    """A page of jobs; `total` None: there are too many to count."""

    jobs: list[FoundJob] = field(default_factory=list[FoundJob])
    total: int | None = 0


def _sum(*states: str) -> ColumnElement[int]:
    statement = select(func.coalesce(func.sum(_c.tasks), 0)).where(
        _c.project == _j.project, _c.job_id == _j.id
    )
    if states:
        statement = statement.where(_c.state.in_(states))
    return statement.correlate(t.jobs).scalar_subquery()


def _place() -> ColumnElement[int]:
    """Where a job stands, as its number in `STANDINGS`."""
    here = and_(_d.project == _j.project, _d.job_id == _j.id)
    done = exists().where(here, _d.done_at.is_not(None)).correlate(t.jobs)
    overdue = exists().where(here, _d.passed_at.is_not(None)).correlate(t.jobs)
    total = _sum()
    return case(
        (done, 2),
        (overdue, 3),
        (total == _sum(*_WAITING), 0),
        (total == _sum(*_FINAL), 2),
        else_=1,
    )


def _time(moment: str) -> ColumnElement[Any]:
    if moment == "created":
        return _j.created_at
    here = and_(_t.project == _j.project, _t.job_id == _j.id)
    if moment == "started":
        return select(func.min(_t.started_at)).where(here).correlate(t.jobs).scalar_subquery()
    ended = select(func.max(_t.completed_at)).where(here).correlate(t.jobs).scalar_subquery()
    return case((_place().in_([2, 3]), ended), else_=None)


def _conditions(project: str, query: JobQuery) -> list[ColumnElement[bool]]:
    inner = t.jobs.alias().c
    found: list[ColumnElement[bool]] = [
        _j.project == project,
        ~exists().where(inner.project == _j.project, inner.parent_id == _j.id).correlate(t.jobs),
    ]
    if query.standings:
        found.append(_place().in_([STANDINGS.index(one) for one in query.standings]))
    if query.labels:
        c = t.job_labels.c
        named = or_(*(and_(c.key == key, c.value == value) for key, value in query.labels))
        found.append(_j.id.in_(select(c.job_id).where(c.project == project, named)))
    after, before = query.window
    if after is not None or before is not None:
        tests = [_within(_time(one), after, before) for one in query.moments]
        found.append(and_(true(), *tests) if query.every else or_(false(), *tests))
    return found


def _within(
    column: ColumnElement[Any], after: Instant | None, before: Instant | None
) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = [column.is_not(None)]
    if after is not None:
        bounds.append(column >= after)
    if before is not None:
        bounds.append(column <= before)
    return and_(*bounds)


def search(connection: Connection, project: str, query: JobQuery) -> FoundJobs:
    """The jobs that are meant, and how many there are in all."""
    conditions = _conditions(project, query)
    counted = select(_j.id).where(*conditions).limit(COUNTED_MAX + 1).subquery()
    total: int = connection.execute(select(func.count()).select_from(counted)).scalar_one()
    statement = select(*COLUMNS).where(*conditions)
    for name, descending in query.order:
        column = _place() if name == "standing" else _time(name)
        ordered = column.desc() if descending else column.asc()
        statement = statement.order_by(ordered.nulls_last())
    statement = statement.order_by(_j.id).offset(query.offset)
    if query.limit is not None:
        statement = statement.limit(query.limit)
    jobs = _jobs(connection, statement)
    return FoundJobs(
        with_standing(connection, project, jobs), None if total > COUNTED_MAX else total
    )


def _jobs(connection: Connection, statement: Select[*tuple[object, ...]]) -> list[Job]:
    return [job_from(row) for row in connection.execute(statement)]


def with_standing(connection: Connection, project: str, jobs: Sequence[Job]) -> list[FoundJob]:
    """Where these jobs stand, and since when."""
    if not jobs:
        return []
    ids = [job.id for job in jobs]
    here = and_(_j.project == project, _j.id.in_(ids))
    columns = (_j.id, _place(), _time("started"), _time("ended"))
    rows = connection.execute(select(*columns).where(here))
    found: dict[str, tuple[Standing, Instant | None, Instant | None]] = {
        id_: (STANDINGS[place], started, ended) for id_, place, started, ended in rows
    }
    return [FoundJob(job, *found[job.id]) for job in jobs if job.id in found]


def tasks_of_job(
    connection: Connection,
    project: str,
    job_id: str,
    order: Sequence[tuple[str, bool]],
    limit: int | None,
    offset: int,
) -> tuple[list[str], int]:
    """The ids of a page of a job's tasks, and how many there are.

    Orders: `queue`, `standing` (as a task's life goes), `queued`, `started`, `completed`.
    """
    here = (_t.project == project, _t.job_id == job_id)
    total: int = connection.execute(
        select(func.count()).select_from(t.tasks).where(*here)
    ).scalar_one()
    statement = select(_t.id).where(*here)
    for name, descending in order:
        column = _ORDERS[name]
        ordered = column.desc() if descending else column.asc()
        statement = statement.order_by(ordered.nulls_last())
    statement = statement.order_by(_t.created_at, _t.pk).offset(offset)
    if limit is not None:
        statement = statement.limit(limit)
    return list(connection.execute(statement).scalars()), total


def task_in_queue(connection: Connection, project: str, job_id: str, queue: str) -> str | None:
    """The id of the oldest task of a job that is meant for this queue."""
    return (
        connection.execute(
            select(_t.id)
            .where(_t.project == project, _t.job_id == job_id, _t.queue == queue)
            .order_by(_t.created_at, _t.pk)
            .limit(1)
        )
        .scalars()
        .first()
    )


_ORDERS: dict[str, ColumnElement[Any]] = {
    "queue": _t.queue,
    "standing": case(
        (_t.state.in_(_WAITING), 0),
        (_t.state == TaskState.RUNNING.value, 1),
        (_t.state == TaskState.SUCCEEDED.value, 2),
        (and_(_t.state == TaskState.FAILED.value, _t.reason == "timeout"), 5),
        (_t.state == TaskState.FAILED.value, 3),
        else_=4,
    ),
    "queued": _t.created_at,
    "started": _t.started_at,
    "completed": _t.completed_at,
}
