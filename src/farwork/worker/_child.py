"""What happens in the process of a task's own."""

import asyncio
import inspect
import os
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, cast

from farwork.protocol.leases import Beat, ClaimedOut
from farwork.sdk import FarworkError
from farwork.telemetry.traces import within
from farwork.worker._context import Cancelled, Context, NotRetryable
from farwork.worker._faults import trace_of
from farwork.worker._files import files_of
from farwork.worker._loop import follow
from farwork.worker._unsaid import as_json


class Relay(Context):
    """The context in the process: what is said and asked goes through a pipe to the worker."""

    def __init__(self, claimed: ClaimedOut, pipe: Any) -> None:
        super().__init__(claimed, post=_leave_to_the_worker)
        self._pipe = pipe
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self._answers: SimpleQueue[tuple[bool, Any]] = SimpleQueue()

    def listen(self) -> None:
        """Hear what the worker says, and end when it has ended: nobody else would end this."""
        while True:
            try:
                what, said = self._pipe.recv()
            except (EOFError, OSError):
                os.killpg(0, signal.SIGKILL)
                return
            if what == "cancel":
                self.cancel(over=said)
            else:
                self._answers.put(said)

    def tell(self, what: str, *values: Any, **named: Any) -> None:
        """Say something through the pipe."""
        with self._sending:
            self._pipe.send((what, values, named))

    def _ask(self, what: str, *values: Any, **named: Any) -> Any:
        with self._asking:
            self.tell(what, *values, **named)
            good, answer = self._answers.get()
        if not good:
            raise FarworkError(answer)
        return answer

    def progress(self, percent: float, message: str | None = None) -> None:
        self.tell("progress", float(percent), message)

    def log(self, message: str) -> None:
        self.tell("log", str(message))

    def note(self, **metadata: Any) -> None:
        self.tell("note", **as_json("The note", metadata))

    def refuse_to_cancel(self) -> None:
        self.tell("refuse_to_cancel")

    def result(self, data: Any = None, *, files: Any = (), **more: Any) -> None:
        self.tell("result", as_json("The result", data), files=files_of(files), **more)

    def shard(self, index: int, state: str, **said: Any) -> None:
        super().shard(index, state, **said)
        self.tell("shard", index, state, **said)

    def shards(self) -> Any:
        return self._ask("shards")

    def submission(self, platform: str, part: str = "", **said: Any) -> Any:
        return self._ask("submission", platform, part, **said)


def _leave_to_the_worker(_beat: Beat) -> None:
    """The worker has the spool; it hears of the shard through the pipe."""


def child(run: Callable[..., Any], claimed: ClaimedOut, pipe: Any) -> None:
    """Run the function, and tell what came of it."""
    # A group of its own: Ctrl-C is for the worker to hear, and whatever is started here can be
    # ended together.
    os.setpgid(0, 0)
    context = Relay(claimed, pipe)
    threading.Thread(target=context.listen, daemon=True).start()
    try:
        with within(claimed.traceparent):
            result = run(context, **context.params)
            if inspect.iscoroutine(result):
                result = asyncio.run(follow(cast("Any", result), context))
        context.tell("returned", as_json("What the function returned", result))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the task's failure, and told as such
        context.tell("raised", *_raised(error))


def _raised(error: BaseException) -> tuple[str, str | None, str, list[str]]:
    kind = next(
        (k.__name__ for k in (Cancelled, NotRetryable) if isinstance(error, k)),
        type(error).__name__,
    )
    return kind, getattr(error, "category", None), str(error), trace_of(error)
