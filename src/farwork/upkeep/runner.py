"""Runs the keepers, in one process among all that share a database."""

import asyncio
import os
from collections.abc import Callable, Sequence

import structlog

from farwork import clock
from farwork.domain.values import Instant
from farwork.service.ledger import Ledger, Overloaded, StorageUnavailable
from farwork.storage import leader_store
from farwork.upkeep.keepers import Keeper, next_alarm

log = structlog.get_logger()

# Nothing that was committed is noticed later than this.
LOOK_S = 0.25
# While nothing is committed and nothing runs out, the tables are looked at no more often than this.
REST_US = 1_000_000
# How long the others wait for a leader that has fallen silent.
LEAD_US = 5_000_000
SECOND = 1_000_000


class Leader:
    """Whether this process leads; where there is only one, it does."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._name = name
        self._owner = f"{os.getpid()}-{clock.uuid7(ledger.now())}"
        self._until = 0

    async def leads(self) -> bool:
        """Lead if nobody else does."""
        if not self._ledger.store.is_shared:
            return True
        now = self._ledger.now()
        if now < self._until - LEAD_US // 2:
            return True
        until = now + LEAD_US
        won = await self._ledger.work(
            lambda con: leader_store.lead(con, self._name, self._owner, now, until)
        )
        self._until = until if won else 0
        return won

    async def resign(self) -> None:
        """Let another process lead at once."""
        if self._until:
            await self._ledger.work(lambda con: leader_store.resign(con, self._name, self._owner))


class Upkeep:
    """The loop around the keepers."""

    def __init__(
        self, ledger: Ledger, keepers: Sequence[Keeper], changes: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._keepers = keepers
        self._changes = changes
        """Another number after each commit, of this process or another, that wrote an event."""
        self._seen: int | None = None
        self._next_at: Instant = 0
        self._leader = Leader(ledger, "upkeep")
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; whatever is being done is finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            try:
                await self._leader.resign()
            except StorageUnavailable as error:
                log.warning("another process leads only after a while", error=str(error))

    async def run_once(self) -> None:
        """Let each keeper do all that is to be done by now."""
        for keeper in self._keepers:
            while (await keeper.run_once(self._ledger.now())).more:
                pass

    async def _run(self) -> None:
        while True:
            pause = LOOK_S
            try:
                if not self._has_to_look():
                    pause = self._pause()
                elif await self._leader.leads():
                    await self._look()
                    pause = self._pause()
            except (StorageUnavailable, Overloaded) as error:
                log.warning("upkeep waits for the database", error=str(error))
                pause = 1.0
            except Exception:
                # The loop outlives a mistake of ours.
                log.exception("upkeep stumbled")
                pause = 1.0
            await clock.pause_on_loop(pause)

    def _has_to_look(self) -> bool:
        """Whether anything was committed, or ran out, since the last look."""
        return self._changes() != self._seen or self._ledger.now() >= self._next_at

    async def _look(self) -> None:
        changes = self._changes()
        await self.run_once()
        rest = self._ledger.now() + REST_US
        at = await next_alarm(self._ledger)
        self._seen, self._next_at = changes, rest if at is None else min(at, rest)

    def _pause(self) -> float:
        return min(max((self._next_at - self._ledger.now()) / SECOND, 0.005), LOOK_S)
