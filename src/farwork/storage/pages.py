"""The statement of a page: one walk along an index, or several put together."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    UnaryExpression,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.operators import custom_op

from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql
from farwork.storage.rows import TASK_COLUMNS
from farwork.storage.task_filter import Page, TaskFilter, labelled, terms
from farwork.storage.ways import Choice, Chooser, Way, branches, label_conditions

COLUMNS = [t.tasks.c[name] for name in TASK_COLUMNS]

Rows = Select[*tuple[Any, ...]]
_unary_plus = custom_op[Any]("+")
_Columns = tuple[ColumnElement[Any], ColumnElement[Any]]
"""The value that a list is ordered by, and the key."""


def page_statement(connection: Connection, project: str, wanted: TaskFilter, at: Page) -> Rows:
    """The statement of a page. To choose its ways it may count a little on the connection."""
    pages = Pages(project, at, postgres=is_postgresql(connection))
    chooser = Chooser(connection, project, at.order)
    parts = branches(wanted, at.order)
    if len(parts) == 1:
        return pages.alone(parts[0], chooser.choose(parts[0]))
    return pages.together([(part, chooser.choose(part)) for part in parts])


class Pages:
    """Writes the statements of one page."""

    def __init__(self, project: str, at: Page, *, postgres: bool) -> None:
        self._project = project
        self._at = at
        self._postgres = postgres

    def alone(self, wanted: TaskFilter, choice: Choice) -> Rows:
        """A page that lies on one way."""
        if choice.few:
            return self._shown(self._sorted(wanted, choice.way, self._at.limit, self._at.offset))
        order = self._order_of(choice.way)
        rows = self._matching(wanted, choice.way, select(*COLUMNS), order)
        return self._bounded(rows, order, self._at.limit, self._at.offset)

    def together(self, parts: "list[tuple[TaskFilter, Choice]]") -> Rows:
        """A page that is put together from several ways, none read beyond its need."""
        enough = self._at.limit + self._at.offset
        keys = [self._keys(wanted, choice, enough).subquery() for wanted, choice in parts]
        found = union_all(*(select(part) for part in keys)).subquery()
        order = (found.c.value, found.c.pk)
        rows = self._bounded(select(*order), order, self._at.limit, self._at.offset)
        return self._shown(rows)

    def _keys(self, wanted: TaskFilter, choice: Choice, limit: int) -> Rows:
        if choice.few:
            return self._sorted(wanted, choice.way, limit, 0)
        order = self._order_of(choice.way)
        columns = select(order[0].label("value"), order[1].label("pk"))
        rows = self._matching(wanted, choice.way, columns, order)
        return self._bounded(rows, order, limit, 0)

    def _sorted(self, wanted: TaskFilter, way: Way, limit: int, offset: int) -> Rows:
        """The keys of what lies on a way, read whole before they are put in order."""
        order = (t.tasks.c[f"{self._at.order}_at"], t.tasks.c.pk)
        hidden = (self._hidden(order[0]), self._hidden(order[1]))
        columns = select(order[0].label("value"), order[1].label("pk"))
        rows = self._matching(wanted, way, columns, hidden)
        found = rows.cte("found", nesting=True).prefix_with("MATERIALIZED")
        kept = (found.c.value, found.c.pk)
        return self._bounded(select(*kept), kept, limit, offset)

    def _shown(self, keys: Rows) -> Rows:
        """The tasks of these keys, in their order."""
        page = keys.subquery()
        rows = select(*COLUMNS).join(page, page.c.pk == t.tasks.c.pk)
        return rows.order_by(*self._ordering((page.c.value, page.c.pk)))

    def _order_of(self, way: Way) -> _Columns:
        if way.label is not None:
            return t.labels.c.created_at, t.labels.c.task_pk
        return t.tasks.c[f"{self._at.order}_at"], t.tasks.c.pk

    def _matching(self, wanted: TaskFilter, way: Way, columns: Rows, order: _Columns) -> Rows:
        """The tasks on a way that satisfy the filter and lie behind the cursor."""
        served = way.columns if way.label is not None else {"project", *way.columns}
        rows = columns.where(
            *(
                term.test(t.tasks.c[term.column])
                if term.column in served
                else term.test(self._hidden(t.tasks.c[term.column]))
                for term in terms(self._project, wanted)
            ),
            *(
                labelled(self._project, *label, postgres=self._postgres)
                for label in wanted.labels.items()
                if label != way.label
            ),
        )
        if way.label is not None:
            joined = t.labels.join(t.tasks, t.labels.c.task_pk == t.tasks.c.pk)
            rows = rows.select_from(joined).where(*label_conditions(self._project, way.label))
        if self._at.order == "completed":
            rows = rows.where(order[0].is_not(None))
        if self._at.after is not None:
            place = tuple_(literal(self._at.after[0]), literal(self._at.after[1]))
            here = tuple_(*order)
            rows = rows.where(here < place if self._at.descending else here > place)
        return rows

    def _hidden(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column, so that SQLite does not choose an index because of it.

        PostgreSQL is left to choose by itself, but for what is read whole.
        """
        if self._postgres:
            return column
        return UnaryExpression(column, operator=_unary_plus, type_=column.type)

    def _bounded(self, rows: Rows, order: _Columns, limit: int, offset: int) -> Rows:
        rows = rows.order_by(*self._ordering(order)).limit(limit)
        return rows.offset(offset) if offset else rows

    def _ordering(self, order: _Columns) -> list[ColumnElement[Any]]:
        if self._at.descending:
            return [column.desc() for column in order]
        return [column.asc() for column in order]
