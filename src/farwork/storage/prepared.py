"""Statements of the write path, compiled once: SQLAlchemy writes the SQL, the driver gets rows of plain values.

Executing a Core statement costs several microseconds a row for binding parameters by name; the write path has none to give away.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Row
from sqlalchemy.sql.expression import ClauseElement


class Prepared:
    """One statement as text, with the order in which it takes its parameters."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, columns: Sequence[str]) -> None:
        keys = columns if isinstance(statement, Insert) else None
        compiled = statement.compile(dialect=dialect, column_keys=keys)
        self.sql = str(compiled)
        names: list[str] = list(getattr(compiled, "positiontup", None) or ())
        places = {name: index for index, name in enumerate(columns)}
        constants = [name for name in names if name not in places]
        self._constants = tuple(compiled.params[name] for name in constants)
        places |= {name: len(columns) + index for index, name in enumerate(constants)}
        order = [places[name] for name in names]
        self._order = None if order == list(range(len(columns))) else order

    def _row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        if self._order is None:
            return tuple(row)
        values = (*row, *self._constants)
        return tuple([values[index] for index in self._order])

    def many(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Execute once a row."""
        if rows:
            connection.exec_driver_sql(self.sql, [self._row(row) for row in rows])

    def all(self, connection: Connection, row: Sequence[Any]) -> Sequence[Row[Any]]:
        """Execute once and fetch every row of the answer."""
        return connection.exec_driver_sql(self.sql, self._row(row)).all()
