"""Reading tasks: one by id, or pages of a list on an indexed order."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.storage import tables as t
from farwork.storage.json import decode_text
from farwork.storage.pages import COLUMNS, page_statement
from farwork.storage.rows import task_from
from farwork.storage.task_filter import ORDERS, Page, Range, TaskFilter, conditions

# Statements that are asked for all the time are built once: to build one, and to find what it was
# compiled to, costs several times what it takes to run it.
_one = select(*COLUMNS).where(
    t.tasks.c.project == bindparam("project"), t.tasks.c.id == bindparam("id")
)
_several = select(*COLUMNS).where(
    t.tasks.c.project == bindparam("project"), t.tasks.c.id.in_(bindparam("ids", expanding=True))
)
_leases = select(t.leases.c.task_pk, t.leases.c.ends_at).where(
    t.leases.c.task_pk.in_(bindparam("keys", expanding=True))
)
_details = select(
    t.details.c.task_pk,
    t.details.c.params,
    t.details.c.metadata,
    t.details.c.extensions,
    t.details.c.trace,
)
_details_of_one = _details.where(t.details.c.task_pk == bindparam("key"))
_details_of_many = _details.where(t.details.c.task_pk.in_(bindparam("keys", expanding=True)))


def get(connection: Connection, project: str, task_id: str) -> Task | None:
    """The task with this id, None when there is none."""
    row = connection.execute(_one, {"project": project, "id": task_id}).one_or_none()
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
    for key, ends_at in connection.execute(_leases, {"keys": list(held)}):
        held[key].lease_ends_at = ends_at


def several(connection: Connection, project: str, ids: Sequence[str]) -> list[Task]:
    """Those of these tasks that there are."""
    rows = connection.execute(_several, {"project": project, "ids": list(ids)})
    return [task_from(row) for row in rows]


def get_details(connection: Connection, key: int) -> Details:
    """The wide part of a task."""
    row = connection.execute(_details_of_one, {"key": key}).one_or_none()
    return Details() if row is None else _details_from(row)


def details_of(connection: Connection, keys: Sequence[int]) -> dict[int, Details]:
    """The wide parts of several tasks, by key."""
    rows = connection.execute(_details_of_many, {"keys": list(keys)})
    return {row[0]: _details_from(row) for row in rows}


def _details_from(row: Sequence[Any]) -> Details:
    _, params, metadata, extensions, trace = row
    return Details(decode_text(params), decode_text(metadata), decode_text(extensions), trace)


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
