"""The event loop of asynchronous functions: one for all of them, in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from farwork.worker._context import Cancelled, Context, TimedOut

CLOSE_S = 5.0


class Loop:
    """Runs coroutines for the threads that wait for them; they may share connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
        """What the coroutine returns, as `follow` has it, on the loop that all share."""
        return asyncio.run_coroutine_threadsafe(follow(coroutine, context), self._opened()).result()

    def _opened(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="farwork-loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Stop; what still runs is left where it stands."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(CLOSE_S)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def follow(coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
    """What the coroutine returns. It is cancelled when its task shall end.

    Raises what it raises; `Cancelled` or `TimedOut` where it lets itself be cancelled.
    """
    loop = asyncio.get_running_loop()
    running = loop.create_task(coroutine)
    context.when_cancelled(lambda: loop.call_soon_threadsafe(running.cancel))
    await asyncio.wait({running})
    if not running.cancelled():
        return running.result()
    if context.is_out_of_time:
        raise TimedOut("It ran for longer than it may.")
    if context.cancelled:
        raise Cancelled("the lease is over" if context.is_over else "the task is cancelled")
    raise RuntimeError("The function cancelled itself.")
