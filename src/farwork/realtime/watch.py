"""Watching single tasks: however many wait for however many tasks, each commit is read once.

A watch begins before the watcher reads the task. So whatever it does not see there is behind the
position from which the log is followed, and wakes it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog

from farwork.realtime.hub import Hub
from farwork.service.ledger import Ledger, StorageUnavailable
from farwork.storage import event_reader, feed_reader

log = structlog.get_logger()

Name = tuple[str, str]
"""A task's project and id."""

EVENTS_READ_MAX = 5_000
# How long the log is left alone when it cannot be read.
REST_S = 1.0


class Watched:
    """Tells whether a task was touched."""

    def __init__(self) -> None:
        self._touched = asyncio.Event()

    def touch(self) -> None:
        """The task has a new event."""
        self._touched.set()

    async def next(self, seconds: float) -> bool:
        """Wait for the next event of the task, `seconds` at most; whether there was one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._touched.wait(), seconds)
        touched = self._touched.is_set()
        self._touched.clear()
        return touched


class Watch:
    """Follows the log while somebody watches."""

    def __init__(self, ledger: Ledger, hub: Hub) -> None:
        self._ledger = ledger
        self._hub = hub
        self._watchers: defaultdict[Name, set[Watched]] = defaultdict(set)
        self._position = 0
        self._follower: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def of(self, project: str, task_id: str) -> AsyncGenerator[Watched]:
        """Watch a task; read it after that, and then wait."""
        watched, name = Watched(), (project, task_id)
        self._watchers[name].add(watched)
        try:
            await self._follow()
            yield watched
        finally:
            self._watchers[name].discard(watched)
            if not self._watchers[name]:
                del self._watchers[name]

    async def _follow(self) -> None:
        """See to it that the log is followed from a position that lies before now."""
        async with self._starting:
            if self._follower is None or self._follower.done():
                self._position = await self._ledger.read(event_reader.head)
                self._follower = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._watchers and self._hub.is_open:
            ticket = self._hub.ticket
            try:
                read = await self._read_on()
            except StorageUnavailable as error:
                log.warning("the log cannot be followed", error=str(error))
                self._release()
                await self._hub.wait(self._hub.ticket, REST_S)
                continue
            if read < EVENTS_READ_MAX:
                await self._hub.wait(ticket, REST_S)
        self._release()

    async def _read_on(self) -> int:
        touched = await self._ledger.read(
            lambda connection: feed_reader.touched(connection, self._position, EVENTS_READ_MAX)
        )
        for position, project, task_id in touched:
            self._position = position
            for watched in self._watchers.get((project, task_id), ()):
                watched.touch()
        return len(touched)

    def _release(self) -> None:
        """Let everybody look for himself: what happened cannot be told."""
        for watchers in self._watchers.values():
            for watched in watchers:
                watched.touch()
