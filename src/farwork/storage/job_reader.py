"""Reading jobs, and how the tasks in them stand."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, Select, select, tuple_
from sqlalchemy.sql.expression import literal

from farwork.domain.values import Instant, Json, TaskState
from farwork.storage import tables as t
from farwork.storage.json import decode_text

DEPTH_MAX = 16
"""Jobs stand inside jobs at most so deep."""
JOBS_SUMMED_MAX = 10_000
"""So many jobs inside others are summed up for one answer."""


@dataclass(slots=True)
class Job:
    """A job as it is stored: without its tasks, from which its state follows."""

    project: str
    id: str
    name: str | None
    parent_id: str | None
    labels: dict[str, str]
    metadata: dict[str, Json]
    creator: str | None
    created_at: Instant
    updated_at: Instant
    version: int


@dataclass(slots=True)
class JobSum:
    """The tasks of a job and of the jobs inside it, by state; not `complete`: there are more."""

    counts: Counter[TaskState] = field(default_factory=Counter[TaskState])
    jobs: int = 0
    complete: bool = True


COLUMNS = tuple(t.jobs.c[name] for name in Job.__slots__)
_j = t.jobs.c


def job_from(row: Row[*tuple[object, ...]]) -> Job:
    """The job of a row that has `COLUMNS` in their order."""
    values = dict(zip(Job.__slots__, row, strict=True))
    for name in ("labels", "metadata"):
        values[name] = decode_text(str(values[name]))
    return Job(**values)  # pyright: ignore[reportArgumentType] - the columns are typed in the tables


def get(connection: Connection, project: str, job_id: str) -> Job | None:
    """The job with this id, None when there is none."""
    statement = select(*COLUMNS).where(_j.project == project, _j.id == job_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else job_from(row)


def page(
    connection: Connection,
    project: str,
    *,
    parent_id: str | None,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Job]:
    """A page of jobs, newest first; of those inside `parent_id` only, if that is given."""
    statement = select(*COLUMNS).where(_j.project == project)
    if parent_id is not None:
        statement = statement.where(_j.parent_id == parent_id)
    if after is not None:
        place = tuple_(literal(after[0]), literal(after[1]))
        statement = statement.where(tuple_(_j.created_at, _j.id) < place)
    statement = statement.order_by(_j.created_at.desc(), _j.id.desc()).limit(limit)
    return [job_from(row) for row in connection.execute(statement)]


def sums(connection: Connection, project: str, job_ids: Sequence[str]) -> dict[str, JobSum]:
    """How the tasks of these jobs stand, those of the jobs inside them included."""
    roots, complete = families(connection, project, job_ids)
    counted = _counts(connection, project, list(roots))
    found = {id_: JobSum(jobs=-1, complete=complete) for id_ in job_ids}
    for id_, above in roots.items():
        for root in above:
            found[root].jobs += 1
            found[root].counts.update(counted.get(id_, {}))
    return found


def families(
    connection: Connection, project: str, job_ids: Sequence[str]
) -> tuple[dict[str, set[str]], bool]:
    """For these jobs and those inside them: of which of these jobs each is (in) one.

    Also whether these are all, or there are more than `JOBS_SUMMED_MAX`.
    """
    roots = {id_: {id_} for id_ in job_ids}
    ahead = list(job_ids)
    for _ in range(DEPTH_MAX):
        room = JOBS_SUMMED_MAX + len(job_ids) - len(roots)
        rows = connection.execute(
            select(_j.id, _j.parent_id)
            .where(_j.project == project, _j.parent_id.in_(ahead))
            .limit(room + 1)
        ).all()
        for id_, parent_id in rows[:room]:
            roots.setdefault(id_, {id_} if id_ in job_ids else set()).update(roots[parent_id])
        if len(rows) > room:
            return roots, False
        if not rows:
            break
        ahead = [row.id for row in rows]
    return roots, True


def _counts(
    connection: Connection, project: str, job_ids: Sequence[str]
) -> Mapping[str, Counter[TaskState]]:
    c = t.job_counters.c
    rows = connection.execute(
        select(c.job_id, c.state, c.tasks).where(
            c.project == project, c.job_id.in_(job_ids), c.tasks > 0
        )
    )
    found: dict[str, Counter[TaskState]] = {}
    for job_id, state, tasks in rows:
        found.setdefault(job_id, Counter())[TaskState(state)] = int(tasks)
    return found


def depth_above(connection: Connection, project: str, job_id: str) -> list[str]:
    """The job and those around it, outwards."""
    chain = [job_id]
    while len(chain) <= DEPTH_MAX:
        parent_id = connection.execute(
            select(_j.parent_id).where(_j.project == project, _j.id == chain[-1])
        ).scalar_one_or_none()
        if parent_id is None:
            break
        chain.append(parent_id)
    return chain


def depth_below(connection: Connection, project: str, job_id: str) -> int:
    """How many levels of jobs stand inside a job."""
    ahead = [job_id]
    for depth in range(DEPTH_MAX + 1):
        rows = connection.execute(
            select(_j.id).where(_j.project == project, _j.parent_id.in_(ahead))
        )
        ahead = [row.id for row in rows]
        if not ahead:
            return depth
    return DEPTH_MAX + 1


def several(connection: Connection, project: str, job_ids: Sequence[str]) -> list[Job]:
    """Those of these jobs that there are, oldest first."""
    statement = select(*COLUMNS).where(_j.project == project, _j.id.in_(job_ids))
    return _oldest_first(connection, statement)


def inside(connection: Connection, project: str, parents: Sequence[str]) -> list[Job]:
    """The jobs that stand directly inside one of these, oldest first."""
    statement = select(*COLUMNS).where(_j.project == project, _j.parent_id.in_(parents))
    return _oldest_first(connection, statement)


def labelled(connection: Connection, project: str, key: str, value: str) -> list[Job]:
    """The jobs that have this label, oldest first."""
    c = t.job_labels.c
    ids = select(c.job_id).where(c.project == project, c.key == key, c.value == value)
    statement = select(*COLUMNS).where(_j.project == project, _j.id.in_(ids))
    return _oldest_first(connection, statement)


def _oldest_first(connection: Connection, statement: Select[*tuple[object, ...]]) -> list[Job]:
    rows = connection.execute(statement.order_by(_j.created_at, _j.id))
    return [job_from(row) for row in rows]
