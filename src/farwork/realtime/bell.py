"""The bell: wakes workers that wait for tasks, as many as there are tasks that became ready.

A ring may be lost, or wake somebody who cannot take the task: so whoever is woken in vain lets the
next one try, and nobody waits long without looking for himself.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec

from farwork.storage.transactions import Ready

Place = tuple[str, str]
"""A project and a queue of it."""

# Nobody waits longer than this without looking.
LOOK_S = 5.0
_told = msgspec.json.Decoder(list[tuple[str, str, int]])


class Bell:
    """Wakes waiters of one event loop; `ring` and `told` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: dict[Place, OrderedDict[asyncio.Future[None], None]] = {}
        self._rung: dict[Place, int] = {}
        self._rounds = 0

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Release everybody; later rings go nowhere."""
        self._loop, loop = None, self._loop
        if loop is not None:
            self._everywhere()

    @property
    def is_open(self) -> bool:
        """Whether it is worth waiting."""
        return self._loop is not None

    def ring(self, ready: Ready) -> None:
        """Tasks became ready."""
        if self._loop is not None:
            # The loop may close between the check and the call; then nobody waits any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ring, dict(ready))

    def told(self, text: str) -> None:
        """Another process, or this one, tells what became ready; an empty text: maybe anything."""
        if self._loop is None:
            return
        with suppress(RuntimeError):
            if not text:
                self._loop.call_soon_threadsafe(self._everywhere)
                return
            ready = {(project, queue): count for project, queue, count in _told.decode(text)}
            self._loop.call_soon_threadsafe(self._ring, ready)

    def now(self) -> float:
        """Seconds since some moment, by the clock that `wait` goes by."""
        return asyncio.get_running_loop().time()

    def ticket(self, places: Iterable[Place]) -> tuple[int, ...]:
        """What to wait with; take it before looking for tasks."""
        return (self._rounds, *(self._rung.get(place, 0) for place in places))

    async def wait(self, places: list[Place], ticket: tuple[int, ...], seconds: float) -> None:
        """Wait until there may be something in one of these places, `seconds` at most."""
        waiter = asyncio.get_running_loop().create_future()
        for place in places:
            self._waiters.setdefault(place, OrderedDict())[waiter] = None
        try:
            # What rang since the caller took the ticket found no waiter.
            if self.ticket(places) == ticket and self.is_open:
                with suppress(TimeoutError):
                    await asyncio.wait_for(waiter, min(seconds, LOOK_S))
        finally:
            for place in places:
                waiting = self._waiters.get(place)
                if waiting is not None:
                    waiting.pop(waiter, None)
                    if not waiting:
                        del self._waiters[place]

    def hand_on(self, places: Iterable[Place]) -> None:
        """Whoever was woken took nothing, or left something: the next one may try."""
        for place in places:
            self._wake(place, 1)

    def _ring(self, ready: Mapping[Place, int]) -> None:
        for place, count in ready.items():
            if place in self._waiters or count:
                self._rung[place] = self._rung.get(place, 0) + 1
            self._wake(place, max(count, 1))

    def _wake(self, place: Place, count: int) -> None:
        waiting = self._waiters.get(place)
        while waiting and count > 0:
            waiter, _ = waiting.popitem(last=False)
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    def _everywhere(self) -> None:
        self._rounds += 1
        for place in list(self._waiters):
            self._wake(place, len(self._waiters[place]))
