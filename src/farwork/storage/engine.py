"""The two engines, and the few places where they part."""

import sqlite3
from collections.abc import Mapping, Sequence
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
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError

from farwork.clock import pause, ticks
from farwork.storage.errors import DatabaseUrlError, is_away
from farwork.storage.json import encode_text

# How long a writer waits for another process (a backup, the command line) that holds SQLite's write
# lock, or a lock of PostgreSQL.
BUSY_TIMEOUT_MS = 5_000
WAL_RETRY_S = 0.01
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10
READ_TIMEOUT_MS = 30_000
# A process that is cut off in the middle of a transaction holds the feed no longer than this.
IDLE_IN_TRANSACTION_MS = 60_000

_PRAGMAS: dict[str, str | int] = {
    "synchronous": "FULL",
    "cache_size": -16_384,
    "temp_store": "MEMORY",
    # Pages: 32 MiB. Under load the same pages are written again and again; they go into the file
    # once in a while, not once in a moment.
    "wal_autocheckpoint": 8_192,
}
# Readers see the file through the system's cache; each has little of its own.
_READER_PRAGMAS: dict[str, str | int] = {
    "query_only": 1,
    "mmap_size": 1 << 30,
    "cache_size": -4_096,
}
_WRITER_SETTINGS: dict[str, str | int] = {
    "lock_timeout": BUSY_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
}
_READER_SETTINGS: dict[str, str | int] = {
    "default_transaction_read_only": "on",
    "statement_timeout": READ_TIMEOUT_MS,
}
FEED_LOCK = 0x4661_7277
FEED_CHANNEL = "farwork_feed"
READY_CHANNEL = "farwork_ready"
ACCESS_CHANNEL = "farwork_access"


def parse_url(database: str) -> URL:
    """The URL of a SQLite file or of PostgreSQL, with our driver. Raises `DatabaseUrlError`."""
    try:
        url = make_url(database)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise DatabaseUrlError(
            f"{database!r} is not a database URL; use sqlite:////absolute/path.db or "
            "postgresql://user@host/name."
        )
    if url.get_backend_name() != "sqlite":
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        raise DatabaseUrlError("SQLite needs a file: use sqlite:////absolute/path.db.")
    return url.set(drivername="sqlite+pysqlite")


def open_engine(database: str, *, pool_size: int = 5, read_only: bool = False) -> Engine:
    """An engine on the database; connections of a `read_only` one cannot write.

    Raises `DatabaseUrlError`.
    """
    url = parse_url(database)
    open_ = _open_postgresql if url.get_backend_name() == "postgresql" else _open_sqlite
    engine = open_(url, pool_size, read_only=read_only)
    if read_only:
        _renew_after_errors(engine)
    return engine


def _renew_after_errors(engine: Engine) -> None:
    """Have each connection of the pool replaced once one of them finds that the database is away.

    A file that was put back is seen by new connections only.
    """

    @event.listens_for(engine, "handle_error")
    def _look(context: ExceptionContext) -> None:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
        error = context.sqlalchemy_exception
        if context.connection is not None and error is not None and is_away(error):
            context.is_disconnect = True


def _open_postgresql(url: URL, pool_size: int, *, read_only: bool) -> Engine:
    settings = _READER_SETTINGS if read_only else _WRITER_SETTINGS
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        paramstyle="format",
        connect_args={"application_name": "farwork", "connect_timeout": CONNECT_TIMEOUT_S},
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
        for name, value in settings.items():
            connection.execute(f"SET {name} = '{value}'")
        connection.commit()

    return engine


