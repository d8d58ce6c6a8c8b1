"""The hub: wakes those who wait for the feed to grow.

A wake-up carries nothing and may be spurious; the log is the truth. Take a ticket, read the log,
and if it has nothing new wait with that ticket: whatever was committed after the ticket was taken
ends the wait at once.
"""

import asyncio
from contextlib import suppress

Ticket = int


class Hub:
    """Wakes waiters of one event loop; `wake` may be called from any thread."""

    def __init__(self) -> None:
        self._generation = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Release everybody; later wake-ups go nowhere, and who took a ticket waits no more."""
        self._generation += 1
        self._release()
        self._loop = None

    @property
    def is_open(self) -> bool:
        """Whether it is worth waiting."""
        return self._loop is not None

    @property
    def ticket(self) -> Ticket:
        """What to wait with; take it before reading the log."""
        return self._generation

    def wake(self) -> None:
        """Something was committed."""
        self._generation += 1
        if self._waiters and self._loop is not None:
            # The loop may close between the check and the call; then nobody waits any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, ticket: Ticket, seconds: float) -> bool:
        """Wait until something was committed after `ticket` was taken; whether something was.

        It waits `seconds` at most.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        # A wake between the caller's reading and this line saw no waiter; the generation tells.
        if self._generation != ticket:
            self._waiters.discard(waiter)
            return True
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True
