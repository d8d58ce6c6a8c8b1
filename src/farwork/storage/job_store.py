"""Writing jobs: each function is a piece of work for the committer, alone in its transaction.

The feed is locked first: two transactions that move jobs into one another must not pass.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, select, update

from farwork.clock import Now
from farwork.domain.errors import (
    JobExists,
    JobNotEmpty,
    JobNotFound,
    JobParentNotFound,
    JobsTooDeep,
    VersionMismatch,
)
from farwork.domain.events import EventType
from farwork.domain.values import Json
from farwork.storage import job_reader
from farwork.storage import tables as t
from farwork.storage.flush import lock_feed, take_positions, wake
from farwork.storage.job_reader import DEPTH_MAX, Job
from farwork.storage.json import encode_text
from farwork.storage.statements import EVENT_COLUMNS, Statements
from farwork.storage.writes import Work

_j = t.jobs.c


def creating(job: Job, *, begun: bool = False) -> Work:
    """Create a job. Raises `JobExists`, `JobParentNotFound`, `JobsTooDeep`.

    `begun`: its tasks were made in this very transaction, and the job came into being with them.
    """

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[Job, int]:
        lock_feed(connection, statements)
        if begun:
            connection.execute(delete(t.jobs).where(_j.project == job.project, _j.id == job.id))
        elif job_reader.get(connection, job.project, job.id) is not None:
            raise JobExists(f"A job {job.id!r} exists in this project.")
        check_place(connection, job)
        now = tick()
        created = replace(job, created_at=now, updated_at=now, version=1)
        insert(connection, created)
        return created, log(connection, statements, EventType.JOB_CREATED, created, job.creator)

    return work


def changing(
    project: str,
    job_id: str,
    said: Mapping[str, Json],
    *,
    actor: str,
    if_version: int | None,
) -> Work:
    """Change what a job says of itself; in `metadata` a null removes its key.

    Raises `JobNotFound`, `VersionMismatch`, `JobParentNotFound`, `JobsTooDeep`.
    """

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[Job, int]:
        lock_feed(connection, statements)
        before = present(connection, project, job_id, if_version)
        values = dict(said)
        if "metadata" in values:
            merged = before.metadata | values["metadata"]
            values["metadata"] = {k: v for k, v in merged.items() if v is not None}
        after = replace(before, **values, updated_at=tick(), version=before.version + 1)
        if after.parent_id != before.parent_id:
            check_place(connection, after)
        rewrite(connection, before, after)
        data = {"changes": dict(said)}
        return after, log(connection, statements, EventType.JOB_CHANGED, after, actor, data)

    return work


def deleting(project: str, job_id: str, *, actor: str, if_version: int | None) -> Work:
    """Remove a job that holds nothing. Raises `JobNotFound`, `VersionMismatch`, `JobNotEmpty`."""

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[None, int]:
        lock_feed(connection, statements)
        job = present(connection, project, job_id, if_version)
        tasks, c = t.tasks.c, t.job_counters.c
        if connection.execute(
            select(exists().where(tasks.project == project, tasks.job_id == job_id))
        ).scalar_one():
            raise JobNotEmpty("Tasks are in the job; delete them too with '?with_tasks=true'.")
        if connection.execute(
            select(exists().where(_j.project == project, _j.parent_id == job_id))
        ).scalar_one():
            raise JobNotEmpty("Jobs are in the job; delete them too with '?with_tasks=true'.")
        connection.execute(delete(t.jobs).where(_j.project == project, _j.id == job_id))
        _unlabel(connection, job)
        # Nothing is in them any more; a later task of this name begins them anew.
        counters = and_(c.project == project, c.job_id == job_id)
        connection.execute(delete(t.job_counters).where(counters))
        gone = replace(job, updated_at=tick(), version=job.version + 1)
        return None, log(connection, statements, EventType.JOB_DELETED, gone, actor)

    return work


def present(connection: Connection, project: str, job_id: str, if_version: int | None) -> Job:
    """The job. Raises `JobNotFound`, `VersionMismatch`."""
    job = job_reader.get(connection, project, job_id)
    if job is None:
        raise JobNotFound.of(job_id)
    if if_version not in (None, job.version):
        raise VersionMismatch(
            f"The job has version {job.version}, not {if_version}; read it again."
        )
    return job


def check_place(connection: Connection, job: Job) -> None:
    """Refuse a parent that does not exist, is inside the job itself, or is too deep."""
    if job.parent_id is None:
        return
    if job_reader.get(connection, job.project, job.parent_id) is None:
        raise JobParentNotFound(f"There is no job {job.parent_id!r} to stand in; create it first.")
    above = job_reader.depth_above(connection, job.project, job.parent_id)
    if job.id in above:
        raise JobParentNotFound(
            f"The job {job.parent_id!r} stands in the job {job.id!r} itself: "
            f"{' -> '.join([job.id, *above[: above.index(job.id) + 1]])}."
        )
    deep = len(above) + 1 + job_reader.depth_below(connection, job.project, job.id)
    if deep > DEPTH_MAX:
        raise JobsTooDeep(f"Jobs would stand {deep} deep; at most {DEPTH_MAX} is allowed.")


def insert(connection: Connection, job: Job) -> None:
    """Write a new job."""
    connection.execute(t.jobs.insert().values(_row(job)))
    _label(connection, job)


def rewrite(connection: Connection, before: Job, after: Job) -> None:
    """Write a job in the place of what it was."""
    here = and_(_j.project == after.project, _j.id == after.id)
    connection.execute(update(t.jobs).where(here).values(_row(after)))
    if (after.labels, after.created_at) != (before.labels, before.created_at):
        _unlabel(connection, after)
        _label(connection, after)


def _label(connection: Connection, job: Job) -> None:
    """Let the job be found by its labels."""
    rows = [
        {
            "project": job.project,
            "key": key,
            "value": value,
            "created_at": job.created_at,
            "job_id": job.id,
        }
        for key, value in job.labels.items()
    ]
    if rows:
        connection.execute(t.job_labels.insert(), rows)


def _unlabel(connection: Connection, job: Job) -> None:
    """Let the job be found by its labels no more."""
    c = t.job_labels.c
    connection.execute(delete(t.job_labels).where(c.project == job.project, c.job_id == job.id))


def _row(job: Job) -> dict[str, Any]:
    return asdict(job) | {
        "labels": encode_text(job.labels),
        "metadata": encode_text(job.metadata),
    }


def log(
    connection: Connection,
    statements: Statements,
    kind: EventType,
    job: Job,
    actor: str | None,
    data: dict[str, Json] | None = None,
) -> int:
    """Tell the feed of a job; returns the feed's new head."""
    position = take_positions(connection, statements, 1)
    said: dict[str, Any] = {
        "position": position,
        "project": job.project,
        "subject": job.id,
        "type": kind.value,
        "at": job.updated_at,
        "version": job.version,
        "actor": actor,
        "data": None if data is None else encode_text(data),
    }
    row = tuple(said.get(name) for name in EVENT_COLUMNS)
    statements.insert_events.many(connection, [row])
    wake(connection, statements)
    return position
