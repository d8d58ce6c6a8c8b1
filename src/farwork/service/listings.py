"""Tasks as a client without cursors sees them: lists by offset with totals, one with its result."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from farwork.domain.commands import Details
from farwork.domain.errors import TaskNotFound
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.storage import event_reader, list_reader, move_reader, part_reader, task_reader
from farwork.storage.list_reader import ListRow, Place, Selection
from farwork.storage.move_reader import Move
from farwork.storage.part_reader import ResultRow

CHUNK_ROWS_MAX = 100
"""So many rows are held at a time, however many are asked for."""
MOVES_MAX = 500


@dataclass(slots=True)
class Listing:
    """A list as it was asked for: how many tasks it has in all, and the asked ones by chunks.

    `shelf` is how many tasks there are, active or archived as selected, before any filter.
    """

    total: int
    shelf: int
    chunks: AsyncIterator[list[ListRow]]


@dataclass(slots=True)
class WholeTask:
    """A task with its wide part and its own result: that named `result`, else its first."""

    task: Task
    details: Details
    result: ResultRow | None


class Listings:
    """Reads. Every method with a caller needs the role viewer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def open(
        self, caller: Principal, wanted: Selection, *, offset: int, limit: int | None
    ) -> Listing:
        """The rows from number `offset` on, newest task first, at most `limit` (None: all).

        Later chunks are read as they are asked for: a task that comes or goes meanwhile does not
        repeat or hide another.
        """
        caller.require(Role.VIEWER)
        size = CHUNK_ROWS_MAX if limit is None else min(limit, CHUNK_ROWS_MAX)

        def begin(connection: Connection) -> tuple[int, int, list[ListRow]]:
            total = list_reader.total(connection, caller.project, wanted)
            shelf = list_reader.total(connection, caller.project, Selection(wanted.archived))
            rows: list[ListRow] = []
            if size > 0 and offset < total:
                rows = _from_number(connection, caller.project, wanted, offset, size)
            return total, shelf, rows

        total, shelf, first = await self._ledger.read(begin)
        chunks = self._chunks(caller.project, wanted, first, size, limit)
        return Listing(total, shelf, chunks)

    async def _chunks(
        self,
        project: str,
        wanted: Selection,
        rows: list[ListRow],
        size: int,
        limit: int | None,
    ) -> AsyncIterator[list[ListRow]]:
        shown = 0
        while rows:
            yield rows
            shown += len(rows)
            left = size if limit is None else min(size, limit - shown)
            if len(rows) < size or left <= 0:
                return
            last = rows[-1].task
            rows = await self._ledger.read(
                _after(project, wanted, (last.created_at, last.pk), left)
            )

    async def counts(self, caller: Principal) -> dict[str, int]:
        """How many active tasks stand in each state."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: part_reader.counts(con, caller.project, "state", archived=False)
        )

    async def queues(self, caller: Principal) -> dict[str, dict[str, int]]:
        """The project's queues, and how many active tasks each has in which state."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(lambda con: list_reader.queues(con, caller.project))

    async def whole(
        self, caller: Principal, task_id: str, *, archived: bool | None = None
    ) -> WholeTask:
        """A task with its result.

        Raises `TaskNotFound`, also for one that is not as `archived` (where given) says.
        """
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> WholeTask:
            task = _present(connection, caller.project, task_id, archived=archived)
            details = task_reader.get_details(connection, task.pk)
            return WholeTask(task, details, _principal_result(connection, task))

        return await self._ledger.read(read)

    async def shards(
        self, caller: Principal, task_id: str, *, archived: bool | None = None
    ) -> tuple[Task, list[Shard]]:
        """A task with its shards by index. Raises `TaskNotFound` as `whole` does."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> tuple[Task, list[Shard]]:
            task = _present(connection, caller.project, task_id, archived=archived)
            return task, part_reader.shards(connection, task.pk)

        return await self._ledger.read(read)

    async def moves(self, caller: Principal, after: int | None) -> tuple[list[Move], int]:
        """Which tasks came into which state behind a position of the feed, and the next position.

        None: nothing yet, only the position from which to begin.
        """
        caller.require(Role.VIEWER)
        if after is None:
            return [], await self._ledger.read(event_reader.head)
        return await self._ledger.read(
            lambda con: move_reader.moves(con, caller.project, after=after, limit=MOVES_MAX)
        )


def _from_number(
    connection: Connection, project: str, wanted: Selection, number: int, limit: int
) -> list[ListRow]:
    after: Place | None = None
    if number > 0:
        after = list_reader.place(connection, project, wanted, number - 1)
        if after is None:
            return []
    return list_reader.rows(connection, project, wanted, after=after, limit=limit)


def _after(
    project: str, wanted: Selection, place: Place, limit: int
) -> Callable[[Connection], list[ListRow]]:
    return lambda con: list_reader.rows(con, project, wanted, after=place, limit=limit)


def _present(connection: Connection, project: str, task_id: str, *, archived: bool | None) -> Task:
    task = task_reader.get(connection, project, task_id)
    if task is None or archived not in (None, task.archived_at is not None):
        raise TaskNotFound.of(task_id)
    return task


def _principal_result(connection: Connection, task: Task) -> ResultRow | None:
    own = [
        row
        for row in part_reader.results(connection, task)
        if row.attempt == task.attempt and not row.late
    ]
    return next((row for row in own if row.name == "result"), own[0] if own else None)


__all__ = ["ListRow", "Listing", "Listings", "Move", "ResultRow", "Selection", "WholeTask"]
