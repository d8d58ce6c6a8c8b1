"""Reading tasks: one by id, or pages of a list on an indexed order."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.storage import tables as t
from farwork.storage.json import decode_text
from farwork.storage.pages import COLUMNS, page_statement
from farwork.storage.rows import task_from
from farwork.storage.task_filter import ORDERS, Page, Range, TaskFilter, conditions


def get(connection: Connection, project: str, task_id: str) -> Task | None:
    """The task with this id, None when there is none."""
    row = connection.execute(
        select(*COLUMNS).where(t.tasks.c.project == project, t.tasks.c.id == task_id)
    ).one_or_none()
    if row is None:
        return None
    task = task_from(row)
    _date_leases(connection, [task])
    return task


def _date_leases(connection: Connection, tasks: Sequence[Task]) -> None:
    """Tell the tasks that are held until when they are."""
    held = {task.pk: task for task in tasks if task.worker is not None}
    if not held:
        return
    c = t.leases.c
    for row in connection.execute(select(c.task_pk, c.ends_at).where(c.task_pk.in_(held))):
        held[row.task_pk].lease_ends_at = row.ends_at


def several(connection: Connection, project: str, ids: Sequence[str]) -> list[Task]:
    """Those of these tasks that there are."""
    statement = select(*COLUMNS).where(t.tasks.c.project == project, t.tasks.c.id.in_(ids))
    return [task_from(row) for row in connection.execute(statement)]


def get_details(connection: Connection, key: int) -> Details:
    """The wide part of a task."""
    d = t.details.c
    row = connection.execute(
        select(d.params, d.metadata, d.extensions, d.trace).where(d.task_pk == key)
    ).one_or_none()
    return Details() if row is None else _details(*row)


def _details(params: str, metadata: str, extensions: str, trace: str | None) -> Details:
    return Details(decode_text(params), decode_text(metadata), decode_text(extensions), trace)


def details_of(connection: Connection, keys: Sequence[int]) -> dict[int, Details]:
    """The wide parts of several tasks, by key."""
    d = t.details.c
    rows = connection.execute(
        select(d.task_pk, d.params, d.metadata, d.extensions, d.trace).where(d.task_pk.in_(keys))
    )
    return {row[0]: _details(*row[1:]) for row in rows}


def page(connection: Connection, project: str, wanted: TaskFilter, at: Page) -> list[Task]:
    """A page of a list. The order's ties are broken by key, in the same direction."""
    statement = page_statement(connection, project, wanted, at)
    tasks = [task_from(row) for row in connection.execute(statement)]
    _date_leases(connection, tasks)
    return tasks


__all__ = [
    "COLUMNS",
    "ORDERS",
    "Page",
    "Range",
    "TaskFilter",
    "conditions",
    "details_of",
    "get",
    "get_details",
    "page",
    "several",
]
