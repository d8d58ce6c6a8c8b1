"""Whether the process can work: whether the database can be read and written, and what is wrong."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from farwork.service.ledger import Ledger, Overloaded, StorageUnavailable
from farwork.storage import event_reader
from farwork.storage.flush import take_positions

PROBE_SECONDS_MAX = 2.0


@dataclass(slots=True)
class Health:
    """What is wrong (nothing: the process can work), and the feed's head."""

    reasons: list[str] = field(default_factory=list[str])
    feed_position: int | None = None


class Prober:
    """Tries to read and to write.

    A try that does not come back is left where it is, and no other is begun meanwhile: asking often
    makes nothing worse.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tries: dict[str, asyncio.Task[int]] = {}

    async def health(self) -> Health:
        """Whether the process can work at this moment."""
        self._begin("read", self._read)
        self._begin("write", self._write)
        await asyncio.wait(self._tries.values(), timeout=PROBE_SECONDS_MAX)
        health = Health()
        for name in list(self._tries):
            if self._tries[name].done():
                self._note(self._tries.pop(name), health)
            else:
                health.reasons.append(self._silence(name))
        trouble = self._ledger.store.committer.trouble
        if trouble is not None and not health.reasons:
            health.reasons.append(f"The last write failed: {trouble}.")
        return health

    def _begin(self, name: str, trying: Any) -> None:
        if name not in self._tries:
            self._tries[name] = asyncio.get_running_loop().create_task(trying())

    async def _read(self) -> int:
        return await self._ledger.read(event_reader.head)

    async def _write(self) -> int:
        # Giving out no position writes to the database all the same.
        return await self._ledger.transact(
            lambda connection, statements, _tick: (take_positions(connection, statements, 0), None)
        )

    def _note(self, tried: "asyncio.Task[int]", health: Health) -> None:
        try:
            health.feed_position = tried.result()
        except (StorageUnavailable, Overloaded) as error:
            health.reasons.append(str(error))

    def _silence(self, name: str) -> str:
        if name == "read":
            return f"The database has not answered for {PROBE_SECONDS_MAX:g} s."
        committer = self._ledger.store.committer
        why = "" if committer.trouble is None else f" The last try failed: {committer.trouble}."
        return (
            f"Nothing has been written for {PROBE_SECONDS_MAX:g} s; "
            f"{committer.waiting} commands wait.{why}"
        )
