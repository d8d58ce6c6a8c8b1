"""How log lines look: for people, or one JSON object a line.

An exception is told with where it happened, and without the values that were at hand there: they
hold API keys, secrets of webhooks, and what callers sent.
"""

from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer


def processors(form: str) -> list[Any]:
    """What makes log lines in this form, `text` or `json`."""
    return _as_json() if form == "json" else _as_text()


def _as_json() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(),
    ]


def _as_text() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.dev.set_exc_info,
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
