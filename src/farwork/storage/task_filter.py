"""Which tasks a list means, and in which order: as values, and as conditions on the tables."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, literal_column, select

from farwork.domain.values import Instant
from farwork.storage import tables as t

ORDERS = ("created", "updated", "completed")


@dataclass(slots=True, frozen=True)
class Range:
    """Instants from `after` (included) to `before` (not included); None: open."""

    after: Instant | None = None
    before: Instant | None = None


ALL_TIME = Range()


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
    created: Range = ALL_TIME
    updated: Range = ALL_TIME
    completed: Range = ALL_TIME
    archived: bool | None = False


@dataclass(slots=True, frozen=True)
class Page:
    """Which rows of a list: its order, how many, and the (value, key) after which they begin."""

    limit: int = 50
    order: str = "created"
    descending: bool = True
    after: tuple[int, int] | None = None
    offset: int = 0


Test = Callable[[ColumnElement[Any]], ColumnElement[bool]]


@dataclass(slots=True, frozen=True)
class Term:
    """One condition on one column of `tasks`; `said` is the value that the filter has for it."""

    column: str
    said: Hashable
    test: Test

    @property
    def condition(self) -> ColumnElement[bool]:
        """The condition on the column itself."""
        return self.test(t.tasks.c[self.column])


def terms(project: str, wanted: TaskFilter) -> list[Term]:
    """What a task's own row must satisfy to be meant by a filter."""
    found = [Term("project", project, _one_of([project]))]
    if wanted.archived is not None:
        test = _is_set if wanted.archived else _is_unset
        found.append(Term("archived_at", wanted.archived, test))
    for name, values in (
        ("state", wanted.states),
        ("reason", wanted.reasons),
        ("kind", wanted.kinds),
        ("queue", wanted.queues),
    ):
        if values:
            found.append(Term(name, tuple(values), _one_of(values)))
    for name, value in (
        ("job_id", wanted.job_id),
        ("creator", wanted.creator),
        ("external_ref", wanted.external_ref),
    ):
        if value is not None:
            found.append(Term(name, value, _one_of([value])))
    for name, span in (
        ("created_at", wanted.created),
        ("updated_at", wanted.updated),
        ("completed_at", wanted.completed),
    ):
        if span != ALL_TIME:
            found.append(Term(name, span, _within(span)))
    return found


def conditions(project: str, wanted: TaskFilter) -> list[ColumnElement[bool]]:
    """What a task must satisfy to be meant by a filter."""
    found = [term.condition for term in terms(project, wanted)]
    return found + [labelled(project, key, value) for key, value in wanted.labels.items()]


def labelled(project: str, key: str, value: str, *, postgres: bool = False) -> ColumnElement[bool]:
    """Whether a task has this label; `postgres` is kept from looking at more tasks than asked."""
    label = t.labels.alias().c
    found = select(literal_column("1", Integer())).where(
        label.project == project,
        label.key == key,
        label.value == value,
        label.created_at == t.tasks.c.created_at,
        label.task_pk == t.tasks.c.pk,
    )
    if postgres:
        # PostgreSQL makes a join of this, and may begin it with all that have the label.
        found = found.offset(literal_column("0", Integer()))
    return found.correlate(t.tasks).exists()


def _is_set(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.is_not(None)


def _is_unset(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.is_(None)


def _one_of(values: Sequence[str]) -> Test:
    if len(values) == 1:
        return lambda column: column == values[0]
    return lambda column: column.in_(values)


def _within(span: Range) -> Test:
    def test(column: ColumnElement[Any]) -> ColumnElement[bool]:
        bounds: list[ColumnElement[bool]] = []
        if span.after is not None:
            bounds.append(column >= span.after)
        if span.before is not None:
            bounds.append(column < span.before)
        return and_(*bounds)

    return test
