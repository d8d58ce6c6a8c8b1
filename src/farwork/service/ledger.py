"""The ledger: the store as asynchronous use cases see it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import Connection

from farwork.domain.commands import Command, CreateTask, ReportTask
from farwork.domain.errors import TaskNotFound
from farwork.domain.task import Task
from farwork.domain.values import Instant
from farwork.storage import task_reader
from farwork.storage.answers import Once, once, recalling
from farwork.storage.command_trail import ACTIONS
from farwork.storage.committer import (
    NotInTime,
    Overloaded,
    StorageUnavailable,
    refuse_if_late,
    settle,
)
from farwork.storage.store import Store
from farwork.storage.writes import Answer, Asker, Idempotency, Outcome, StoredAnswer, Work, Write
from farwork.telemetry.traces import PRESENT

T = TypeVar("T")

ASKER: ContextVar[Asker | None] = ContextVar("asker", default=None)
"""On whose behalf the present request is carried out; None: the server's own."""


class LoopMailbox:
    """Answers go to futures of one event loop, woken once a batch."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def slot(self) -> "asyncio.Future[Any]":
        """A future to await."""
        return self._loop.create_future()

    def deliver(self, answers: list[tuple[Any, Any]]) -> None:
        """Set them on the loop."""
        # A loop that has closed has nobody waiting.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle_all, answers)


def _settle_all(answers: list[tuple[Any, Any]]) -> None:
    for future, answer in answers:
        settle(future, answer)


def _note_trace(commands: list[Command], trace: str) -> None:
    """Let the tasks that come into being by these commands know under what that is done."""
    for command in commands:
        if isinstance(command, CreateTask):
            command.details.trace = trace
        elif isinstance(command, ReportTask):
            command.trace = trace


def _in_time(work: Work, until: float) -> Work:
    def doing(connection: Any, statements: Any, tick: Any) -> tuple[Any, int | None]:
        refuse_if_late(until)
        done = work(connection, statements, tick)
        refuse_if_late(until)
        return done

    return doing


class Ledger:
    """Awaitable reads and writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mail: LoopMailbox | None = None

    @property
    def _mailbox(self) -> LoopMailbox:
        if self._mail is None:
            self._mail = LoopMailbox()
        return self._mail

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
        """The answer to a write, after its commit.

        Raises the refusal of an atomic write; nothing changed then.
        """
        if write.commands and type(write.commands[0]) in ACTIONS:
            write.asker = ASKER.get()
        trace = PRESENT.get()
        if trace is not None:
            _note_trace(write.commands, trace)
        return await self._store.committer.submit(write, self._mailbox)

    async def work(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, after its transaction has committed."""

        def alone(connection: Connection, _statements: object, _now: object) -> tuple[T, None]:
            return work(connection), None

        return await self.transact(alone)

    async def transact(self, work: Work, until: float | None = None) -> Any:
        """The result of a piece of work that writes events, after its transaction has committed.

        Raises `NotInTime` after `until` (see `clock.ticks`); nothing was kept then.
        """
        work = work if until is None else _in_time(work, until)
        return await self._store.committer.submit_work(work, self._mailbox)

    async def transact_once(self, project: str, work: Work, asked: Once | None) -> Any:
        """The result of a piece of work that may be asked for again: then the `StoredAnswer`."""
        return await self.transact(once(work, project, asked))

    async def recall(self, project: str, asked: Once | None) -> StoredAnswer | None:
        """The answer of the first time, None when there was none."""
        return None if asked is None else await self.transact(recalling(project, asked))

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


__all__ = [
    "ASKER",
    "Answer",
    "Asker",
    "Idempotency",
    "Ledger",
    "LoopMailbox",
    "NotInTime",
    "Once",
    "Outcome",
    "Overloaded",
    "StorageUnavailable",
    "StoredAnswer",
    "Work",
    "Write",
]
