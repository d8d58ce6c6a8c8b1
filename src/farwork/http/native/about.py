"""`GET /v1/about`: which server answers, and where its feed ends."""

from typing import Any

from litestar import Response, Router, get

from farwork import __version__
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.protocol.access import About
from farwork.protocol.queries import NoQuery
from farwork.service.access import Role

ABOUT = Call(
    id="getAbout",
    summary="Which server is this?",
    needs=Role.VIEWER,
    answer=About,
    answer_example={
        "auth": "on",
        "version": "0.1.0",
        "position": 4711,
    },
)


@get("/about", opt=described(ABOUT))
async def get_about(request: AnyRequest, context: Context) -> Response[bytes]:
    """The server's version, and the feed's last position.

    Whoever keeps a copy of something asks this first, then reads, then follows the feed from
    `position`: nothing is missed between.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    caller.require(Role.VIEWER)
    position = await context.feed.head()
    auth = "on" if context.config.auth_on else "off"
    return answer(About(__version__, auth, position))


def router() -> Router:
    """The route."""
    handlers: list[Any] = [get_about]
    return Router("/v1", route_handlers=handlers)
