"""When keys and sessions were last used, and from where: written down now and then.

A key in constant use costs one small write a minute. The trail tells of each address that a key is
used from, once in the life of a process.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from farwork.domain.errors import DomainError
from farwork.domain.values import Instant
from farwork.service.ledger import ASKER, Ledger, Overloaded, StorageUnavailable
from farwork.service.refusals import SECOND
from farwork.storage import access_store, session_store, trail_store
from farwork.storage.trail_store import TrailRow

log = structlog.get_logger()

WRITTEN_AGAIN_AFTER_US = 60 * SECOND
SEEN_MAX = 50_000


@dataclass(slots=True)
class Use:
    """One use of a key or of a session."""

    id: str
    at: Instant
    address: str | None
    told: TrailRow | None = None


RowMaker = Callable[[Use], TrailRow]
"""What the trail says of a use."""


class LastUse:
    """Gathers uses, and writes all that have gathered in one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._keys: dict[str, Use] = {}
        self._sessions: dict[str, Use] = {}
        self._seen: set[tuple[str, str | None]] = set()
        self._writing: asyncio.Task[None] | None = None

    def key(self, use: Use, before: Instant | None, make_row: RowMaker) -> None:
        """A key is used; `before` is when its last use was written down."""
        place = (use.id, use.address)
        if place not in self._seen:
            if len(self._seen) >= SEEN_MAX:
                self._seen.clear()
            self._seen.add(place)
            use.told = make_row(use)
        elif before is not None and use.at - before < WRITTEN_AGAIN_AFTER_US:
            return
        self._keys[use.id] = use
        self._write_soon()

    def session(self, use: Use, before: Instant, idle_seconds: int | None) -> None:
        """A session is used; `before` is when its last use was written down."""
        again_after = WRITTEN_AGAIN_AFTER_US
        if idle_seconds is not None:
            again_after = min(again_after, idle_seconds * SECOND // 10)
        if use.at - before >= again_after:
            self._sessions[use.id] = use
            self._write_soon()

    async def close(self) -> None:
        """Wait until what has gathered is written."""
        if self._writing is not None:
            await self._writing

    def _write_soon(self) -> None:
        if self._writing is None or self._writing.done():
            # It is nobody's request: what it writes is not asked for by whoever happened by.
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        ASKER.set(None)
        while self._keys or self._sessions:
            keys, sessions = list(self._keys.values()), list(self._sessions.values())
            self._keys, self._sessions = {}, {}

            def work(
                connection: Connection, keys: list[Use] = keys, sessions: list[Use] = sessions
            ) -> None:
                for use in keys:
                    access_store.touch_key(connection, use.id, use.at, use.address)
                for use in sessions:
                    session_store.touch(connection, use.id, use.at)
                rows = [use.told for use in keys if use.told is not None]
                if rows:
                    trail_store.add(connection, rows)

            try:
                await self._ledger.work(work)
            except (DomainError, Overloaded, StorageUnavailable) as error:
                log.warning("the last use of keys could not be written", error=str(error))
                return
