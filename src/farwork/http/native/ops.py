"""Health: is the process alive, and can it work?"""

from typing import Any

from litestar import Response, Router, get

from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.protocol.ops import Alive, Ready
from farwork.protocol.queries import NoQuery
from farwork.service.access import Role
from farwork.telemetry.metrics import CONTENT_TYPE

HEALTH = Call(
    id="health",
    summary="Is the process alive?",
    needs=None,
    answer=Alive,
    answer_example={"status": "ok"},
)
READY = Call(
    id="ready",
    summary="Can it work?",
    needs=None,
    answer=Ready,
    answer_example={"status": "ok", "reasons": [], "feed_position": 1234},
    other_answers={503: Ready},
)


METRICS = Call(
    id="metrics",
    summary="Read metrics",
    needs=Role.VIEWER,
    answer=str,
    answer_text=True,
    answer_example='farwork_reports_total{verdict="applied"} 1234.0\n',
)


@get("/healthz", opt=described(HEALTH))
async def healthz(request: AnyRequest) -> Response[bytes]:
    """The process answers. That says nothing about the database."""
    query_of(request, NoQuery)
    return answer(Alive("ok"))


@get("/readyz", opt=described(READY))
async def readyz(request: AnyRequest, context: Context) -> Response[bytes]:
    """Whether the database can be read and written; 503 with what is wrong when not."""
    query_of(request, NoQuery)
    health = await context.prober.health()
    if health.reasons:
        return answer(Ready("unavailable", health.reasons, health.feed_position), status=503)
    return answer(Ready("ok", [], health.feed_position))


@get("/metrics", opt=described(METRICS))
async def metrics(request: AnyRequest, context: Context) -> Response[bytes]:
    """What the server counts, and how things stand in the project of the key, for Prometheus."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    readings = await context.gauges.readings(caller)
    context.metrics.look(
        waiting=context.gauges.waiting,
        subscribers=context.channels.subscribers,
        subscriber_lag=context.channels.lag,
    )
    return Response(context.metrics.text(readings), media_type=CONTENT_TYPE)


def router() -> Router:
    """The routes of operation."""
    handlers: list[Any] = [healthz, readyz, metrics]
    return Router("/", route_handlers=handlers)
