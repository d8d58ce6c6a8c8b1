"""A store without threads: whoever has it says when which read or write is carried out."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from shutil import copyfile
from typing import Any, TypeVar

from sqlalchemy import Connection, event

from farwork.clock import Now
from farwork.storage.store import Store
from tests.simulation.faulty import Faults, connection_of

T = TypeVar("T")


class SteppedStore(Store):
    """Reads and writes wait until they are carried out, in whichever order."""

    def __init__(self, file: Path, now: Now, faults: Faults) -> None:
        super().__init__(f"sqlite:///{file}", now, readers=1)
        self._waiting: list[tuple[Future[Any], Callable[[Connection], Any]]] = []
        factory = connection_of(faults)

        @event.listens_for(self._writer_engine, "do_connect")
        def _connect(_dialect: Any, _record: Any, given: Any, named: Any) -> Any:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
            return sqlite3.connect(*given, factory=factory, **named)

        @event.listens_for(self._writer_engine, "connect")
        @event.listens_for(self.reader_engine, "connect")
        def _hurry(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction] - SQLAlchemy calls it
            # The power never fails here; what a process leaves behind, the system keeps.
            sqlite3.Connection.execute(connection, "PRAGMA synchronous=OFF").close()

    def read(self, reading: Callable[[Connection], T]) -> "Future[T]":
        future: Future[T] = Future()
        self._waiting.append((future, reading))
        return future

    @property
    def reads_waiting(self) -> int:
        """How many reads are to be carried out."""
        return len(self._waiting)

    def carry_out_read(self, place: int) -> None:
        """Carry out one of the reads that wait."""
        future, reading = self._waiting.pop(place)
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self._read(reading))
        except Exception as error:  # noqa: BLE001 - whoever waits for it hears of it
            future.set_exception(error)

    def carry_out_writes(self) -> None:
        """Let the committer write all that waits, if anything does."""
        if self.committer.waiting:
            self.committer.turn()

    def leave(self) -> None:
        """Let go of the database when nobody waits any more; what waits is not carried out."""
        self.committer.close()
        while self.committer.turn():
            pass
        self.close()


def copy_as_it_stands(file: Path, to: Path) -> None:
    """A database and its log of writes as a process that dies now leaves them behind."""
    copyfile(file, to)
    log = file.with_name(f"{file.name}-wal")
    if log.exists():
        copyfile(log, to.with_name(f"{to.name}-wal"))
