"""Transactions that are tried again while other transactions are in the way.

When the connection is lost in the very moment of a commit, nobody knows whether it was made. We ask
PostgreSQL, which remembers what became of each transaction, and give up only if it does not say.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from farwork.storage.engine import is_postgresql
from farwork.storage.errors import CommitUnknown, is_lost, is_passing

T = TypeVar("T")

TRIES_MAX = 5
PAUSE_S = 0.005
ASKS_MAX = 20
ASK_PAUSE_S = 0.25
# Where a connection keeps the number of its transaction, once it has one.
XACT = "farwork_xact"
# Where it keeps, until its transaction is over, how many tasks became ready where.
READY = "farwork_ready"
Ready = Mapping[tuple[str, str], int]
"""How many tasks became ready, by project and queue; 0: a place in it became free."""


class Transactions:
    """Runs functions of a connection, each in a transaction of one engine; for one thread.

    On SQLite one connection is kept, with its cache: a pool's care between transactions costs as
    much as several statements. A connection to PostgreSQL may have been cut off meanwhile, so it is
    looked at by the pool each time.
    """

    def __init__(
        self, engine: Engine, on_ready: Callable[[Ready], None] = lambda _ready: None
    ) -> None:
        self._engine = engine
        self._on_ready = on_ready
        self._keeps = not is_postgresql(engine)
        self._kept: Connection | None = None
        self._stale = False
        # Nothing ever sets it: waiting for it is a pause.
        self._never = threading.Event()

    def run(self, do: Callable[[Connection], T]) -> T:
        """What `do` gives, once it has been committed; it may be called several times.

        Raises what `do` raises, what the database says when trying again does not help, or
        `CommitUnknown`.
        """
        for tried in range(1, TRIES_MAX):
            try:
                return self._once(do)
            except SQLAlchemyError as error:
                if not is_passing(error):
                    raise
            # At once the first time, as most often; later with growing pauses.
            self._never.wait(PAUSE_S * (2**tried) if tried > 1 else 0)
        return self._once(do)

    def renew(self) -> None:
        """Go on with a new connection; a file that was put back is seen by new ones only.

        May be called from any thread.
        """
        self._stale = True

    def close(self) -> None:
        """Let go of the connection that is kept."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._engine.dispose()

    def _once(self, do: Callable[[Connection], T]) -> T:
        with self._connected() as connection:
            transaction = connection.begin()
            connection.info.pop(XACT, None)
            connection.info.pop(READY, None)
            try:
                result = do(connection)
            except BaseException:
                transaction.close()
                raise
            # A connection that is lost in the commit cannot be asked for these any more.
            xact: str | None = connection.info.get(XACT)
            ready: Ready | None = connection.info.pop(READY, None)
            try:
                transaction.commit()
            except DBAPIError as error:
                if xact is None or not is_lost(error):
                    raise
                if not self.has_committed(xact):
                    raise
        if ready:
            self._on_ready(ready)
        return result

    @contextmanager
    def _connected(self) -> Generator[Connection]:
        if self._stale:
            self._stale = False
            self.close()
        if not self._keeps:
            with self._engine.connect() as connection:
                yield connection
            return
        if self._kept is None:
            self._kept = self._engine.connect()
        try:
            yield self._kept
        except SQLAlchemyError:
            self.close()
            raise

    def has_committed(self, xact: str) -> bool:
        """Whether PostgreSQL has committed the transaction of this number.

        Raises `CommitUnknown` when it does not say in time.
        """
        for _ in range(ASKS_MAX):
            try:
                with self._engine.connect() as connection:
                    status = connection.exec_driver_sql(
                        "SELECT pg_xact_status(%s::xid8)", (xact,)
                    ).scalar_one()
            except DBAPIError as error:
                if "in the future" in str(error.orig):
                    # The server lost it with its memory, so it was not committed.
                    return False
                status = None
            if status in ("committed", "aborted"):
                return status == "committed"
            self._never.wait(ASK_PAUSE_S)
        raise CommitUnknown(
            "The connection to the database broke while the write was being committed; whether it "
            "was kept is not known."
        )
