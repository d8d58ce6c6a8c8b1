"""Traces: the W3C traceparent under which something happens, and spans where they are wanted.

A traceparent is handed on whether or not this process makes spans of its own: it stands in the
context of a request, in the task that came into being under it, and in the header of what is sent
out about the task. Spans are made by OpenTelemetry, an extra that is loaded when it is set up.
"""

import re
import sys
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

HEADER = "traceparent"
PRESENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The traceparent of what is being done; None: nobody traces it."""
# https://www.w3.org/TR/trace-context/#traceparent-header
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_API = "opentelemetry.trace"


class Span(Protocol):
    """Something that takes time, while it does."""

    @property
    def traceparent(self) -> str | None:
        """What those shall be told who do a part of it."""
        ...

    def tell(self, name: str | None = None, *, failed: bool = False, **attributes: Any) -> None:
        """Say what became known of it; `failed`: it did not go well."""
        ...


class Spans(Protocol):
    """Makes spans."""

    is_on: bool

    def span(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Any]
    ) -> AbstractContextManager[Span]:
        """A span below the traceparent `parent`; `kind` is server, client or consumer."""
        ...

    def close(self) -> None:
        """Send what has not been sent."""
        ...


class _Passing:
    """A span that nobody notes: whoever traces sees those before and behind it."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def tell(self, name: str | None = None, *, failed: bool = False, **attributes: Any) -> None:
        """Nobody listens."""


class NoSpans:
    """Hands traceparents on."""

    is_on = False

    @contextmanager
    def span(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Any]
    ) -> Generator[Span]:
        """The parent itself."""
        del name, kind, attributes
        yield _Passing(parent)

    def close(self) -> None:
        """Nothing waits."""


def spans_to(endpoint: str, service: str) -> Spans:
    """What makes the spans of a service; without an endpoint, nothing does."""
    if not endpoint:
        return NoSpans()
    from farwork.telemetry.otel import OtelSpans  # noqa: PLC0415 - an extra, and slow to load

    return OtelSpans(endpoint, service)


def taken(text: str) -> str | None:
    """The traceparent of a header; None: it is none, and the trace begins anew."""
    return text if _FORM.fullmatch(text) else None


@contextmanager
def within(traceparent: str | None) -> Generator[None]:
    """Let what is done meanwhile be done under this traceparent."""
    token = PRESENT.set(traceparent)
    try:
        yield
    finally:
        PRESENT.reset(token)


def present() -> str | None:
    """Under what things are done just now: as we know it, or as the program's own tracing does.

    OpenTelemetry is asked only if the program has loaded it.
    """
    known = PRESENT.get()
    api: Any = sys.modules.get(_API)
    if api is None:
        return known
    here = api.get_current_span().get_span_context()
    return written(here) if here.is_valid else known


def written(context: Any) -> str:
    """An OpenTelemetry span's context as a traceparent."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
