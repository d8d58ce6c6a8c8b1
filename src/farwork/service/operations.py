"""Bulk operations: one verb for many tasks, carried out in the background, a chunk at a time.

A chunk and the note of how far the operation is are one transaction: an operation that is broken
off goes on where it stood, and no task is counted twice. Which process carries it out is in the
note too; one that falls silent loses its operations to another.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.errors import NotFound
from farwork.protocol.bulk import SAMPLE_MAX, BulkIn
from farwork.service.access import Principal, Role
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.service.operation_work import chunk_of, claim, filter_said, filter_within, keep
from farwork.storage import operation_store, trail_store, walks
from farwork.storage.bulk import CHUNK_MAX
from farwork.storage.errors import Overloaded, StorageUnavailable
from farwork.storage.operation_store import OperationLost, OperationRow
from farwork.storage.writes import Idempotency

log = structlog.get_logger()

AT_ONCE_MAX = 4
"""So many operations are carried out at a time; others wait their turn."""
SILENT_US = 30_000_000
"""An operation whose process has noted nothing for so long is taken over."""
LOOK_SECONDS = 10.0
AGAIN_SECONDS = 1.0
TELL_SECONDS = 0.5


class OperationNotFound(NotFound):
    """There is no such operation."""

    code = "operation_not_found"


@dataclass(slots=True)
class Preview:
    """What an operation would be about."""

    total: int
    sample: list[str]


class Operations:
    """Starts bulk operations, tells how far they are, and carries them out."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._owner = clock.token(8).hex()
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._stopping = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._keeper: asyncio.Task[None] | None = None

    # --- what callers ask ---

    async def preview(self, caller: Principal, said: BulkIn) -> Preview:
        """What the operation would be about; nothing changes. Needs operator."""
        caller.require(Role.OPERATOR)
        project, ids = caller.project, said.ids
        if ids is not None:
            found = await self._ledger.read(lambda con: walks.existing(con, project, ids))
            known = [id_ for id_ in dict.fromkeys(ids) if id_ in found]
            return Preview(len(known), known[:SAMPLE_MAX])
        wanted = filter_said(said.verb, said.filter)

        def look(connection: Connection) -> Preview:
            sample = walks.of_filter(connection, project, wanted, None, SAMPLE_MAX)
            total = walks.count(connection, project, wanted)
            return Preview(total, [task.id for task in sample])

        return await self._ledger.read(look)

    async def start(
        self, caller: Principal, said: BulkIn, idempotency: Idempotency | None = None
    ) -> OperationRow:
        """Begin an operation, or find the one that the same request began before. Needs operator.

        It is about the tasks that exist by now. Raises `IdempotencyKeyReused`.
        """
        caller.require(Role.OPERATOR)
        now = self._ledger.now()
        ids = None if said.ids is None else list(dict.fromkeys(said.ids))
        operation = OperationRow(
            id=clock.uuid7(now),
            project=caller.project,
            verb=said.verb,
            state="running",
            selection={"filter": msgspec.to_builtins(said.filter), "reason": said.reason},
            place=None,
            owner=self._owner,
            actor=caller.name,
            total=0 if ids is None else len(ids),
            done=0,
            refused=0,
            refusals=[],
            error=None,
            created_at=now,
            updated_at=now,
        )
        if ids is None:
            wanted = filter_within(operation)
            operation.total = await self._ledger.read(
                lambda con: walks.count(con, caller.project, wanted)
            )
        keeping = keep(operation, ids, idempotency)
        told_of = entry(
            caller,
            f"bulk.{said.verb}",
            f"operation:{operation.id}",
            now=now,
            tasks=operation.total,
            filter=operation.selection["filter"],
        )

        def work(connection: Connection, statements: Any, tick: Any) -> tuple[Any, int | None]:
            known, head = keeping(connection, statements, tick)
            if known == operation.id:
                trail_store.add(connection, [told_of])
            return known, head

        known = await self._ledger.transact(work)
        if known != operation.id:
            return await self.get(caller, known)
        self._carry_out(operation)
        return operation

    async def get(self, caller: Principal, operation_id: str) -> OperationRow:
        """The operation with this id. Needs viewer. Raises `OperationNotFound`."""
        caller.require(Role.VIEWER)
        found = await self._ledger.read(
            lambda con: operation_store.get(con, caller.project, operation_id)
        )
        if found is None:
            raise OperationNotFound(f"There is no operation {operation_id!r} in this project.")
        return found

    async def abort(self, caller: Principal, operation_id: str, why: str) -> OperationRow:
        """The operation, which does not go on; what is done is done. Needs operator.

        One that has ended is left as it is. Raises `OperationNotFound`.
        """
        caller.require(Role.OPERATOR)
        operation = await self.get(caller, operation_id)
        if operation.state == "running":
            at = self._ledger.now()
            row = entry(caller, "bulk.abort", f"operation:{operation_id}", now=at)

            def stop(connection: Connection) -> None:
                operation_store.fail(connection, operation, why, at)
                trail_store.add(connection, [row])

            with suppress(OperationLost):
                # It has ended meanwhile, or another process has just taken it up.
                await self._ledger.work(stop)
        return await self.get(caller, operation_id)

    async def wait(self, caller: Principal, operation_id: str, seconds: float) -> OperationRow:
        """The operation once it has ended, or after so many seconds. Needs viewer."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            operation = await self.get(caller, operation_id)
            left = end - loop.time()
            if operation.state != "running" or left <= 0 or self._stopping.is_set():
                return operation
            running = self._running.get(operation_id)
            if running is not None:
                await asyncio.wait([running], timeout=left)
            else:
                await clock.pause_on_loop(min(left, TELL_SECONDS))

    async def page(
        self, caller: Principal, before: str | None, limit: int
    ) -> tuple[list[OperationRow], str | None]:
        """Operations, the newest first, and the id behind which the next page begins.

        Needs viewer.
        """
        caller.require(Role.VIEWER)
        found = await self._ledger.read(
            lambda con: operation_store.page(con, caller.project, before, limit + 1)
        )
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    # --- carrying out ---

    def open(self) -> None:
        """Take up the operations that nobody carries out, now and from time to time."""
        self._keeper = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """End the chunks that are being written, and leave the operations to whoever comes."""
        self._stopping.set()
        waiting = [*self._running.values(), *([self._keeper] if self._keeper else [])]
        await asyncio.gather(*waiting, return_exceptions=True)
        try:
            await self._ledger.work(lambda con: operation_store.release(con, self._owner))
        except StorageUnavailable:
            log.warning("operations were not released; they are taken up when they are silent")

    async def _watch(self) -> None:
        # Where no other process can write, whatever runs by the table is left from before.
        silence = SILENT_US if self._ledger.store.is_shared else 0
        while not self._stopping.is_set():
            try:
                await self.adopt(silence)
                silence = SILENT_US
            except (StorageUnavailable, Overloaded):
                log.warning("operations cannot be looked at")
            await self._pause(LOOK_SECONDS)

    async def adopt(self, silence: int) -> None:
        """Take up every operation whose process has been silent for so many microseconds."""
        now = self._ledger.now()
        orphans = await self._ledger.read(lambda con: operation_store.orphans(con, now - silence))
        for operation in orphans:
            if operation.id in self._running:
                continue
            if await self._ledger.work(claim(operation, self._owner, now)):
                operation.owner, operation.updated_at = self._owner, now
                self._carry_out(operation)

    def _carry_out(self, operation: OperationRow) -> None:
        task = asyncio.create_task(self._run(operation))
        self._running[operation.id] = task
        task.add_done_callback(lambda _task: self._running.pop(operation.id, None))

    async def _run(self, operation: OperationRow) -> None:
        async with self._slots:
            try:
                ids = await self._ledger.read(lambda con: operation_store.ids_of(con, operation.id))
                while operation.state == "running" and not self._stopping.is_set():
                    operation = await self._step(operation, ids)
            except OperationLost:
                log.info("another process carries out the operation", operation=operation.id)
            except Exception as error:  # noqa: BLE001 - whatever it is, the operation must end
                await self._give_up(operation, error)

    async def _step(self, operation: OperationRow, ids: list[str] | None) -> OperationRow:
        try:
            if ids is None:
                return await self._step_on(operation)
            begin = operation.place or 0
            here = ids[begin : begin + CHUNK_MAX]
            place = begin + len(here)
            return await self._write(operation, here, place if place < len(ids) else None)
        except (StorageUnavailable, Overloaded):
            # Whether the chunk was kept may be unknown; the note that was kept with it tells.
            await self._pause(AGAIN_SECONDS)
            return await self._read_again(operation)

    async def _read_again(self, operation: OperationRow) -> OperationRow:
        try:
            found = await self._ledger.read(
                lambda con: operation_store.get(con, operation.project, operation.id)
            )
        except StorageUnavailable:
            return operation
        if found is None or found.owner != operation.owner:
            raise OperationLost("Another process carries the operation out.")
        return found

    async def _step_on(self, operation: OperationRow) -> OperationRow:
        wanted = filter_within(operation)
        after = None if operation.place is None else (operation.place[0], operation.place[1])
        passed = await self._ledger.read(
            lambda con: walks.of_filter(con, operation.project, wanted, after, CHUNK_MAX)
        )
        more = len(passed) == CHUNK_MAX
        place = [passed[-1].created_at, passed[-1].key] if more else None
        return await self._write(operation, [task.id for task in passed], place)

    async def _write(self, operation: OperationRow, ids: Sequence[str], place: Any) -> OperationRow:
        return await self._ledger.transact(chunk_of(operation, ids, place))

    async def _give_up(self, operation: OperationRow, error: Exception) -> None:
        log.error("an operation cannot go on", operation=operation.id, exc_info=error)
        why = f"{type(error).__name__}: {error}"
        at = self._ledger.now()
        try:
            await self._ledger.work(lambda con: operation_store.fail(con, operation, why, at))
        except (StorageUnavailable, Overloaded, OperationLost):
            log.warning("the end of an operation was not noted", operation=operation.id)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
