"""The output of a program: passed on as it comes, and its end kept.

Where ours is a terminal the program gets one too, so that it draws colours and bars and writes line
by line, as it would without us.
"""

import fcntl
import os
import pty
import re
import struct
import termios
import threading
from collections import deque
from collections.abc import Callable

from farwork import clock

TAIL_LINES_MAX = 40
LINE_LENGTH_MAX = 1_000
PIECE_BYTES = 65_536
# What a program left running in the background may say for so long after it has ended.
QUIET_S = 0.5
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Stream:
    """One of the program's streams; `theirs` is the end that the program writes to."""

    def __init__(self, out: int, hear: Callable[[str], None]) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES_MAX)
        self._out = out
        self._hear = hear
        self._moved_at = clock.ticks()
        self._writing = False
        self.is_terminal = os.isatty(out)
        if self.is_terminal:
            self._ours, self.theirs = pty.openpty()
            self.fit()
            _write_as_it_is(self.theirs)
        else:
            self._ours, self.theirs = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def open(self) -> None:
        """Begin to read; the program has its end."""
        os.close(self.theirs)
        self._thread.start()

    def fit(self) -> None:
        """Give the program's terminal the size of ours."""
        if self.is_terminal:
            size = fcntl.ioctl(self._out, termios.TIOCGWINSZ, struct.pack("4H", 0, 0, 0, 0))
            fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)

    def drain(self) -> None:
        """Wait until all that the program wrote is passed on, however slowly it is read."""
        while self._thread.is_alive():
            self._thread.join(QUIET_S / 5)
            if not self._writing and clock.ticks() - self._moved_at > QUIET_S:
                return

    def _run(self) -> None:
        rest = b""
        while piece := self._read():
            if not self._pass_on(piece):
                break
            # A bar draws itself anew behind a carriage return.
            *lines, rest = re.split(rb"[\r\n]", rest + piece)
            for line in lines:
                self._take(line)
            rest = rest[-LINE_LENGTH_MAX:]
        self._take(rest)
        # The program hears that nobody reads on, as it would without us.
        os.close(self._ours)

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, PIECE_BYTES)
        except OSError:
            # So ends a terminal that nobody holds any more.
            return b""

    def _pass_on(self, piece: bytes) -> bool:
        """False: nobody reads what is written."""
        self._writing = True
        try:
            while piece:
                piece = piece[os.write(self._out, piece) :]
        except OSError:
            return False
        finally:
            self._writing, self._moved_at = False, clock.ticks()
        return True

    def _take(self, line: bytes) -> None:
        text = _ESCAPES.sub("", line.decode(errors="replace"))
        text = text[:LINE_LENGTH_MAX].rstrip().replace("\0", "")
        if text:
            self.tail.append(text)
            self._hear(text)


def _write_as_it_is(terminal: int) -> None:
    """What is written passes unchanged: the terminal at our end makes of it what it makes."""
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
