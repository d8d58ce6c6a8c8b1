"""What the worker says of itself: to the errors of the program that it runs in."""

import sys
from traceback import format_exception
from typing import Any, TextIO, cast

import structlog


class _Stderr:
    """Where the program's errors go at the moment of writing."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


# What is written to the standard output is the user's: results, tables, a pipe to the next program.
log: Any = structlog.wrap_logger(structlog.WriteLogger(cast(TextIO, _Stderr())))


def tell_mistake(what: str, error: BaseException, **more: object) -> None:
    """Say where a mistake of ours happened; the values that were at hand there may be secrets."""
    log.error(what, exception="".join(format_exception(error)).rstrip(), **more)