def _open_sqlite(url: URL, pool_size: int, *, read_only: bool) -> Engine:
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUrlError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={"check_same_thread": False},
    )
    pragmas = _PRAGMAS | (_READER_PRAGMAS if read_only else {})

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
        # We begin transactions ourselves: the driver would begin a write too late, as a read that
        # must be upgraded.
        connection.isolation_level = None
        _write_ahead(connection)
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name}={value}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have the file keep a write-ahead log, whoever else opens it for the first time meanwhile.

    Two that turn it on at once hold what the other needs, so SQLite refuses one without waiting.
    """
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").close()
    until = ticks() + BUSY_TIMEOUT_MS / 1000
    while not _switched(connection, last_try=ticks() > until):
        pause(WAL_RETRY_S)


def _switched(connection: sqlite3.Connection, *, last_try: bool) -> bool:
    try:
        connection.execute("PRAGMA journal_mode=WAL").close()
    except sqlite3.OperationalError as error:
        if last_try or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def is_postgresql(connection: Connection | Engine) -> bool:
    """Whether this is PostgreSQL (else it is SQLite)."""
    return connection.dialect.name == "postgresql"


# A list of any length as one parameter: the statement's text stays the same, so that it is compiled
# and planned once. SQLite reads the list from a JSON array, PostgreSQL from an array.


def among_texts(column: ColumnElement[str], name: str, *, postgres: bool) -> ColumnElement[bool]:
    """`column IN (the texts of parameter name)`."""
    if postgres:
        return column == func.any(bindparam(name, type_=postgresql.ARRAY(Text)))
    return column.in_(
        select(text("value")).select_from(func.json_each(bindparam(name, type_=Text)))
    )


def among_keys(column: ColumnElement[int], name: str, *, postgres: bool) -> ColumnElement[bool]:
    """`column IN (the integers of parameter name)`."""
    if postgres:
        return column == func.any(bindparam(name, type_=postgresql.ARRAY(BigInteger)))
    return column.in_(
        select(cast(text("value"), BigInteger)).select_from(
            func.json_each(bindparam(name, type_=Text))
        )
    )


def pairs_of_keys(name: str, *, postgres: bool) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The two columns of a table of integer pairs, given as parameter `name`.

    On PostgreSQL there are two parameters, `name` and `name_2`.
    """
    if postgres:
        arrays = [bindparam(n, type_=postgresql.ARRAY(BigInteger)) for n in (name, f"{name}_2")]
        table = func.unnest(*arrays).table_valued("one", "two", name="pairs").render_derived()
        return table.c.one, table.c.two
    values = func.json_each(bindparam(name, type_=Text)).table_valued("value", name="pairs").c.value
    return func.json_extract(values, "$[0]"), func.json_extract(values, "$[1]")


def keys_in_order(name: str, *, postgres: bool) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The columns (key, place from 1 on) of a table of the integers of parameter `name`."""
    if postgres:
        array = bindparam(name, type_=postgresql.ARRAY(BigInteger))
        values = func.unnest(array).table_valued(
            "key", with_ordinality="place", name="given", joins_implicitly=True
        )
        table = values.render_derived()
        return table.c.key, table.c.place
    table = func.json_each(bindparam(name, type_=Text)).table_valued(
        "key", "value", name="given", joins_implicitly=True
    )
    return cast(table.c.value, BigInteger), cast(table.c.key, BigInteger) + 1


def json_object(values: Mapping[str, ColumnElement[Any]], *, postgres: bool) -> ColumnElement[str]:
    """The text of a JSON object of these columns."""
    parts = [part for name, value in values.items() for part in (literal(name), value)]
    if postgres:
        return cast(func.json_build_object(*parts), Text)
    return func.json_object(*parts)


def pairs_parameter(pairs: Sequence[tuple[int, int]], *, postgres: bool) -> tuple[Any, ...]:
    """The values for the parameters of `pairs_of_keys`."""
    if postgres:
        return [one for one, _ in pairs], [two for _, two in pairs]
    return (encode_text(list(pairs)),)


def list_parameter(values: Sequence[str] | Sequence[int], *, postgres: bool) -> Any:
    """The value for a parameter of `among_texts` or `among_keys`."""
    return list(values) if postgres else encode_text(list(values))
