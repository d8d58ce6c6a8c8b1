"""The workers of a project: who was seen when, and whether they shall work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from farwork.domain.errors import NotFound
from farwork.domain.values import Instant
from farwork.protocol.leases import WorkerState
from farwork.service.access import TRUST_US, Principal, Role
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.storage import trail_store, worker_store
from farwork.storage.worker_store import WorkerRow

# A worker that says nothing new is noted no more often than this.
NOTE_US = 10_000_000
KNOWN_MAX = 10_000


class WorkerNotFound(NotFound):
    """There is no such worker."""

    code = "worker_not_found"


@dataclass(slots=True)
class _Seen:
    state: WorkerState
    offered: tuple[object, ...]
    noted_at: Instant
    trusted_until: Instant


class Workforce:
    """Knows workers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def seen(
        self,
        caller: Principal,
        name: str,
        queues: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
    ) -> WorkerState:
        """Note that a worker is there; what it shall do."""
        now = self._ledger.now()
        offered = (tuple(queues), tuple(sorted((labels or {}).items())))
        key = (caller.project, name)
        known = self._seen.get(key)
        fresh = known is not None and now - known.noted_at < NOTE_US
        same = known is not None and (not queues or known.offered == offered)
        if known is None or not fresh or not same:
            kept = known.offered if known is not None and not queues else offered
            row = WorkerRow(
                name, None, None, [*queues], dict(labels or {}), None, "active", None, now, now
            )
            await self._ledger.work(lambda con: worker_store.see(con, caller.project, row))
            if len(self._seen) > KNOWN_MAX:
                self._seen.clear()
            known = self._seen[key] = _Seen("active", kept, now, 0)
        if known.trusted_until <= now:
            state = await self._ledger.read(
                lambda con: worker_store.state_of(con, caller.project, name)
            )
            known.state = _word(state)
            known.trusted_until = now + TRUST_US
        return known.state

    async def order(
        self, caller: Principal, name: str, state: WorkerState, comment: str | None
    ) -> WorkerRow:
        """Say whether a worker shall work. Needs operator. Raises `WorkerNotFound`."""
        caller.require(Role.OPERATOR)
        said = entry(caller, "worker.change", f"worker:{name}", now=self._ledger.now(), state=state)

        def change(connection: Connection) -> WorkerRow | None:
            worker_store.set_state(connection, caller.project, name, state, comment)
            found = worker_store.worker(connection, caller.project, name)
            if found is not None:
                trail_store.add(connection, [said])
            return found

        row = await self._ledger.work(change)
        self._seen.pop((caller.project, name), None)
        return _found(row, name)

    async def get(self, caller: Principal, name: str) -> WorkerRow:
        """One worker. Needs viewer. Raises `WorkerNotFound`."""
        caller.require(Role.VIEWER)
        row = await self._ledger.read(lambda con: worker_store.worker(con, caller.project, name))
        return _found(row, name)

    async def page(
        self, caller: Principal, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[WorkerRow], tuple[int, str] | None]:
        """Workers, the last seen first, and where the next page begins. Needs viewer."""
        caller.require(Role.VIEWER)
        rows = await self._ledger.read(
            lambda con: worker_store.workers(con, caller.project, after=after, limit=limit + 1)
        )
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], (rows[limit - 1].seen_at, rows[limit - 1].name)


def _found(row: WorkerRow | None, name: str) -> WorkerRow:
    if row is None:
        raise WorkerNotFound(f"There is no worker {name!r} in this project.")
    return row


def _word(state: str | None) -> WorkerState:
    match state:
        case "paused" | "draining":
            return state
        case _:
            return "active"
