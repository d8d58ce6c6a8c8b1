"""The schema of a database: brought up to date before anything else touches it."""

from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Engine, inspect, select, table
from sqlalchemy import column as name_of
from sqlalchemy.exc import SQLAlchemyError

from farwork.storage.engine import is_postgresql
from farwork.storage.errors import SchemaError, reason_of

# The newest revision in `migrations/versions`. It stands here so that an up-to-date database is
# recognised without loading Alembic, which takes longer than all else at start.
REVISION = "0007"
UNFINISHED = "copying"
"""In place of a revision: somebody copies an installation into this database."""
VERSION_TABLE = "farwork_version"
_SCHEMA_LOCK = 0x4661_7278
_SCRIPTS = "farwork.storage:migrations"


def unfinished_copy(engine: Engine) -> str:
    """What to say of a database into which a copy was begun, and not ended."""
    return (
        f"{_shown(engine)} is the target of an unfinished copy; run the same 'farwork copy' again, "
        "and it goes on where it was."
    )


def migrate(engine: Engine) -> None:
    """Bring the schema up to date; several processes may do so at once.

    Raises `SchemaError` about a database that a newer program made, that holds something else, or
    that is none.
    """
    try:
        with engine.begin() as connection:
            # On SQLite the transaction itself is the lock.
            if is_postgresql(connection):
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            _bring_up(connection)
    except SQLAlchemyError as error:
        raise SchemaError(f"{_shown(engine)} cannot be used: {reason_of(error)}.") from error


def _bring_up(connection: Connection) -> None:
    revision = revision_of(connection)
    if revision == REVISION:
        return
    if revision is None:
        _refuse_what_is_not_ours(connection)
    elif revision == UNFINISHED:
        raise SchemaError(unfinished_copy(connection.engine))
    elif revision > REVISION:
        raise SchemaError(
            f"{_shown(connection.engine)} has the schema {revision}, made by a newer Farwork; this "
            f"one knows schemas up to {REVISION}. Install the newer program, or restore a backup."
        )
    _run_migrations(connection)


def revision_of(connection: Connection) -> str | None:
    """The revision that the database has; None: nothing of ours is in it."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = table(VERSION_TABLE, name_of("version_num"))
    return connection.execute(select(version.c.version_num)).scalar_one_or_none()


def _refuse_what_is_not_ours(connection: Connection) -> None:
    others = sorted(inspect(connection).get_table_names())
    if others:
        raise SchemaError(
            f"{_shown(connection.engine)} holds {len(others)} tables that are not Farwork's, "
            f"{others[0]!r} among them; give it a database of its own."
        )


def configuration(connection: Connection) -> Any:
    """What Alembic works with: our revisions, and this connection."""
    config: Any = import_module("alembic.config").Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.attributes["connection"] = connection
    return config


def _run_migrations(connection: Connection) -> None:
    import_module("alembic.command").upgrade(configuration(connection), REVISION)


def _shown(engine: Engine) -> str:
    url = engine.url.set(drivername=engine.url.get_backend_name())
    return f"The database {url.render_as_string(hide_password=True)}"
