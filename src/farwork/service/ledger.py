"""The ledger: the store as asynchronous use cases see it."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from farwork.domain.commands import Command
from farwork.domain.errors import TaskNotFound
from farwork.domain.task import Task
from farwork.domain.values import Instant
from farwork.storage import task_reader
from farwork.storage.store import Store
from farwork.storage.writes import Answer, Idempotency, Outcome, Write

T = TypeVar("T")


class Ledger:
    """Awaitable reads and writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def store(self) -> Store:
        """The store beneath."""
        return self._store

    def now(self) -> Instant:
        """The present instant."""
        return self._store.now()

    async def read(self, reading: Callable[[Connection], T]) -> T:
        """What `reading` finds, on a reader thread."""
        return await asyncio.wrap_future(self._store.read(reading))

    async def write(self, write: Write) -> Answer:
        """The answer to a write, after its commit. Raises the refusal of an atomic write; nothing changed then."""
        return await asyncio.wrap_future(self._store.write(write))

    async def work(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, after its transaction has committed."""
        return await asyncio.wrap_future(
            self._store.work(lambda connection, _statements, _now: (work(connection), None))
        )

    async def command(self, project: str, command: Command) -> Outcome:
        """The outcome of one command. Raises its refusal."""
        answer = await self.write(Write(project, [command], atomic=True))
        return answer.outcomes[0]

    async def commands(
        self,
        project: str,
        commands: list[Any],
        *,
        atomic: bool = False,
        idempotency: Idempotency | None = None,
    ) -> Answer:
        """The answer to several commands in one transaction."""
        return await self.write(Write(project, commands, atomic, idempotency))

    async def task(self, project: str, task_id: str) -> Task:
        """The task with this id. Raises `TaskNotFound`."""
        task = await self.read(lambda connection: task_reader.get(connection, project, task_id))
        if task is None:
            raise TaskNotFound.of(task_id)
        return task
