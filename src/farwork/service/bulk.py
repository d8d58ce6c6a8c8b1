"""Archiving, restoring and deleting many tasks, in bounded chunks that let others write."""

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from farwork.domain.errors import TaskUnderHold
from farwork.domain.values import FINAL_STATES, Instant, TaskState
from farwork.service.access import Principal, Role
from farwork.service.audit import told_of_tasks
from farwork.service.ledger import Ledger
from farwork.storage import walks
from farwork.storage.bulk import (
    CHUNK_MAX,
    Chunk,
    Done,
    Work,
    archive_chunk,
    delete_chunk,
    restore_chunk,
)
from farwork.storage.task_reader import Range, TaskFilter

ENDED = tuple(state for state in TaskState if state in FINAL_STATES)
OPEN = tuple(state for state in TaskState if state not in FINAL_STATES)
# A slice of ids only; larger than a chunk, since nothing waits for a read.
WALK_MAX = 5_000


@dataclass(slots=True)
class Bulk:
    """What became of many ids, in the order of the request.

    A repeated id is changed once and is then missing.
    """

    changed: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Expired:
    """The ids that were archived, and those of tasks that have not ended; newest task first."""

    archived: list[str] = field(default_factory=list[str])
    skipped: list[str] = field(default_factory=list[str])


class BulkChanges:
    """Changes many tasks at once.

    Every method with a caller needs the role operator, and raises `Forbidden` without it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def archive(self, caller: Principal, ids: Sequence[str]) -> Bulk:
        """Put these tasks out of sight; missing are those that do not exist or are archived."""
        return await self._every(caller, ids, self.archive_chunk)

    async def restore(self, caller: Principal, ids: Sequence[str]) -> Bulk:
        """Bring these tasks back; missing are those that do not exist or are not archived."""
        return await self._every(caller, ids, self.restore_chunk)

    async def delete(
        self, caller: Principal, ids: Sequence[str], *, archived: bool | None = None
    ) -> Bulk:
        """Remove these tasks for good; missing are those that do not exist.

        With `archived` given, those that are not as it says are missing too.
        Raises `TaskUnderHold` about those that are held, when the others have been removed.
        """
        return await self._every(caller, ids, self.delete_chunk, archived=archived)

    async def archive_expired(
        self, caller: Principal, before: Instant, *, terminal_only: bool = True
    ) -> Expired:
        """Archive every task that was not updated after `before`.

        With `terminal_only` those that have not ended are skipped, whatever their age.
        """
        caller.require(Role.OPERATOR)
        skipped = await self._open_ids(caller.project) if terminal_only else []
        states = ENDED if terminal_only else ()
        found = _Walked()
        passed = await self._idle(caller.project, before, states, None)
        while passed:
            chunk = Chunk(
                caller.project,
                [task.id for task in passed],
                caller.name,
                TaskFilter(states, updated=Range(None, before + 1)),
            )
            place = (passed[-1].updated_at, passed[-1].key)
            # The next slice is looked up while this one is written.
            done, ahead = await asyncio.gather(
                self.archive_chunk(chunk), self._idle(caller.project, before, states, place)
            )
            found.add(passed, set(done.changed))
            passed = ahead
        return Expired(found.newest_first(), skipped)

    # --- chunks ---

    async def archive_chunk(self, chunk: Chunk) -> Done:
        """Archive one chunk in one transaction."""
        return await self._run(archive_chunk(chunk), "task.archive", chunk)

    async def restore_chunk(self, chunk: Chunk) -> Done:
        """Restore one chunk in one transaction."""
        return await self._run(restore_chunk(chunk), "task.restore", chunk)

    async def delete_chunk(self, chunk: Chunk) -> Done:
        """Delete one chunk in one transaction."""
        return await self._run(delete_chunk(chunk), "task.delete", chunk)

    async def _run(self, work: Work, action: str, chunk: Chunk) -> Done:
        told = told_of_tasks(work, action, chunk.project, self._ledger.now())
        return await self._ledger.transact(told)

    async def _every(
        self,
        caller: Principal,
        ids: Sequence[str],
        change: Callable[[Chunk], Awaitable[Done]],
        *,
        archived: bool | None = None,
    ) -> Bulk:
        caller.require(Role.OPERATOR)
        chunk = Chunk(caller.project, (), caller.name, TaskFilter(archived=archived))
        # No task has an id with a NUL, and PostgreSQL takes none even to look for.
        distinct = [id_ for id_ in dict.fromkeys(ids) if "\0" not in id_]
        changed = set[str]()
        held: dict[str, str] = {}
        for start in range(0, len(distinct), CHUNK_MAX):
            done = await change(replace(chunk, ids=distinct[start : start + CHUNK_MAX]))
            changed.update(done.changed)
            held |= done.held
        if held:
            raise _held(held)
        bulk = Bulk()
        for id_ in ids:
            if id_ in changed:
                changed.remove(id_)
                bulk.changed.append(id_)
            else:
                bulk.missing.append(id_)
        return bulk

    # --- walking ---

    async def _idle(
        self,
        project: str,
        since: Instant,
        states: Sequence[TaskState],
        place: walks.Place | None,
    ) -> list[walks.Passed]:
        return await self._ledger.read(
            lambda con: walks.idle(con, project, since, states, place, CHUNK_MAX)
        )

    async def _open_ids(self, project: str) -> list[str]:
        ids: list[str] = []
        place: walks.Place | None = None
        while True:
            after = place
            passed = await self._ledger.read(
                lambda con: walks.of_states(con, project, OPEN, after, WALK_MAX)  # noqa: B023 - awaited here
            )
            ids.extend(task.id for task in passed)
            if len(passed) < WALK_MAX:
                return ids
            place = (passed[-1].created_at, passed[-1].key)


def _held(held: dict[str, str]) -> TaskUnderHold:
    first, why = next(iter(held.items()))
    more = "" if len(held) == 1 else f", and {len(held) - 1} more of those that were named"
    return TaskUnderHold(
        f"The task {first!r} is kept while a legal hold is on it ({why}){more}; the others are "
        "deleted."
    )


class _Walked:
    """The tasks that a walk changed, kept small: there may be hundreds of thousands."""

    def __init__(self) -> None:
        self._created = array("q")
        self._keys = array("q")
        self._ids: list[str] = []

    def add(self, passed: Sequence[walks.Passed], changed: set[str]) -> None:
        """Note those of the passed tasks that were changed."""
        for task in passed:
            if task.id in changed:
                self._created.append(task.created_at)
                self._keys.append(task.key)
                self._ids.append(task.id)

    def newest_first(self) -> list[str]:
        """Their ids, that of the latest created task first."""
        places = sorted(
            range(len(self._ids)),
            key=lambda place: (self._created[place], self._keys[place]),
            reverse=True,
        )
        return [self._ids[place] for place in places]
