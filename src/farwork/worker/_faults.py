"""How what went wrong is told."""

from traceback import format_exception

TRACE_LINES_MAX = 40
TEXT_LENGTH_MAX = 10_000


def text_of(error: BaseException) -> str:
    """What an exception says, as a report takes it."""
    return str(error)[:TEXT_LENGTH_MAX].replace("\0", "")


def trace_of(error: BaseException) -> list[str]:
    """The last lines of an exception's traceback."""
    return "".join(format_exception(error)).splitlines()[-TRACE_LINES_MAX:]
