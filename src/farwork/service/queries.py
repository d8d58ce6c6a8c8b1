"""Reading what hangs on tasks, and how many there are. Every method needs the role viewer."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from farwork.domain.errors import TaskNotFound
from farwork.domain.task import Task
from farwork.domain.values import moment
from farwork.protocol.events import EventPage
from farwork.protocol.pace import Pace
from farwork.protocol.parts import (
    AttemptOut,
    Counts,
    Edge,
    Graph,
    Node,
    ResultOut,
    ShardOut,
)
from farwork.service.access import SECOND, Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.views import (
    event_out,
    past_attempt,
    present_attempt,
    result_out,
    shard_out,
)
from farwork.storage import feed_reader, pace_reader, part_reader, result_reader, task_reader
from farwork.storage.graph_reader import GraphWalk, Neighbourhood
from farwork.storage.pace_reader import Tally
from farwork.storage.result_reader import Place
from farwork.storage.task_reader import Page, Range, TaskFilter

T = TypeVar("T")


class Queries:
    """Reads. Those about a task raise `TaskNotFound`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def _of_task(
        self, caller: Principal, task_id: str, reading: Callable[[Connection, Task], T]
    ) -> T:
        """What `reading` finds of a task, in one go with finding the task."""
        caller.require(Role.VIEWER)

        def both(connection: Connection) -> T:
            task = task_reader.get(connection, caller.project, task_id)
            if task is None:
                raise TaskNotFound.of(task_id)
            return reading(connection, task)

        return await self._ledger.read(both)

    async def task(self, caller: Principal, task_id: str) -> Task:
        """The task itself."""
        return await self._of_task(caller, task_id, lambda _connection, task: task)

    async def events(
        self,
        caller: Principal,
        task_id: str,
        *,
        after: int | None,
        limit: int,
        descending: bool = False,
    ) -> EventPage:
        """The events of a task, from behind position `after` in the direction that is asked for."""
        found = await self._of_task(
            caller,
            task_id,
            lambda connection, task: feed_reader.of_task(
                connection, task.pk, after=after, limit=limit, descending=descending
            ),
        )
        next_after = found[-1].position if found else after or 0
        return EventPage([event_out(event) for event in found], next_after)

    async def attempts(self, caller: Principal, task_id: str) -> list[AttemptOut]:
        """Every attempt at a task, the present one last."""

        def reading(connection: Connection, task: Task) -> list[AttemptOut]:
            past = part_reader.attempts(connection, task.pk)
            workers = part_reader.claimants(connection, task.pk)
            return [
                *(past_attempt(row, workers.get(row["number"])) for row in past),
                present_attempt(task, workers.get(task.attempt)),
            ]

        return await self._of_task(caller, task_id, reading)

    async def results(
        self,
        caller: Principal,
        task_id: str,
        *,
        attempt: int | None = None,
        after: Place | None = None,
        limit: int = 50,
    ) -> tuple[list[ResultOut], Place | None]:
        """A page of a task's results, and where the next one begins (None: the end)."""

        def reading(connection: Connection, task: Task) -> tuple[list[ResultOut], Place | None]:
            rows, last = result_reader.results(
                connection, task, attempt=attempt, after=after, limit=limit
            )
            return [result_out(row) for row in rows], last

        return await self._of_task(caller, task_id, reading)

    async def shards(
        self,
        caller: Principal,
        task_id: str,
        *,
        with_results: bool = False,
        after: int = -1,
        limit: int = 50,
    ) -> tuple[list[ShardOut], int | None]:
        """A page of a task's shards, and the index behind which the next one begins."""

        def reading(connection: Connection, task: Task) -> tuple[list[ShardOut], int | None]:
            found = result_reader.shards(connection, task, after=after, limit=limit + 1)
            shown = found[:limit]
            results = None
            if with_results:
                indexes = [shard.index for shard in shown]
                results = result_reader.shard_results(connection, task, indexes)
            last = shown[-1].index if len(found) > limit else None
            return [shard_out(shard, results) for shard in shown], last

        return await self._of_task(caller, task_id, reading)

    async def graph(
        self, caller: Principal, task_id: str, *, direction: str, depth: int, limit: int
    ) -> Graph:
        """The tasks that a task waits for and those that wait for it, up to a bound."""
        up, down = direction in ("both", "up"), direction in ("both", "down")

        def reading(connection: Connection, task: Task) -> Neighbourhood:
            walk = GraphWalk(connection, caller.project, depth=depth, limit=limit)
            return walk.around(task, up=up, down=down)

        found = await self._of_task(caller, task_id, reading)
        nodes = [_node(id_, level, found.tasks[id_]) for id_, level in found.levels.items()]
        nodes.sort(key=lambda node: (node.level, node.id))
        edges = [Edge(*pair) for pair in sorted(found.edges)]
        return Graph(task_id, nodes, edges, found.truncated)

    async def counts(self, caller: Principal, by: str, *, archived: bool) -> Counts:
        """How many tasks there are by state, queue or kind."""
        caller.require(Role.VIEWER)
        found = await self._ledger.read(
            lambda connection: part_reader.counts(connection, caller.project, by, archived=archived)
        )
        return Counts(by, archived, found, sum(found.values()))

    async def pace(self, caller: Principal, *, seconds: int, steps: int) -> Pace:
        """How many tasks came and ended in each of the steps up to now."""
        caller.require(Role.VIEWER)
        now = self._ledger.now()
        width = max(1, seconds * SECOND // steps)
        since = now - width * steps

        def reading(connection: Connection) -> tuple[Tally, Tally]:
            return (
                pace_reader.created(connection, caller.project, since=since, width=width),
                pace_reader.ended(connection, caller.project, since=since, width=width),
            )

        created, ended = await self._ledger.read(reading)
        counts = created.counts | ended.counts

        def series(word: str) -> list[int]:
            return [counts.get((step, word), 0) for step in range(steps)]

        return Pace(
            since=moment(since),
            step_seconds=width / SECOND,
            complete_since=moment(max(created.since, ended.since)),
            created=series("created"),
            succeeded=series("succeeded"),
            failed=series("failed"),
            cancelled=series("cancelled"),
        )


def _node(id_: str, level: int, task: Task | None) -> Node:
    return Node(
        id=id_,
        level=level,
        known=task is not None,
        state=None if task is None else task.state,
        kind=None if task is None else task.kind,
        name=None if task is None else task.name,
        queue=None if task is None else task.queue,
    )


__all__ = ["Page", "Place", "Queries", "Range", "TaskFilter"]
