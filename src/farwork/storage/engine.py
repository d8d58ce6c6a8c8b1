"""The two engines, and the few places where they part."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Text,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from farwork.storage.json import encode_text

# SQLite waits so long for another process (a backup, the CLI) that holds the write lock.
BUSY_TIMEOUT_MS = 5_000
# Both engines' error classes for "try the same transaction again": deadlock, serialization, a unique id that another process was
# first to insert, a lock that was not to be had.
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01", "23505", "55P03"})
FEED_LOCK = 0x4661_7277
FEED_CHANNEL = "farwork_feed"


class DatabaseUrlError(ValueError):
    """The database URL cannot be used; the text says why and what would be right."""


def parse_url(database: str) -> URL:
    """The URL of a SQLite file (`sqlite:////path/x.db`) or of PostgreSQL (`postgresql://...`), with our driver."""
    try:
        url = make_url(database)
    except ArgumentError:
        url = None
    backend = url.get_backend_name() if url is not None else ""
    if url is None or backend not in ("sqlite", "postgresql"):
        raise DatabaseUrlError(
            f"{database!r} is not a database URL; use sqlite:////absolute/path.db or postgresql://user@host/name."
        )
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        raise DatabaseUrlError("SQLite needs a file: use sqlite:////absolute/path.db.")
    return url.set(drivername="sqlite+pysqlite")


def open_engine(database: str, *, pool_size: int = 5, read_only: bool = False) -> Engine:
    """An engine on the database; connections of a `read_only` one cannot write."""
    url = parse_url(database)
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url, pool_size=pool_size, max_overflow=2, pool_pre_ping=True, paramstyle="format",
            connect_args={"application_name": "farwork", "connect_timeout": 5},
        )
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=pool_size, max_overflow=2, connect_args={"check_same_thread": False})
    _prepare_sqlite(engine, read_only=read_only)
    return engine


def _prepare_sqlite(engine: Engine, *, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction]
        # We begin transactions ourselves: the driver would begin a write too late, as a read that must be upgraded.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA temp_store=MEMORY")
        if read_only:
            cursor.execute("PRAGMA query_only=1")
            cursor.execute("PRAGMA mmap_size=1073741824")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def is_postgresql(connection: Connection | Engine) -> bool:
    """Whether this is PostgreSQL (else it is SQLite)."""
    return connection.dialect.name == "postgresql"


# A list of any length as one parameter: the statement's text stays the same, so that it is compiled and planned once. SQLite reads
# the list from a JSON array, PostgreSQL from an array.


def among_texts(column: ColumnElement[str], name: str, *, postgres: bool) -> ColumnElement[bool]:
    """`column IN (the texts of parameter name)`."""
    if postgres:
        return column == func.any(bindparam(name, type_=postgresql.ARRAY(Text)))
    return column.in_(select(text("value")).select_from(func.json_each(bindparam(name, type_=Text))))


def among_keys(column: ColumnElement[int], name: str, *, postgres: bool) -> ColumnElement[bool]:
    """`column IN (the integers of parameter name)`."""
    if postgres:
        return column == func.any(bindparam(name, type_=postgresql.ARRAY(BigInteger)))
    return column.in_(
        select(cast(text("value"), BigInteger)).select_from(func.json_each(bindparam(name, type_=Text)))
    )


def pairs_of_keys(name: str, *, postgres: bool) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The two columns of a table of integer pairs, given as parameter `name` (PostgreSQL: `name` and `name_2`)."""
    if postgres:
        arrays = [bindparam(n, type_=postgresql.ARRAY(BigInteger)) for n in (name, f"{name}_2")]
        table = func.unnest(*arrays).table_valued("one", "two", name="pairs")
        return table.c.one, table.c.two
    values = func.json_each(bindparam(name, type_=Text)).table_valued("value", name="pairs").c.value
    return func.json_extract(values, "$[0]"), func.json_extract(values, "$[1]")


def pairs_parameter(pairs: Sequence[tuple[int, int]], *, postgres: bool) -> tuple[Any, ...]:
    """The values for the parameters of `pairs_of_keys`."""
    if postgres:
        return [one for one, _ in pairs], [two for _, two in pairs]
    return (encode_text(list(pairs)),)


def list_parameter(values: Sequence[str] | Sequence[int], *, postgres: bool) -> Any:
    """The value for a parameter of `among_texts` or `among_keys`."""
    return list(values) if postgres else encode_text(list(values))
