"""Who listens: read off the websocket that asks."""

from typing import Any

from litestar import WebSocket

from farwork.http.context import Context
from farwork.service.access import Principal

AnySocket = WebSocket[Any, Any, Any]


async def watcher_of(socket: AnySocket, context: Context) -> Principal:
    """The caller of a websocket. Raises `Unauthenticated`.

    A browser, which can set no headers there, gives its key as the parameter `access_token`.
    """
    token = socket.query_params.get("access_token")
    if context.config.auth_on and token and "authorization" not in socket.headers:
        return await context.access.principal(token)
    return await context.doorkeeper.caller(socket)
