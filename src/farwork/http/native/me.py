"""`GET /v1/me`: who is calling, and where the feed ends."""

from typing import Any

from litestar import Response, Router, get

from farwork import __version__
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.protocol.access import Me
from farwork.protocol.queries import NoQuery
from farwork.service.access import Role

WHO = Call(
    id="whoAmI",
    summary="Who am I?",
    needs=Role.VIEWER,
    answer=Me,
    answer_example={
        "name": "gpu-7",
        "role": "worker",
        "project": "default",
        "auth": "on",
        "version": "0.1.0",
        "position": 4711,
    },
)


@get("/me", opt=described(WHO))
async def who_am_i(request: AnyRequest, context: Context) -> Response[bytes]:
    """The caller's name, role and project, and the feed's last position.

    Whoever keeps a copy of something asks this first, then reads, then follows the feed from
    `position`: nothing is missed between.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    caller.require(Role.VIEWER)
    position = await context.feed.head()
    auth = "on" if context.config.auth_on else "off"
    return answer(
        Me(caller.name, caller.role.word, caller.project, auth, __version__, position)  # pyright: ignore[reportArgumentType] - a role's word is one of the names
    )


def router() -> Router:
    """The route."""
    handlers: list[Any] = [who_am_i]
    return Router("/v1", route_handlers=handlers)
