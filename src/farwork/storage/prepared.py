"""Statements of the write path, compiled once: SQLAlchemy writes the SQL, the driver runs it.

Executing a Core statement costs tens of microseconds, and several more for each row's named
parameters. The write path has none to give away, so it hands text and plain rows to the driver's
own cursor, within SQLAlchemy's connection and transaction, and turns errors into SQLAlchemy's.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import ClauseElement

Values = Sequence[Any]


class Prepared:
    """One statement as text, with the order in which it takes its parameters."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, columns: Sequence[str]) -> None:
        keys = columns if isinstance(statement, Insert) else None
        compiled = statement.compile(dialect=dialect, column_keys=keys)
        self._dialect = dialect
        self.sql = str(compiled)
        names: list[str] = list(getattr(compiled, "positiontup", None) or ())
        places = {name: index for index, name in enumerate(columns)}
        given = compiled.params or {}
        constants = [name for name in names if name not in places]
        self._constants: tuple[Any, ...] = tuple(given[name] for name in constants)
        places |= {name: len(columns) + index for index, name in enumerate(constants)}
        order = [places[name] for name in names]
        self._order = None if order == list(range(len(columns))) else order

    def _row(self, row: Values) -> Values:
        if self._order is None:
            return row
        values = (*row, *self._constants)
        return tuple([values[index] for index in self._order])

    def many(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Execute once a row; how many rows were changed in all."""
        if not rows:
            return 0
        if self._order is not None:
            rows = [self._row(row) for row in rows]

        def change(cursor: Any) -> int:
            cursor.executemany(self.sql, rows)
            return cursor.rowcount

        return self._run(connection, change)

    def all(self, connection: Connection, row: Values) -> list[Any]:
        """Execute once and fetch every row of the answer."""

        def fetch(cursor: Any) -> list[Any]:
            cursor.execute(self.sql, self._row(row))
            return cursor.fetchall()

        return self._run(connection, fetch)

    def count(self, connection: Connection, row: Values) -> int:
        """Execute once; how many rows it changed."""

        def change(cursor: Any) -> int:
            cursor.execute(self.sql, self._row(row))
            return cursor.rowcount

        return self._run(connection, change)

    def _run(self, connection: Connection, run: Callable[[Any], Any]) -> Any:
        driver = connection.connection
        cursor = driver.cursor()
        try:
            return run(cursor)
        except self._dialect.loaded_dbapi.Error as error:
            raise self._translated(connection, error, cursor) from error
        finally:
            cursor.close()

    def _translated(self, connection: Connection, error: Any, cursor: Any) -> Exception:
        """The error as SQLAlchemy would raise it; a connection that is lost is not used again."""
        lost = self._dialect.is_disconnect(error, connection.connection, cursor)
        if lost:
            connection.invalidate(error)
        instance: Any = DBAPIError.instance
        translated: Exception = instance(
            self.sql,
            None,
            error,
            self._dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=self._dialect,
        )
        return translated
