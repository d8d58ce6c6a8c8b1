"""Who calls.

The gateway asks nobody. Here a page that somebody merely visits must not act in their name.
"""

from typing import Any
from urllib.parse import urlsplit

from litestar import WebSocket

from farwork.http.auth import AnyConnection, AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.uniqc.answers import DEVELOPMENT_ORIGINS
from farwork.service.access import Forbidden, Principal

READING = ("GET", "HEAD")
"""What a page of another site may well ask for: its browser does not let it read the answer."""

AnySocket = WebSocket[Any, Any, Any]


async def caller_of(request: AnyRequest, context: Context) -> Principal:
    """The caller of a request. Raises `Unauthenticated`, `Forbidden`."""
    if request.method not in READING:
        _refuse_strangers(request, context)
    return await context.doorkeeper.caller(request)


async def watcher_of(socket: AnySocket, context: Context) -> Principal:
    """The caller of a websocket.

    A browser, which can set no headers there, gives its key as the parameter `access_token`.
    """
    _refuse_strangers(socket, context)
    token = socket.query_params.get("access_token")
    if context.config.auth_on and token and "authorization" not in socket.headers:
        return await context.access.principal(token)
    return await context.doorkeeper.caller(socket)


def _refuse_strangers(connection: AnyConnection, context: Context) -> None:
    """Without keys, all there is to tell pages apart is what the browser says of them."""
    origin = connection.headers.get("origin")
    if context.config.auth_on or origin is None or origin in DEVELOPMENT_ORIGINS:
        return
    if urlsplit(origin).netloc != connection.headers.get("host"):
        raise Forbidden("Pages of other sites may not call this server while it asks for no keys.")
