"""Statements of the write path, compiled once: SQLAlchemy writes the SQL, the driver gets rows of plain values.

Executing a Core statement costs several microseconds a row for binding parameters by name; the write path has none to give away.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Row
from sqlalchemy.sql.expression import ClauseElement


class Prepared:
    """One statement as text, with the order in which it takes its parameters."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, columns: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self.sql = str(compiled)
        order: list[str] = list(getattr(compiled, "positiontup", None) or ())
        self._order = None if order == list(columns) else [list(columns).index(n) for n in order]

    def _row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(row) if self._order is None else tuple(row[i] for i in self._order)

    def many(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Execute once a row."""
        if rows:
            connection.exec_driver_sql(self.sql, [self._row(row) for row in rows])

    def all(self, connection: Connection, row: Sequence[Any]) -> Sequence[Row[Any]]:
        """Execute once and fetch every row of the answer."""
        return connection.exec_driver_sql(self.sql, self._row(row)).all()
