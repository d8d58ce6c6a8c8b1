"""What retention brings about: tasks that have ended are archived, and later deleted.

Which kinds and states there are stands in the counters, and of each kind and state an index knows
the tasks by their last change: nothing is looked at whose time has not come. A pass does one chunk
of each, so that what is urgent goes on between.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from farwork.domain.retention import Rules
from farwork.domain.values import Instant
from farwork.service.ledger import Ledger
from farwork.storage import retention_store
from farwork.storage.bulk import Chunk, Work, archive_chunk, delete_chunk
from farwork.storage.task_reader import Range, TaskFilter
from farwork.upkeep.keepers import Report

ACTOR = "retention"
"""Whom the events name."""
CHUNK_MAX = 500
# Nobody waits for it to the second.
EVERY_US = 30_000_000

Find = Callable[[Connection, str, tuple[str, str], Instant, int], list[str]]
Due = tuple[str, tuple[str, str], Instant, list[str]]


class _Sweep:
    """Does one thing to every task for which a time has come since its last change."""

    def __init__(
        self,
        ledger: Ledger,
        after: Callable[[Rules, str, str], Instant | None],
        find: Find,
        change: Callable[[Chunk], Work],
        archived: bool | None,  # noqa: FBT001 - which shelves are meant
    ) -> None:
        self._ledger = ledger
        self._after = after
        self._find = find
        self._change = change
        self._archived = archived
        self._next_at: Instant = 0

    async def run_once(self, now: Instant) -> Report:
        """Do a chunk of what is due, in every project; goes on with the next pass."""
        if now < self._next_at:
            return Report()
        due = await self._ledger.read(lambda con: self._look(con, now))
        tasks = 0
        for project, (kind, state), until, ids in due:
            wanted = TaskFilter(
                states=(state,),
                kinds=(kind,),
                updated=Range(None, until + 1),
                archived=self._archived,
            )
            done = await self._ledger.transact(self._change(Chunk(project, ids, ACTOR, wanted)))
            tasks += len(done.changed)
        if all(len(ids) < CHUNK_MAX for *_, ids in due):
            self._next_at = now + EVERY_US
        return Report(tasks)

    def _look(self, connection: Connection, now: Instant) -> list[Due]:
        due: list[Due] = []
        for project in retention_store.projects(connection):
            rules = retention_store.rules(connection, project)
            for group in retention_store.groups(connection, project):
                after = self._after(rules, *group)
                if after is None:
                    continue
                ids = self._find(connection, project, group, now - after, CHUNK_MAX)
                if ids:
                    due.append((project, group, now - after, ids))
        return due


class Archiver(_Sweep):
    """Archives what ended long enough ago, but for what somebody brought back."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            ledger, Rules.archive_after, retention_store.to_archive, archive_chunk, archived=False
        )


class Pruner(_Sweep):
    """Deletes what ended long enough ago, archived or not, but for what a legal hold is on."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            ledger, _deleted_after, retention_store.to_delete, delete_chunk, archived=None
        )


def _deleted_after(rules: Rules, kind: str, state: str) -> Instant | None:
    return None if rules.hold(kind, state) is not None else rules.delete_after(kind, state)
