"""Reading tasks: one by id, or pages of a list on an indexed order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, select, tuple_, union_all
from sqlalchemy.sql.expression import literal

from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.json import decode_text
from farwork.storage.rows import TASK_COLUMNS, task_from

COLUMNS = [t.tasks.c[name] for name in TASK_COLUMNS]
ORDERS = ("created", "updated", "completed")


@dataclass(slots=True, frozen=True)
class Range:
    """Instants from `after` (included) to `before` (not included); None: open."""

    after: Instant | None = None
    before: Instant | None = None


@dataclass(slots=True, frozen=True)
class TaskFilter:
    """Which tasks of a project are meant.

    Several values of one kind: any of them. `archived` None: both.
    """

    states: Sequence[str] = ()
    reasons: Sequence[str] = ()
    kinds: Sequence[str] = ()
    queues: Sequence[str] = ()
    job_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    creator: str | None = None
    external_ref: str | None = None
    created: Range = Range()
    updated: Range = Range()
    completed: Range = Range()
    archived: bool | None = False


@dataclass(slots=True, frozen=True)
class Page:
    """Which rows of a list: its order, how many, and the (value, key) after which they begin."""

    limit: int = 50
    order: str = "created"
    descending: bool = True
    after: tuple[int, int] | None = None
    offset: int = 0


def get(connection: Connection, project: str, task_id: str) -> Task | None:
    """The task with this id, None when there is none."""
    row = connection.execute(
        select(*COLUMNS).where(t.tasks.c.project == project, t.tasks.c.id == task_id)
    ).one_or_none()
    return None if row is None else task_from(row)


def get_details(connection: Connection, key: int) -> Details:
    """The wide part of a task."""
    d = t.details.c
    row = connection.execute(
        select(d.params, d.metadata, d.extensions).where(d.task_pk == key)
    ).one_or_none()
    return Details() if row is None else Details(*(decode_text(text) for text in row))


def details_of(connection: Connection, keys: Sequence[int]) -> dict[int, Details]:
    """The wide parts of several tasks, by key."""
    d = t.details.c
    rows = connection.execute(
        select(d.task_pk, d.params, d.metadata, d.extensions).where(d.task_pk.in_(keys))
    )
    return {row[0]: Details(*(decode_text(text) for text in row[1:])) for row in rows}


def page(connection: Connection, project: str, wanted: TaskFilter, at: Page) -> list[Task]:
    """A page of a list. The order's ties are broken by key, in the same direction."""
    return [task_from(row) for row in connection.execute(page_statement(project, wanted, at))]


def page_statement(project: str, wanted: TaskFilter, at: Page) -> Select[Any]:
    """The statement of a page.

    For several states it joins one indexed page of each, so that none is read beyond its need.
    """
    if len(wanted.states) <= 1:
        return _bounded(select(*COLUMNS).where(*conditions(project, wanted)), t.tasks.c, at)
    branches = [
        _bounded(
            select(*COLUMNS).where(*conditions(project, replace(wanted, states=(state,)))),
            t.tasks.c,
            Page(at.limit + at.offset, at.order, at.descending, at.after),
        ).subquery()
        for state in wanted.states
    ]
    joined = union_all(*(select(branch) for branch in branches)).subquery()
    return _bounded(
        select(joined), joined.c, Page(at.limit, at.order, at.descending, None, at.offset)
    )


def _bounded(statement: Select[Any], columns: Any, at: Page) -> Select[Any]:
    value, key = columns[f"{at.order}_at"], columns["pk"]
    if at.after is not None:
        place = tuple_(literal(at.after[0]), literal(at.after[1]))
        here = tuple_(value, key)
        statement = statement.where(here < place if at.descending else here > place)
    ordering = (value.desc(), key.desc()) if at.descending else (value.asc(), key.asc())
    if at.order == "completed":
        statement = statement.where(value.is_not(None))
    statement = statement.order_by(*ordering).limit(at.limit)
    return statement.offset(at.offset) if at.offset else statement


def conditions(project: str, wanted: TaskFilter) -> list[ColumnElement[bool]]:
    """What a task must satisfy to be meant by a filter."""
    c = t.tasks.c
    found: list[ColumnElement[bool]] = [c.project == project]
    if wanted.archived is not None:
        found.append(c.archived_at.is_not(None) if wanted.archived else c.archived_at.is_(None))
    for column, values in (
        (c.state, wanted.states),
        (c.reason, wanted.reasons),
        (c.kind, wanted.kinds),
        (c.queue, wanted.queues),
    ):
        if len(values) == 1:
            found.append(column == values[0])
        elif values:
            found.append(column.in_(values))
    for column, value in (
        (c.job_id, wanted.job_id),
        (c.creator, wanted.creator),
        (c.external_ref, wanted.external_ref),
    ):
        if value is not None:
            found.append(column == value)
    for column, span in (
        (c.created_at, wanted.created),
        (c.updated_at, wanted.updated),
        (c.completed_at, wanted.completed),
    ):
        if span.after is not None:
            found.append(column >= span.after)
        if span.before is not None:
            found.append(column < span.before)
    found += [_labelled(project, key, value) for key, value in wanted.labels.items()]
    return found


def _labelled(project: str, key: str, value: str) -> ColumnElement[bool]:
    label = t.labels.c
    return exists().where(
        and_(
            label.project == project,
            label.key == key,
            label.value == value,
            label.created_at == t.tasks.c.created_at,
            label.task_pk == t.tasks.c.pk,
        )
    )
