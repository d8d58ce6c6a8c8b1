"""Reading lists by numbered places and with totals, as protocols without cursors ask for them.

Totals come from the counters. A place is looked up in the index alone; from there the list goes on
by key, so that only the rows that are shown are read, and never a result.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, union_all

from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.domain.values import Instant
from farwork.storage import part_reader, task_reader
from farwork.storage import tables as t
from farwork.storage.json import decode_text
from farwork.storage.task_reader import Page, TaskFilter

Place = tuple[Instant, int]
"""When a task was created, and its key: the order of the list, newest first."""


@dataclass(slots=True, frozen=True)
class Selection:
    """Which tasks a list shows: active or archived, in one of these states, in this queue.

    No states: any. `queue` None: any.
    """

    archived: bool = False
    states: Sequence[str] = ()
    queue: str | None = None

    @property
    def filter(self) -> TaskFilter:
        """The same as a filter."""
        queues = () if self.queue is None else (self.queue,)
        return TaskFilter(states=self.states, queues=queues, archived=self.archived)


@dataclass(slots=True)
class ListRow:
    """A task as a list shows it. Its `details` are without params, which no list shows."""

    task: Task
    details: Details


def total(connection: Connection, project: str, wanted: Selection) -> int:
    """How many tasks the whole list has."""
    return part_reader.count_matching(
        connection,
        project,
        states=list(wanted.states),
        queue=wanted.queue,
        archived=wanted.archived,
    )


def place(connection: Connection, project: str, wanted: Selection, number: int) -> Place | None:
    """The place of the row with this number, from 0 on; None: the list is shorter."""
    c = t.tasks.c
    branches = [
        select(c.created_at, c.pk)
        .where(
            *task_reader.conditions(
                project, Selection(wanted.archived, states, wanted.queue).filter
            )
        )
        .order_by(c.created_at.desc(), c.pk.desc())
        for states in ([(state,) for state in wanted.states] or [()])
    ]
    if len(branches) == 1:
        statement = branches[0]
    else:
        # Each branch walks its own index and no further than the place can lie.
        parts = [select(branch.limit(number + 1).subquery()) for branch in branches]
        joined = union_all(*parts).subquery()
        statement = select(joined).order_by(joined.c.created_at.desc(), joined.c.pk.desc())
    row = connection.execute(statement.limit(1).offset(number)).one_or_none()
    return None if row is None else (row.created_at, row.pk)


def rows(
    connection: Connection, project: str, wanted: Selection, *, after: Place | None, limit: int
) -> list[ListRow]:
    """The rows behind a place (None: from the beginning)."""
    tasks = task_reader.page(connection, project, wanted.filter, Page(limit=limit, after=after))
    details = _details(connection, [task.pk for task in tasks])
    return [ListRow(task, details[task.pk]) for task in tasks]


def _details(connection: Connection, keys: Sequence[int]) -> dict[int, Details]:
    d = t.details.c
    found = defaultdict[int, Details](Details)
    for key, metadata, extensions in connection.execute(
        select(d.task_pk, d.metadata, d.extensions).where(d.task_pk.in_(keys))
    ):
        found[key] = Details({}, decode_text(metadata), decode_text(extensions))
    return found


def queues(connection: Connection, project: str) -> dict[str, dict[str, int]]:
    """How many active tasks each queue has in each state; one of archived tasks alone has none."""
    c = t.counters.c
    found = defaultdict[str, dict[str, int]](dict)
    for queue, state, archived, count in connection.execute(
        select(c.queue, c.state, c.archived, c.tasks)
        .where(c.project == project, c.tasks != 0)
        .order_by(c.queue)
    ):
        states = found[queue]
        if not archived:
            states[state] = states.get(state, 0) + count
    return found
