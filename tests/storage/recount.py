"""The counters of a project, and what they should be: a recount of its tasks."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, select

from farwork.storage import tables as t

Counts = dict[tuple[Any, ...], int]


def counted(connection: Connection, project: str) -> tuple[Counts, Counts]:
    """What the counters say: (queue, kind, state, archived) and (job, state)."""
    c, j = t.counters.c, t.job_counters.c
    tasks = connection.execute(
        select(c.queue, c.kind, c.state, c.archived, c.tasks).where(c.project == project)
    )
    jobs = connection.execute(select(j.job_id, j.state, j.tasks).where(j.project == project))
    return _as_counts(tasks), _as_counts(jobs)


def recounted(connection: Connection, project: str) -> tuple[Counts, Counts]:
    """The same from the tasks themselves."""
    c = t.tasks.c
    mine = c.project == project
    groups = (c.queue, c.kind, c.state, c.archived_at.is_not(None).label("archived"))
    tasks = connection.execute(select(*groups, func.count()).where(mine).group_by(*groups))
    of_job = (c.job_id, c.state)
    jobs = connection.execute(
        select(*of_job, func.count()).where(mine, c.job_id.is_not(None)).group_by(*of_job)
    )
    return _as_counts(tasks), _as_counts(jobs)


def _as_counts(rows: Any) -> Counts:
    found = Counter[tuple[Any, ...]]()
    for *key, number in rows:
        found[*key,] = int(number)
    return {key: number for key, number in found.items() if number}
