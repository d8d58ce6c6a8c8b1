"""A program that somebody wants run: how it is started, told, and ended."""

import os
import signal
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
# These the terminal itself gives to everybody in the foreground.
FROM_THE_TERMINAL = ("SIGINT", "SIGQUIT")


class Program:
    """A program that runs, and what it has started.

    At a terminal it stays in the foreground with us, so that it reads what is typed, and hears
    Ctrl-C and Ctrl-Z from the terminal itself. Elsewhere it leads a group of its own.
    """

    def __init__(self, command: Sequence[str], out: int, err: int) -> None:
        """Raises `OSError`."""
        self.shares_terminal = at_terminal()
        self._process = subprocess.Popen(  # noqa: S603 - it is what we are asked to run
            list(command),
            stdout=out,
            stderr=err,
            process_group=None if self.shares_terminal else 0,
        )

    def wait(self) -> int:
        """Its exit code, or less than zero: the signal that ended it."""
        return self._process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the program and to all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            if not self.shares_terminal:
                os.killpg(self._process.pid, number)
                return
            for pid in _family(self._process.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)


def at_terminal() -> bool:
    """Whether we are in the foreground of a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


@contextmanager
def handing_on(give: Callable[[int], None], *, shares_terminal: bool) -> Generator[None]:
    """Signals to this process go to `give`; those that are ignored stay so, as under nohup."""
    before: dict[int, Any] = {}
    for name in FORWARDED:
        number = getattr(signal, name)
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        if shares_terminal and name in FROM_THE_TERMINAL:
            before[number] = signal.signal(number, lambda _number, _frame: None)
        else:
            before[number] = signal.signal(number, lambda number, _frame: give(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _family(pid: int) -> list[int]:
    """A process and those that it started, the youngest last, as far as the system tells."""
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            with suppress(OSError, ValueError):
                members.extend(int(child) for child in children.read_text().split())
    return members
