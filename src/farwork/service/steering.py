"""Steering work: which queues are open, how much of what may run."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, structs
from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain.errors import NotFound
from farwork.protocol.steering import LabelLimitIn, QueuePatch
from farwork.service.access import Principal, Role
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.storage import steering_store, trail_store
from farwork.storage.flush_leases import announce
from farwork.storage.statements import Statements
from farwork.storage.steering_store import LabelLimitRow, QueueRow

# So many of those who wait for a queue are woken when it opens; they wake the others.
WAKE_MAX = 1_000


class QueueNotFound(NotFound):
    """There is no such queue."""

    code = "queue_not_found"


class LabelLimitNotFound(NotFound):
    """This label is not limited."""

    code = "label_limit_not_found"


class Steering:
    """The use cases of queues and limits."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def queues(
        self, caller: Principal, after: str, limit: int
    ) -> tuple[list[QueueRow], str | None]:
        """Queues by name, and the name behind which the next page begins. Needs viewer."""
        caller.require(Role.VIEWER)
        rows = await self._ledger.read(
            lambda con: steering_store.queues(con, caller.project, after=after, limit=limit + 1)
        )
        return (rows, None) if len(rows) <= limit else (rows[:limit], rows[limit - 1].name)

    async def queue(self, caller: Principal, name: str) -> QueueRow:
        """One queue. Needs viewer. Raises `QueueNotFound`."""
        caller.require(Role.VIEWER)
        rows = await self._ledger.read(
            lambda con: steering_store.queues(con, caller.project, after="", limit=1, name=name)
        )
        if not rows:
            raise QueueNotFound(f"There is no queue {name!r} in this project.")
        return rows[0]

    async def set_queue(self, caller: Principal, name: str, patch: QueuePatch) -> QueueRow:
        """Open or close a queue, limit it, say how it is shared. Needs operator."""
        caller.require(Role.OPERATOR)
        said = {k: v for k, v in structs.asdict(patch).items() if v is not UNSET}
        now = self._ledger.now()
        by = (now, caller.name)
        told = entry(caller, "queue.change", f"queue:{name}", now=now, changed=sorted(said))

        def change(connection: Connection, statements: Statements) -> QueueRow:
            row = steering_store.set_queue(connection, caller.project, name, said, by)
            steering_store.recount_slots(connection, statements, caller.project)
            announce(connection, statements, {(caller.project, name): WAKE_MAX})
            trail_store.add(connection, [told])
            return row

        row = await self._transact(change)
        if "fair_by" in said:
            await self._relane(caller.project)
        return row

    async def label_limits(self, caller: Principal) -> list[LabelLimitRow]:
        """The labels that are limited. Needs viewer."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(lambda con: steering_store.label_limits(con, caller.project))

    async def limit_label(self, caller: Principal, key: str, said: LabelLimitIn) -> LabelLimitRow:
        """Limit how many tasks with one value of a label may run. Needs operator."""
        caller.require(Role.OPERATOR)
        now = self._ledger.now()
        row = LabelLimitRow(key, said.running_max, now, caller.name)
        told = entry(caller, "limit.change", f"limit:{key}", now=now, running_max=said.running_max)

        def change(connection: Connection, statements: Statements) -> None:
            steering_store.set_label_limit(connection, caller.project, row)
            trail_store.add(connection, [told])
            steering_store.recount_slots(connection, statements, caller.project)

        await self._transact(change)
        await self._relane(caller.project)
        return row

    async def free_label(self, caller: Principal, key: str) -> None:
        """Limit a label no longer. Needs operator. Raises `LabelLimitNotFound`."""
        caller.require(Role.OPERATOR)
        told = entry(caller, "limit.delete", f"limit:{key}", now=self._ledger.now())

        def free(connection: Connection) -> bool:
            freed = steering_store.unset_label_limit(connection, caller.project, key)
            if freed:
                trail_store.add(connection, [told])
            return freed

        if not await self._ledger.work(free):
            raise LabelLimitNotFound(f"The label {key!r} is not limited in this project.")
        await self._relane(caller.project)

    async def _relane(self, project: str) -> None:
        """Put every queued task where the settings want it, chunk by chunk."""
        after: int | None = 0
        while after is not None:
            after = await self._transact(_relaning(project, after))

    async def _transact(self, change: Callable[..., Any]) -> Any:
        def work(connection: Connection, statements: Statements, _tick: Now) -> tuple[Any, None]:
            return change(connection, statements), None

        return await self._ledger.transact(work)


def _relaning(project: str, after: int) -> Callable[[Connection, Statements], int | None]:
    return lambda connection, statements: steering_store.relane(
        connection, statements, project, after
    )
