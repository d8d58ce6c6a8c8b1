"""Around each request: how long it took, and an id by which its log lines are found again."""

import re
from http import HTTPStatus
from typing import Any

import structlog
from litestar.types import Receive, Send

from farwork import clock
from farwork.telemetry.metrics import Metrics
from farwork.telemetry.traces import Spans, taken, within

log = structlog.get_logger()

HEADER = b"x-request-id"
# What is taken over from a caller ends up in our log.
_GOOD = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,100}")
UNKNOWN = "(none)"


class Measured:
    """Hands requests on, and takes note of how they were answered."""

    def __init__(self, metrics: Metrics, onward: Any, spans: Spans) -> None:
        self._metrics = metrics
        self._onward = onward
        self._spans = spans

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request; the answer tells its id."""
        parent = _trace_of(scope)
        if self._spans.is_on:
            await self._traced(parent, scope, receive, send)
        elif parent is None:
            await self._answer(scope, receive, send)
        else:
            with within(parent):
                await self._answer(scope, receive, send)

    async def _traced(self, parent: str | None, scope: Any, receive: Receive, send: Send) -> None:
        status = 500

        async def noting(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        method = _method_of(scope)
        with (
            self._spans.span(method, "server", parent, {"http.request.method": method}) as span,
            within(span.traceparent),
        ):
            await self._answer(scope, receive, noting)
            route = scope.get("path_template") or UNKNOWN
            failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
            said = {"http.route": route, "http.response.status_code": status}
            span.tell(f"{method} {route}", failed=failed, **said)

    async def _answer(self, scope: Any, receive: Receive, send: Send) -> None:
        began = clock.ticks()
        request_id = _id_of(scope)
        ended = 0.0
        status = 500

        async def noting(message: Any) -> None:
            nonlocal ended, status
            if message["type"] == "http.response.start":
                # A stream goes on for hours; what was waited for is its beginning.
                ended, status = clock.ticks(), message["status"]
                headers = [*message.get("headers", ()), (HEADER, request_id)]
                message = message | {"headers": headers}
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await self._onward(scope, receive, noting)
            finally:
                seconds = (ended or clock.ticks()) - began
                route = scope.get("path_template") or UNKNOWN
                self._metrics.answered(_method_of(scope), route, status, seconds)
                log.debug("answered", route=route, status=status, seconds=round(seconds, 6))


def _id_of(scope: Any) -> bytes:
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given if _GOOD.fullmatch(given) else clock.uuid7(clock.now()).encode()


def _trace_of(scope: Any) -> str | None:
    given = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
    return None if given is None else taken(given.decode("latin-1"))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method_of(scope: Any) -> str:
    """The method; one that a caller made up makes no series of its own."""
    method: str = scope.get("method", "GET")
    return method if method in _METHODS else UNKNOWN
