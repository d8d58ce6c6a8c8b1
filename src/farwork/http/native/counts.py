"""`GET /v1/counts`: how many tasks there are; costs nothing per task."""

from typing import Any

from litestar import Response, Router, get

from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.protocol.parts import Counts
from farwork.protocol.queries import CountsQuery
from farwork.service.access import Role

COUNT = Call(
    id="countTasks",
    summary="Count tasks",
    needs=Role.VIEWER,
    query=CountsQuery,
    answer=Counts,
    answer_example={
        "by": "state",
        "archived": False,
        "counts": {"queued": 3, "running": 2, "succeeded": 40},
        "total": 45,
    },
)


@get("/counts", opt=described(COUNT))
async def count_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """How many tasks there are by state, queue or kind; archived ones are counted apart."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, CountsQuery)
    archived = query.archived == "true"
    return answer(await context.queries.counts(caller, query.by, archived=archived))


def router() -> Router:
    """The route of counts."""
    handlers: list[Any] = [count_tasks]
    return Router("/v1", route_handlers=handlers)
