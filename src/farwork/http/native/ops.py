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


def router() -> Router:
    """The routes of operation."""
    handlers: list[Any] = [healthz, readyz]
    return Router("/", route_handlers=handlers)
