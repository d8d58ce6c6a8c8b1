"""An OpenTelemetry collector: takes spans by OTLP over HTTP, as any does, and keeps them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATIENCE_S = 30


@dataclass(frozen=True)
class Span:
    """A span as it was told."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """The spans that came, in their order."""

    url: str = ""
    spans: list[Span] = field(default_factory=list[Span])
    news: Condition = field(default_factory=Condition)

    def take(self, body: bytes) -> None:
        said: Any = ExportTraceServiceRequest.FromString(body)
        found = [
            _span(_values(resource.resource.attributes)["service.name"], span)
            for resource in said.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self.news:
            self.spans += found
            self.news.notify_all()

    def wait_for(self, *names: str) -> list[Span]:
        """A span of each of these names, when all have come."""
        with self.news:
            came = self.news.wait_for(
                lambda: set(names) <= {span.name for span in self.spans}, PATIENCE_S
            )
            assert came, [span.name for span in self.spans]
            return [next(span for span in self.spans if span.name == name) for name in names]


def _span(service: str, said: Any) -> Span:
    ids = (said.trace_id.hex(), said.span_id.hex(), said.parent_span_id.hex())
    return Span(service, said.name, said.kind, *ids, _values(said.attributes))


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector that listens until the end of the context."""
    collector = Collector()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            assert self.headers["Content-Encoding"] is None
            collector.take(raw)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the class's own name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        collector.url = f"http://127.0.0.1:{listening.server_port}/v1/traces"
        try:
            yield collector
        finally:
            listening.shutdown()
