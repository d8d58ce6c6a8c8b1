"""The store: one committer that writes, and a pool of threads that read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, SQLAlchemyError

from farwork.clock import Now
from farwork.storage.committer import Committer
from farwork.storage.engine import is_postgresql, open_engine
from farwork.storage.errors import (
    NotStorable,
    Overloaded,
    StorageUnavailable,
    is_away,
    reason_of,
)
from farwork.storage.transactions import Ready
from farwork.storage.writes import Answer, Work, Write

T = TypeVar("T")

READS_WAITING_MAX = 1_000


class Store:
    """Everything that a server process keeps open on its database."""

    def __init__(
        self,
        database: str,
        now: Now,
        *,
        readers: int = 4,
        on_commit: Callable[[int], None] = lambda _head: None,
        on_ready: Callable[[Ready], None] = lambda _ready: None,
    ) -> None:
        self._writer_engine = open_engine(database, pool_size=1)
        self.reader_engine: Engine = open_engine(database, pool_size=readers, read_only=True)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="farwork-reader")
        self._places = BoundedSemaphore(READS_WAITING_MAX)
        self.committer = Committer(self._writer_engine, now, on_commit, on_ready)
        self.now = now
        self.is_shared = is_postgresql(self._writer_engine)
        """Whether other processes may write to the database too."""

    def open(self) -> None:
        """Begin to take writes."""
        self.committer.start()

    def close(self) -> None:
        """Write what is waiting, then let go of the database."""
        self.committer.close()
        self._readers.shutdown()
        self.reader_engine.dispose()
        self._writer_engine.dispose()

    def write(self, write: Write) -> "Future[Answer]":
        """Hand over commands to be committed."""
        future: Future[Answer] = self.committer.submit(write)
        return future

    def work(self, work: Work) -> "Future[Any]":
        """Hand over a function to be run alone in a write transaction."""
        future: Future[Any] = self.committer.submit_work(work)
        return future

    def read(self, reading: Callable[[Connection], T]) -> "Future[T]":
        """Run a function of a connection in a reader thread.

        Raises `Overloaded` when too many wait. Fails with `StorageUnavailable`, or with
        `NotStorable` when it looks for what the database cannot hold.
        """
        if not self._places.acquire(blocking=False):
            raise Overloaded("Too much is waiting to be read; try again shortly.")
        future = self._readers.submit(self._read, reading)
        future.add_done_callback(lambda _future: self._places.release())
        return future

    def _read(self, reading: Callable[[Connection], T]) -> T:
        try:
            with self.reader_engine.connect() as connection:
                return reading(connection)
        except (DataError, OverflowError, UnicodeError) as error:
            message = f"The database cannot look for this: {reason_of(error)}."
            raise NotStorable(message) from error
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            # A file that is broken shall not be written to by a connection that has not noticed.
            self.committer.renew()
            message = f"The database cannot be read: {reason_of(error)}."
            raise StorageUnavailable(message) from error
