"""What can go wrong with a database, and what kind of wrong it is.

An error of the database is one of three kinds: *passing* (another transaction was in the way: the
same one is tried again), *away* (the database itself cannot work at present: nobody's fault, and
nobody's write is kept), or else the fault of the write that met it.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from farwork.domain.errors import Unprocessable

# Deadlock, serialization failure, a unique id that another process was first to insert, a lock
# that was not to be had.
UNIQUE_VIOLATION = "23505"
PASSING_SQLSTATES = frozenset({"40001", "40P01", "55P03", UNIQUE_VIOLATION})
# Connection exception, read-only server, insufficient resources, operator intervention, system
# error (a damaged file among them), internal error.
_AWAY_CLASSES = ("08", "25006", "53", "57", "58", "XX", "F0")
_AWAY_CODES = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOTADB,
    }
)
_PRIMARY_CODE = 0xFF


class DatabaseUnusable(Exception):
    """The database cannot be used as it is; the text says why and what would be right."""


class DatabaseUrlError(DatabaseUnusable, ValueError):
    """The database URL cannot be used; the text says why and what would be right."""


class SchemaError(DatabaseUnusable):
    """What is in the database is not what this program works with; the text says what it is."""


class Overloaded(Exception):
    """More is waiting to be written than can be taken; try again shortly."""


class NotInTime(Overloaded):
    """The write was not made in the time that its sender waits; nothing of it was kept."""


class StorageUnavailable(Exception):
    """The database cannot be worked with at present; the text says why."""


class CommitUnknown(StorageUnavailable):
    """The database cannot be worked with at present, and may or may not have kept the write."""


class NotStorable(Unprocessable):
    """The database does not take a value of the request."""

    code = "not_storable"


def _sqlstate(error: SQLAlchemyError) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may well succeed when it is tried again."""
    if not isinstance(error, SQLAlchemyError):
        return False
    return _sqlstate(error) in PASSING_SQLSTATES or is_lost(error)


def is_in_the_way(error: BaseException) -> bool:
    """Whether other transactions hold what this one needs: it is nobody's fault."""
    return is_passing(error) and not _is_taken(error)


def _is_taken(error: BaseException) -> bool:
    """Whether a unique value is there already: a fault, unless another process was just quicker."""
    return isinstance(error, SQLAlchemyError) and _sqlstate(error) == UNIQUE_VIOLATION


def is_away(error: BaseException) -> bool:
    """Whether the database itself cannot work, whatever is asked of it."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, NoConnection)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & _PRIMARY_CODE in _AWAY_CODES
    state = _sqlstate(error)
    if state is not None:
        return state.startswith(_AWAY_CLASSES)
    return is_lost(error) or _without_a_connection(error)


def _without_a_connection(error: DBAPIError) -> bool:
    """Whether the driver could not connect: then nothing was executed."""
    return error.statement is None


def reason_of(error: BaseException) -> str:
    """The first line of what the database said, without our statement and its parameters."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0].rstrip(".") if said else type(error).__name__
