"""Reading the graph of inputs around a task, step by step, up to a bound."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from farwork.domain.task import Task
from farwork.storage import tables as t
from farwork.storage.rows import task_from
from farwork.storage.task_reader import COLUMNS


@dataclass(slots=True)
class Neighbourhood:
    """The tasks around one, by id: how many steps away, and (None: there is no such task) the task.

    Steps towards inputs are below zero.
    """

    levels: dict[str, int] = field(default_factory=dict[str, int])
    tasks: dict[str, Task | None] = field(default_factory=dict[str, "Task | None"])
    edges: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    truncated: bool = False


class GraphWalk:
    """Walks the inputs of one project."""

    def __init__(self, connection: Connection, project: str, *, depth: int, limit: int) -> None:
        self._connection = connection
        self._project = project
        self._depth = depth
        self._limit = limit
        self._found = Neighbourhood()

    def around(self, task: Task, *, up: bool, down: bool) -> Neighbourhood:
        """The tasks that `task` waits for, and those that wait for it."""
        self._found.levels[task.id] = 0
        self._found.tasks[task.id] = task
        if up:
            self._up(task)
        if down:
            self._down(task)
        known = self._found.tasks
        for id_, one in known.items():
            if one is not None:
                self._found.edges.update((i, id_) for i in one.inputs if i in known)
        return self._found

    def _up(self, task: Task) -> None:
        ahead: list[Task] = [task]
        for step in range(1, self._depth + 1):
            wanted = self._admitted((i for one in ahead for i in one.inputs), -step)
            if not wanted:
                return
            ahead = self._load(wanted)
        self._found.truncated |= any(
            i not in self._found.tasks for one in ahead for i in one.inputs
        )

    def _down(self, task: Task) -> None:
        ahead = [task.id]
        for step in range(1, self._depth + 1):
            ahead = self._admitted(self._dependents(ahead), step)
            if not ahead:
                return
            self._load(ahead)
        self._found.truncated |= bool(set(self._dependents(ahead)) - self._found.tasks.keys())

    def _admitted(self, ids: Iterable[str], level: int) -> list[str]:
        """Those of these ids that are new, as many as there is room for."""
        new = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._found.levels]
        room = self._limit - len(self._found.levels)
        self._found.truncated |= len(new) > room
        for id_ in new[:room]:
            self._found.levels[id_] = level
            self._found.tasks[id_] = None
        return new[:room]

    def _load(self, ids: Collection[str]) -> list[Task]:
        rows = self._connection.execute(
            select(*COLUMNS).where(t.tasks.c.project == self._project, t.tasks.c.id.in_(ids))
        )
        tasks = [task_from(row) for row in rows]
        self._found.tasks.update((task.id, task) for task in tasks)
        return tasks

    def _dependents(self, ids: Collection[str]) -> list[str]:
        edges = t.edges.c
        rows = self._connection.execute(
            select(t.tasks.c.id)
            .join(t.edges, edges.task_pk == t.tasks.c.pk)
            .where(edges.project == self._project, edges.input_id.in_(ids))
            .order_by(t.tasks.c.pk)
            # More than there is room for need not be known.
            .limit(self._limit + 1 + len(self._found.levels))
        )
        return [row[0] for row in rows]
