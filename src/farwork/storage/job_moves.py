"""Jobs in and out whole, as import takes them and export gives them."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.sql.expression import literal

from farwork.clock import Now
from farwork.domain.errors import DomainError
from farwork.domain.events import EventType
from farwork.domain.values import Instant
from farwork.storage import job_reader, job_store
from farwork.storage import tables as t
from farwork.storage.flush import lock_feed
from farwork.storage.job_reader import Job
from farwork.storage.statements import Statements
from farwork.storage.writes import Work

_j = t.jobs.c
Place = tuple[Instant, str]
"""Behind which job a walk over them goes on: when it was created, and its id."""


def slice_of(
    connection: Connection, project: str, only: str | None, after: Place | None, limit: int
) -> list[Job]:
    """The jobs of a project (or `only` one), the earliest created first."""
    statement = select(*job_reader.COLUMNS).where(_j.project == project)
    if only is not None:
        statement = statement.where(_j.id == only)
    if after is not None:
        place = tuple_(literal(after[0]), literal(after[1]))
        statement = statement.where(tuple_(_j.created_at, _j.id) > place)
    statement = statement.order_by(_j.created_at, _j.id).limit(limit)
    return [job_reader.job_from(row) for row in connection.execute(statement)]


def taking(jobs: Sequence[Job], actor: str) -> Work:
    """Take jobs as they are; each replaces the one that has its id.

    One that a job stands in comes into being with it, if it is not there: its own record may come
    later. The result has, for each job, why it was refused or None.
    """

    def work(
        connection: Connection, statements: Statements, tick: Now
    ) -> tuple[list[DomainError | None], int | None]:
        lock_feed(connection, statements)
        answers: list[DomainError | None] = []
        head: int | None = None
        for job in jobs:
            try:
                head = _take(connection, statements, job, actor, tick()) or head
                answers.append(None)
            except DomainError as refusal:
                answers.append(refusal)
        return answers, head

    return work


def _take(
    connection: Connection, statements: Statements, job: Job, actor: str, now: Instant
) -> int | None:
    parent = job.parent_id
    if parent not in (None, job.id) and job_reader.get(connection, job.project, parent) is None:
        # Nothing has been said of it yet, so that its own record leaves it as it says.
        begun = Job(job.project, parent, None, None, {}, {}, actor, now, now, version=0)
        _take(connection, statements, begun, actor, now)
    job_store.check_place(connection, job)
    before = job_reader.get(connection, job.project, job.id)
    if before == job:
        return None
    if before is None:
        job_store.insert(connection, job)
    else:
        job = replace(job, version=max(job.version, before.version + 1))
        job_store.rewrite(connection, before, job)
    kind = EventType.JOB_CREATED if before is None else EventType.JOB_CHANGED
    told = replace(job, updated_at=now)
    return job_store.log(connection, statements, kind, told, actor, {"imported": True})
