"""What the committer remembers of the tasks that it wrote last, so as not to read them again.

Whoever reports on a task reports on it again. Only on SQLite, where one connection writes: it can
tell whether any other has written meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, text

from farwork.domain.task import Task
from farwork.domain.values import Json
from farwork.storage.engine import is_postgresql
from farwork.storage.prepared import Prepared
from farwork.storage.waits import Name

K = TypeVar("K")
V = TypeVar("V")

TASKS_MAX = 4_096
METADATA_CHARS_MAX = 4_096
_KEPT = "farwork_memory"


@dataclass(slots=True)
class Notes:
    """The metadata of a task, with the mark of what each key follows."""

    values: dict[str, Json] = field(default_factory=dict[str, Json])
    marks: dict[str, str] = field(default_factory=dict[str, str])


class Memory:
    """Tasks and their metadata as one connection knows the database to have them."""

    def __init__(self, ask_version: Prepared | None = None) -> None:
        self._ask_version = ask_version
        self._tasks: dict[Name, Task] = {}
        self._notes: dict[int, Notes] = {}
        self._version: int | None = None

    @classmethod
    def of(cls, connection: Connection) -> "Memory":
        """What this connection remembers, in a transaction that holds the write lock."""
        if is_postgresql(connection):
            return cls()
        memory: Memory | None = connection.info.get(_KEPT)
        if memory is None:
            # It changes when another connection has changed the file:
            # https://sqlite.org/pragma.html
            ask_version = Prepared(text("PRAGMA data_version"), connection.dialect, ())
            memory = connection.info[_KEPT] = cls(ask_version)
        memory._compare(connection)
        return memory

    def _compare(self, connection: Connection) -> None:
        assert self._ask_version is not None
        ((version,),) = self._ask_version.all(connection, ())
        if version != self._version:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Know nothing any more."""
        self._tasks.clear()
        self._notes.clear()

    def task(self, name: Name) -> Task | None:
        """A task, if it is remembered."""
        return self._tasks.get(name)

    def notes(self, key: int) -> Notes | None:
        """The metadata of the task with this key, if it is remembered."""
        return self._notes.get(key)

    def keep(self, tasks: Mapping[Name, Task | None], notes: Mapping[int, Notes | None]) -> None:
        """Remember what has just been committed; None: it is gone, or too large to remember."""
        _renew(self._tasks, tasks)
        _renew(self._notes, notes)


def _renew(known: dict[K, V], news: Mapping[K, V | None]) -> None:
    """Put what is new behind what is older, and drop the oldest beyond the bound."""
    for key, value in news.items():
        known.pop(key, None)
        if value is not None:
            known[key] = value
    while len(known) > TASKS_MAX:
        del known[next(iter(known))]
