"""Running a task's function in a process of its own, so that its crash is that task's failure."""

import asyncio
import inspect
import multiprocessing
import signal
from collections.abc import Callable
from traceback import format_exception
from typing import Any, cast

from farwork import clock
from farwork.protocol.leases import ClaimedOut
from farwork.telemetry.traces import PRESENT
from farwork.worker._context import Cancelled, Context, NotRetryable

POLL_S = 0.1
GRACE_S = 5.0
TRACE_LINES_MAX = 40


class Crashed(Exception):
    """The process ended without a result."""

    def __init__(self, message: str, category: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.category = category
        self.details = details


class _Relay(Context):
    """The context in the child: whatever is said goes through a pipe."""

    def __init__(self, claimed: ClaimedOut, pipe: Any) -> None:
        super().__init__(claimed)
        self._pipe = pipe

    def progress(self, percent: float, message: str | None = None) -> None:
        self._pipe.send(("progress", (percent, message), {}))

    def log(self, message: str) -> None:
        self._pipe.send(("log", (message,), {}))

    def note(self, **metadata: Any) -> None:
        self._pipe.send(("note", (), metadata))

    def refuse_to_cancel(self) -> None:
        self._pipe.send(("refuse_to_cancel", (), {}))

    @property
    def cancelled(self) -> bool:
        while self._pipe.poll():
            self._pipe.recv()
            self._cancelled.set()
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> bool:
        if not self.cancelled and self._pipe.poll(seconds):
            return self.cancelled
        return self.cancelled


def run_in_process(run: Callable[..., Any], context: Context, timeout_s: float | None) -> Any:
    """What the function returns, called in a process of its own.

    Raises what it raises, `Cancelled`, or `Crashed` when the process ends otherwise.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_child, args=(run, context.claimed, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        return _follow(process, ours, context, timeout_s)
    finally:
        _end(process)
        ours.close()


def _follow(process: Any, pipe: Any, context: Context, timeout_s: float | None) -> Any:
    deadline = None if timeout_s is None else clock.ticks() + timeout_s
    told = False
    give_up: float | None = None
    while True:
        try:
            said = pipe.recv() if pipe.poll(POLL_S) else None
        except (EOFError, OSError):
            process.join(GRACE_S)
            raise _crash(process.exitcode) from None
        if said is not None:
            what, values, named = said
            if what == "result":
                return values[0]
            if what == "raised":
                raise _as_raised(*values)
            getattr(context, what)(*values, **named)
        if deadline is not None and clock.ticks() > deadline:
            raise Crashed(f"It ran for more than {timeout_s:g} seconds.", "run_timeout")
        if context.cancelled and not told:
            told, give_up = True, clock.ticks() + GRACE_S
            pipe.send("cancel")
        if give_up is not None and clock.ticks() > give_up:
            raise Cancelled("the process was ended")


def _crash(code: int | None) -> Crashed:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return Crashed(f"The process was ended by {name}.", "crash", {"signal": name})
    return Crashed(f"The process ended with code {code}.", "crash", {"exit_code": code})


def _as_raised(kind: str, category: str | None, message: str, trace: list[str]) -> Exception:
    if kind == "Cancelled":
        return Cancelled(message)
    if kind == "NotRetryable":
        return NotRetryable(message, category)
    return Crashed(message, category or kind, {"traceback": trace})


def _end(process: Any) -> None:
    if process.is_alive():
        process.terminate()
        process.join(GRACE_S)
    if process.is_alive():
        process.kill()
    process.join()


def _child(run: Callable[..., Any], claimed: ClaimedOut, pipe: Any) -> None:
    """What the process does."""
    # The worker decides what a signal to all of its processes means for the task.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    context = _Relay(claimed, pipe)
    PRESENT.set(claimed.traceparent)
    try:
        result = run(context, **context.params)
        if inspect.iscoroutine(result):
            result = asyncio.run(cast("Any", result))
        pipe.send(("result", (result,), {}))
    except Exception as error:  # noqa: BLE001 - it is the task's failure, and told as such
        kind = next(
            (k.__name__ for k in (Cancelled, NotRetryable) if isinstance(error, k)),
            type(error).__name__,
        )
        trace = "".join(format_exception(error)).splitlines()[-TRACE_LINES_MAX:]
        category = getattr(error, "category", None)
        pipe.send(("raised", (kind, category, str(error), trace), {}))
    pipe.close()
