"""`GET /v1/pace`: how many tasks came and ended over time."""

from typing import Any

from litestar import Response, Router, get

from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.protocol.pace import Pace, PaceQuery
from farwork.service.access import Role

PACE = Call(
    id="getPace",
    summary="Count tasks over time",
    needs=Role.VIEWER,
    query=PaceQuery,
    answer=Pace,
    answer_example={
        "since": "2026-11-22T02:00:00Z",
        "step_seconds": 300.0,
        "complete_since": "2026-11-22T02:00:00Z",
        "created": [4, 0],
        "succeeded": [3, 1],
        "failed": [0, 0],
        "cancelled": [0, 0],
    },
)


@get("/pace", opt=described(PACE))
async def get_pace(request: AnyRequest, context: Context) -> Response[bytes]:
    """How many tasks were created and how many ended, step by step up to now.

    Archived tasks are not counted. Of each kind the newest 20 000 are looked at: steps before
    `complete_since` may be short.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, PaceQuery)
    return answer(await context.queries.pace(caller, seconds=query.seconds, steps=query.steps))


def router() -> Router:
    """The route."""
    handlers: list[Any] = [get_pace]
    return Router("/v1", route_handlers=handlers)
