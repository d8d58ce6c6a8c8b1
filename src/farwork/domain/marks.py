"""Marks: the one order in which everything said about an attempt is folded.

A mark is a string that compares like `(when it happened, rank, percent, digest)`. It is built from
what was said alone, never from when or in which company it arrived, so that two servers that heard
the same things fold them in the same order.
"""

from farwork.domain.values import Instant, TaskState

_BIAS = 10**17
_RANKS: dict[TaskState | None, str] = {
    None: "0",
    TaskState.CREATED: "1",
    TaskState.BLOCKED: "2",
    TaskState.QUEUED: "3",
    TaskState.RUNNING: "4",
    TaskState.CANCELLED: "5",
    TaskState.FAILED: "6",
    TaskState.SUCCEEDED: "7",
}

FIRST = ""
"""Before everything."""

LAST = "~"
"""What begins with this comes after every mark."""


def report_mark(at: Instant, state: TaskState | None, percent: float | None, digest: str) -> str:
    """The place of a report that happened `at`; those of one instant are ordered by content."""
    return f"{at + _BIAS:018d}{_RANKS[state]}{percent or 0.0:07.3f}{digest}"


def command_mark(at: Instant, known: str = FIRST) -> str:
    """The place of a command given `at`: after the reports of that instant and all that is `known`.

    A command answers what is known when it is given, also what is said of the future.
    """
    mark = f"{at + _BIAS:018d}9"
    return mark if mark > known else f"{known}~"


def instant_of(mark: str) -> Instant:
    """The instant in a mark; the beginning of time for none."""
    return int(mark[:18]) - _BIAS if mark else -_BIAS


def rank(mark: str, *, final: bool) -> str:
    """What decides between two statements of which a final one outweighs any other, then time."""
    return f"{int(final)}{mark}"
