"""How commands end: exit codes, and errors that say what was wrong and what would be right."""

import sys
from enum import IntEnum

from farwork.config import ConfigError


class ExitCode(IntEnum):
    """What a command's exit code says. The table in docs/cli.md is checked against this one."""

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    TIMED_OUT = 124
    INTERRUPTED = 130
    PIPE_CLOSED = 141

    @property
    def meaning(self) -> str:
        """In words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "It was done. `wait` and `submit --wait`: every task succeeded. "
    "`doctor`, `verify`: nothing is wrong.",
    ExitCode.NO: "The answer is no: a task failed or was cancelled, does not exist, or stands so "
    "that it cannot be done; lines of an import were refused; `doctor` or `verify` found "
    "something wrong; a backup is damaged; a copy cannot be made.",
    ExitCode.USAGE: "The command line or the configuration is wrong. Nothing was done.",
    ExitCode.UNREACHABLE: "The server or the database cannot be reached, or cannot work.",
    ExitCode.NOT_ALLOWED: "The API key is missing or not known, or its role is not enough.",
    ExitCode.TIMED_OUT: "`--timeout` ran out before the tasks had ended.",
    ExitCode.INTERRUPTED: "Ctrl-C.",
    ExitCode.PIPE_CLOSED: "Whoever read the output has gone.",
}


class Failure(Exception):
    """Ends a command: what to say on stderr, and the exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.NO) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def misconfigured(error: ConfigError) -> Failure:
    """The failure of a command whose configuration cannot be used: every problem at once."""
    found = error.problems
    if len(found) == 1:
        return Failure(f"The configuration is wrong: {found[0]}.", ExitCode.USAGE)
    lines = "".join(f"\n  {problem}" for problem in found)
    return Failure(f"The configuration has {len(found)} problems:{lines}", ExitCode.USAGE)


def complain(message: str) -> None:
    """Say what went wrong."""
    print(f"farwork: {message}", file=sys.stderr)
