"""The store: one committer that writes, and a pool of threads that read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from farwork.clock import Now
from farwork.storage.committer import Committer, StorageUnavailable
from farwork.storage.engine import is_postgresql, open_engine
from farwork.storage.writes import Answer, Work, Write

T = TypeVar("T")


class Store:
    """Everything that a server process keeps open on its database."""

    def __init__(
        self,
        database: str,
        now: Now,
        *,
        readers: int = 4,
        on_commit: Callable[[int], None] = lambda _head: None,
    ) -> None:
        self._writer_engine = open_engine(database, pool_size=1)
        self.reader_engine: Engine = open_engine(database, pool_size=readers, read_only=True)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="farwork-reader")
        self.committer = Committer(self._writer_engine, now, on_commit)
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
        """Run a function of a connection in a reader thread. Fails with `StorageUnavailable`."""
        return self._readers.submit(self._read, reading)

    def _read(self, reading: Callable[[Connection], T]) -> T:
        try:
            with self.reader_engine.connect() as connection:
                return reading(connection)
        except SQLAlchemyError as error:
            original = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            message = f"The database cannot be read: {original}."
            raise StorageUnavailable(message) from error
