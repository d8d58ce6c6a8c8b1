"""Running a task's function in a process of its own, so that its crash is that task's failure."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from farwork import clock
from farwork.sdk import FarworkError
from farwork.worker._child import child
from farwork.worker._context import Cancelled, Context, NotRetryable

POLL_S = 0.1
GRACE_S = 5.0
# What the child may ask for; each is carried out here, where the connection is.
ASKED = frozenset({"submission", "shards"})
SAID = frozenset({"progress", "log", "note", "refuse_to_cancel", "result", "shard"})


class Crashed(Exception):
    """The process ended without a result."""

    def __init__(self, message: str, category: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.category = category
        self.details = details


def run_in_process(run: Callable[..., Any], context: Context, timeout_s: float | None) -> Any:
    """What the function returns, called in a process of its own.

    Raises what it raises, `Cancelled`, or `Crashed` when the process ends otherwise. Whatever the
    process has started ends with it.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=child, args=(run, context.claimed, theirs))
    process.start()
    theirs.close()
    try:
        result = _Following(process, ours, context, timeout_s).to_the_end()
        # It tidies up behind itself.
        process.join(GRACE_S)
        return result
    finally:
        _end(process)
        ours.close()


class _Following:
    """Follows a process: carries out what it asks for, and tells it when to end."""

    def __init__(self, process: Any, pipe: Any, context: Context, timeout_s: float | None) -> None:
        self._process = process
        self._pipe = pipe
        self._context = context
        self._timeout_s = timeout_s
        self._deadline = None if timeout_s is None else clock.ticks() + timeout_s
        self._give_up: float | None = None

    def to_the_end(self) -> Any:
        """What the function returned. Raises what it raised."""
        while True:
            try:
                said = self._pipe.recv() if self._pipe.poll(POLL_S) else None
            except (EOFError, OSError):
                self._process.join(GRACE_S)
                raise _crash(self._process.exitcode) from None
            if said is not None:
                what, values, named = said
                if what == "returned":
                    return values[0]
                if what == "raised":
                    raise _as_raised(*values)
                self._carry_out(what, values, named)
            self._look_at_the_clock()

    def _carry_out(self, what: str, values: tuple[Any, ...], named: dict[str, Any]) -> None:
        if what in SAID:
            getattr(self._context, what)(*values, **named)
            return
        assert what in ASKED
        try:
            answer = (True, getattr(self._context, what)(*values, **named))
        except FarworkError as error:
            answer = (False, str(error))
        self._tell(("answer", answer))

    def _look_at_the_clock(self) -> None:
        if self._deadline is not None and clock.ticks() > self._deadline:
            raise Crashed(f"It ran for more than {self._timeout_s:g} seconds.", "run_timeout")
        if self._context.cancelled and self._give_up is None:
            self._give_up = clock.ticks() + GRACE_S
            self._tell(("cancel", self._context.is_over))
        if self._give_up is not None and clock.ticks() > self._give_up:
            raise Cancelled("the process was ended")

    def _tell(self, said: tuple[str, Any]) -> None:
        # Whether it has ended shows where it is listened to.
        with suppress(OSError):
            self._pipe.send(said)


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
    """End the process and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if _signal(process, number):
            process.join(GRACE_S)
    process.join()


def _signal(process: Any, number: int) -> bool:
    """Whether there was anybody to hear it."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        # It has ended, or does not yet lead a group.
        if not process.is_alive():
            return False
        process.kill()
    return True
