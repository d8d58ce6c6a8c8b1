"""A SQLite driver whose calls fail, or with which the whole process dies, where it is told to."""

import sqlite3
from collections.abc import Callable
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What happens at the call that was chosen."""

    DISK = "disk"
    """The disk does not take it."""
    REFUSED = "refused"
    """The database refuses it, as if it broke a rule."""
    CRASH_BEFORE = "crash-before"
    CRASH_AFTER = "crash-after"
    """The process dies before the call, or as soon as it is done."""


class Crash(BaseException):
    """The process is no more. Nothing in it may catch this."""


class Faults:
    """Counts the storage calls of the writing connection, and spoils one of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.spoilt = False
        """Whether a call has been spoilt."""
        self._at: int | None = None
        self._kind = Kind.DISK
        self.on_crash: Callable[[], None] = lambda: None
        """Called with the database as the dying process leaves it."""

    def arm(self, calls_from_now: int, kind: Kind) -> None:
        """Spoil the call that is so many from now; the next is the first."""
        self._at, self._kind = self.calls + calls_from_now, kind

    def disarm(self) -> None:
        """Spoil nothing."""
        self._at = None

    @property
    def is_armed(self) -> bool:
        """Whether a call is still to be spoilt."""
        return self._at is not None

    def during(self, call: Callable[[], Any]) -> Any:
        """Make a call, or let it fail."""
        self.calls += 1
        if self.calls != self._at:
            return call()
        self._at, self.spoilt = None, True
        match self._kind:
            case Kind.DISK:
                raise _said(sqlite3.OperationalError("disk I/O error"), sqlite3.SQLITE_IOERR)
            case Kind.REFUSED:
                broken = sqlite3.IntegrityError("constraint failed")
                raise _said(broken, sqlite3.SQLITE_CONSTRAINT)
            case Kind.CRASH_AFTER:
                call()
            case Kind.CRASH_BEFORE:
                pass
        self.on_crash()
        raise Crash


def _said(error: sqlite3.Error, code: int) -> sqlite3.Error:
    error.sqlite_errorcode = code
    return error


def connection_of(faults: Faults) -> type[sqlite3.Connection]:
    """A class of connections whose calls these faults may spoil."""

    class Cursor(sqlite3.Cursor):
        def execute(self, *given: Any) -> Any:
            return faults.during(lambda: super(Cursor, self).execute(*given))

        def executemany(self, *given: Any) -> Any:
            return faults.during(lambda: super(Cursor, self).executemany(*given))

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def commit(self) -> None:
            faults.during(super().commit)

    return Connection
