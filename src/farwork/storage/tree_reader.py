"""Reading jobs with the jobs inside them, their tasks and what hangs on these, in few queries."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.storage import document_store, job_reader, task_reader
from farwork.storage import tables as t
from farwork.storage.document_store import Document
from farwork.storage.job_reader import Job
from farwork.storage.rows import task_from


@dataclass(slots=True, frozen=True)
class Hangings:
    """Which documents belong to a task, and which ids of other tasks its details name."""

    dialect: str
    kind: str
    names: Callable[[Details], Iterable[str]]


@dataclass(slots=True)
class Leaf:
    """A task with its wide part and the documents that hang on it, oldest first."""

    task: Task
    details: Details
    documents: list[Document]


@dataclass(slots=True)
class Tree:
    """Jobs, outwards first, and the tasks in them; `known` are those named tasks that exist."""

    jobs: list[Job] = field(default_factory=list[Job])
    leaves: list[Leaf] = field(default_factory=list[Leaf])
    known: set[str] = field(default_factory=set[str])


def grown(
    connection: Connection, project: str, roots: Sequence[Job], levels: int, wanted: Hangings
) -> Tree:
    """The tree of these jobs and of those up to so many levels inside them.

    The number of queries depends on the levels alone.
    """
    jobs, ahead = list(roots), list(roots)
    for _ in range(levels):
        ahead = job_reader.inside(connection, project, [job.id for job in ahead]) if ahead else []
        jobs += ahead
    if not jobs:
        return Tree()
    c = t.tasks.c
    rows = connection.execute(
        select(*task_reader.COLUMNS)
        .where(c.project == project, c.job_id.in_([job.id for job in jobs]))
        .order_by(c.created_at, c.pk)
    )
    tree = leaves_of(connection, project, [task_from(row) for row in rows], wanted)
    tree.jobs = jobs
    return tree


def leaves_of(
    connection: Connection, project: str, tasks: Sequence[Task], wanted: Hangings
) -> Tree:
    """A tree of tasks alone."""
    if not tasks:
        return Tree()
    details = task_reader.details_of(connection, [task.pk for task in tasks])
    ids = [task.id for task in tasks]
    hanging: dict[str | None, list[Document]] = {}
    for document in document_store.under(connection, project, wanted.dialect, wanted.kind, ids):
        hanging.setdefault(document.parent_id, []).append(document)
    leaves = [
        Leaf(task, details.get(task.pk) or Details(), hanging.get(task.id, [])) for task in tasks
    ]
    named = {id_ for leaf in leaves for id_ in wanted.names(leaf.details)}
    known = named.intersection(ids)
    return Tree([], leaves, known | existing(connection, project, named - known))


def existing(connection: Connection, project: str, ids: Iterable[str]) -> set[str]:
    """Those of these ids that are a task's."""
    wanted = sorted(ids)
    if not wanted:
        return set()
    c = t.tasks.c
    statement = select(c.id).where(c.project == project, c.id.in_(wanted))
    return set(connection.execute(statement).scalars())
