"""Spans by OpenTelemetry, sent to a collector by OTLP over HTTP. Needs the extra `traces`."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from farwork import __version__
from farwork.telemetry.traces import taken, written

SEND_EVERY_MS = 1_000
SPANS_WAITING_MAX = 8_192
EXPORT_SECONDS_MAX = 5
_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_HEX = 16


class OtelSpan:
    """A span that is sent to the collector."""

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """What those shall be told who do a part of it."""
        return written(self._span.get_span_context())

    def tell(self, name: str | None = None, *, failed: bool = False, **attributes: Any) -> None:
        """Say what became known of it."""
        if name is not None:
            self._span.update_name(name)
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        for key, value in attributes.items():
            self._span.set_attribute(key, value)


class OtelSpans:
    """Makes spans and sends them; what the collector does not take in time is dropped."""

    is_on = True

    def __init__(self, endpoint: str, service: str) -> None:
        resource = Resource.create({"service.name": service, "service.version": __version__})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS_MAX)
        self.provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=SPANS_WAITING_MAX,
                schedule_delay_millis=SEND_EVERY_MS,
            )
        )
        self._tracer = self.provider.get_tracer("farwork", __version__)

    @contextmanager
    def span(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Any]
    ) -> Generator[OtelSpan]:
        """A span below a traceparent, and above all that is done meanwhile."""
        with self._tracer.start_as_current_span(
            name, context_of(parent), _KINDS[kind], dict(attributes)
        ) as span:
            yield OtelSpan(span)

    def close(self) -> None:
        """Send what has not been sent."""
        self.provider.shutdown()


def context_of(traceparent: str | None) -> Any:
    """The OpenTelemetry context below a traceparent; None: a trace of its own."""
    text = None if traceparent is None else taken(traceparent)
    if text is None:
        return trace.set_span_in_context(trace.INVALID_SPAN)
    _, trace_id, span_id, flags = text.split("-")
    known = (int(trace_id, _HEX), int(span_id, _HEX))
    context = SpanContext(*known, is_remote=True, trace_flags=TraceFlags(int(flags, _HEX)))
    return trace.set_span_in_context(trace.NonRecordingSpan(context))
