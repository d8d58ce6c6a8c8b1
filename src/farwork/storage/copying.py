"""Moves a whole installation into another, empty database, whichever engine each stands on.

Every table is copied row by row in the order of its primary key, some rows a transaction. So the
last row that the target has says how far the copy is, and one that was interrupted goes on there.
At the end both sides are read once more and compared; only then is the target one that a server
takes. Whatever changed in the source between two runs is found by that, too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    Select,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy import column as name_of
from sqlalchemy import table as table_of

from farwork.storage import sessions
from farwork.storage import tables as t
from farwork.storage.audit import reading_all
from farwork.storage.engine import is_postgresql
from farwork.storage.log_check import stream
from farwork.storage.schema import REVISION, UNFINISHED, VERSION_TABLE, migrate, revision_of

ROWS_AT_ONCE = 1_000
CHARS_AT_ONCE = 4_000_000
"""A transaction holds no more than this of texts and bytes, but for its last row."""

# Rows of these hold bodies of up to some megabytes; of others, a thousand weigh nothing.
WIDE_AT_ONCE = 16
_WIDE = {
    t.deliveries, t.details, t.documents, t.events, t.idempotency, t.operations, t.results,
    t.sendings, t.shard_results,
}  # fmt: skip
_versions = table_of(VERSION_TABLE, name_of("version_num"))
Row = tuple[Any, ...]
Shown = Callable[[str, int], None]
"""Told after each transaction which table has how many rows."""


class CopyRefused(Exception):
    """The copy cannot be made; the text says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied."""

    tables: int
    rows: int
    went_on: bool


def copy(source: Engine, target: Engine, shown: Shown = lambda _table, _rows: None) -> Copied:
    """Copy all that is in `source`, at rest and up to date, into `target`, empty or unfinished.

    Raises `CopyRefused`, and what the databases say. It may be interrupted at any moment, and asked
    for again.
    """
    for engine in (source, target):
        _refuse_if_used(engine)
    went_on = _begin(target)
    rows = 0
    with reading_all(source) as reading:
        if revision_of(reading) != REVISION:
            raise CopyRefused("The source has not the newest schema: 'farwork migrate' renews it.")
        for table in t.metadata.sorted_tables:
            rows += _copy_table(table, reading, target, shown)
        for table in t.metadata.sorted_tables:
            _compare(table, reading, target)
        _refuse_if_used(source)
    _finish(target)
    return Copied(len(t.metadata.tables), rows, went_on)


def _refuse_if_used(engine: Engine) -> None:
    """Raise `CopyRefused` while a server, or a command, works on a PostgreSQL database.

    A SQLite file has a lock beside it, which whoever copies holds.
    """
    with engine.connect() as connection:
        if is_postgresql(connection):
            pool: Any = engine.pool
            if sessions.others(connection) >= pool.checkedout() + pool.checkedin():
                name = engine.url.database
                raise CopyRefused(f"The database {name!r} is in use; stop its servers first.")


def _begin(target: Engine) -> bool:
    """Make the target ready; whether an earlier copy had begun."""
    with target.connect() as connection:
        revision = revision_of(connection)
    if revision == UNFINISHED:
        return True
    if revision is not None:
        raise CopyRefused("The target holds an installation already; give a database of its own.")
    migrate(target)
    with target.begin() as connection:
        # What a new installation begins with comes from the source.
        for table in (t.projects, t.heads):
            connection.execute(delete(table))
        connection.execute(update(_versions).values(version_num=UNFINISHED))
    return False


def _finish(target: Engine) -> None:
    with target.begin() as connection:
        connection.execute(update(_versions).values(version_num=REVISION))


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _copy_table(table: Table, reading: Connection, target: Engine, shown: Shown) -> int:
    """Copy what the target does not have yet; how many rows there are then."""
    key = _key(table)
    with target.connect() as connection:
        count: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
        last = connection.execute(
            select(*key).order_by(*(column.desc() for column in key)).limit(1)
        ).one_or_none()
    statement = select(table).order_by(*key)
    if last is not None:
        place = tuple_(*(literal(v, c.type) for v, c in zip(last, key, strict=True)))
        statement = statement.where(tuple_(*key) > place)
    with _rows(table, reading, statement) as rows:
        for chunk in _chunks(rows):
            with target.begin() as connection:
                connection.execute(insert(table), [row._asdict() for row in chunk])
            count += len(chunk)
            shown(table.name, count)
    return count


def _rows(
    table: Table, connection: Connection, statement: Select[Any]
) -> AbstractContextManager[Iterator[Any]]:
    return stream(connection, statement, WIDE_AT_ONCE if table in _WIDE else ROWS_AT_ONCE)


def _chunks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    chars = 0
    for row in rows:
        chunk.append(row)
        chars += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(chunk) == ROWS_AT_ONCE or chars >= CHARS_AT_ONCE:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


def _compare(table: Table, reading: Connection, target: Engine) -> None:
    with reading_all(target) as connection:
        if _digest(table, reading) != _digest(table, connection):
            raise CopyRefused(
                f"The table {table.name} is not the same on both sides: the source has changed "
                "since the copy began. Stop what writes to it, empty the target, and copy again."
            )


def _digest(table: Table, connection: Connection) -> bytes:
    """What tells the rows of a table from all others."""
    digest = blake2b()
    binary = [isinstance(column.type, LargeBinary) for column in table.columns]
    with _rows(table, connection, select(table).order_by(*_key(table))) as rows:
        for row in rows:
            digest.update(repr(_plain(row, binary)).encode())
    return digest.digest()


def _plain(row: Sequence[Any], binary: Sequence[bool]) -> list[Any]:
    return [
        bytes(value) if bytes_ and value is not None else value
        for value, bytes_ in zip(row, binary, strict=True)
    ]
