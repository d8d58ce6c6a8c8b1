"""Who waits for whom: the edges between tasks and their inputs, while a batch is decided.

An input stands in one of three ways: it has not ended (None), it has ended with success (True), or
without (False). One that does not exist counts as ended without success: whoever still waits for
it may be mended by another task of that id, or by its import.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from farwork.domain.commands import InputEnded
from farwork.domain.task import Task
from farwork.domain.values import TaskState

Name = tuple[str, str]
"""A task's project and id."""


def ended_well(task: Task | None) -> bool | None:
    """How a task stands as an input of others."""
    if task is None:
        return False
    return task.state is TaskState.SUCCEEDED if task.is_final else None


@dataclass(slots=True, frozen=True)
class News:
    """That an input ended (or, `reopened`, is no longer as it had ended)."""

    succeeded: bool
    reopened: bool = False

    def to(self, task_id: str, input_id: str) -> InputEnded:
        """The news as a command to one who waits."""
        return InputEnded(
            task_id=task_id,
            input_id=input_id,
            succeeded=self.succeeded,
            reopened=self.reopened,
        )


def news_of(before: Task | None, after: Task | None) -> list[News]:
    """What it means to those who wait for a task that it was `before` and is `after`."""
    was, stands = ended_well(before), ended_well(after)
    if after is None and was is not None:
        # A task that is gone leaves behind what it ended with.
        return []
    if was is stands and before is not None:
        return []
    news: list[News] = []
    if was is not None:
        news.append(News(was, reopened=True))
    if stands is not None:
        news.append(News(stands))
    return news


@dataclass(slots=True)
class Waits:
    """The edges that the tables have, as far as they were looked up, and those that come or go."""

    stored: dict[Name, list[str]] = field(default_factory=dict[Name, list[str]])
    added: dict[Name, dict[str, None]] = field(default_factory=dict[Name, dict[str, None]])
    dropped: set[Name] = field(default_factory=set[Name])

    def unknown(self, project: str, ids: Iterable[str]) -> list[str]:
        """Those of these inputs whose edges have not been looked up."""
        return [id_ for id_ in dict.fromkeys(ids) if (project, id_) not in self.stored]

    def learn(self, project: str, ids: Iterable[str], rows: Sequence[tuple[str, str]]) -> None:
        """Take in what the tables say of these inputs: (input id, id of a task that waits)."""
        for id_ in ids:
            self.stored[project, id_] = []
        for input_id, task_id in rows:
            self.stored[project, input_id].append(task_id)

    def of(self, name: Name) -> list[str]:
        """The ids of the tasks that wait for this one, or did before they were replaced."""
        stored = () if name in self.dropped else self.stored[name]
        return list(dict.fromkeys([*stored, *self.added.get(name, ())]))

    def add(self, name: Name, task_id: str) -> None:
        """Another task waits for this one."""
        self.added.setdefault(name, {})[task_id] = None

    def drop(self, name: Name) -> None:
        """Nobody waits for this one any more."""
        self.dropped.add(name)
        self.added.pop(name, None)

    def forget(self) -> None:
        """Go back to what the tables say."""
        self.added.clear()
        self.dropped.clear()
