"""Who calls. The gateway itself asks nobody; here a page that the caller merely visits must not act in the caller's name."""

from typing import Any
from urllib.parse import urlsplit

from litestar import WebSocket

from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.uniqc.answers import DEVELOPMENT_ORIGINS, AnyConnection
from farwork.service.access import Forbidden, Principal

AnySocket = WebSocket[Any, Any, Any]


async def caller_of(request: AnyRequest, context: Context) -> Principal:
    """The caller of a request. Raises `Unauthenticated`, `Forbidden`."""
    _refuse_strangers(request, context)
    return await context.doorkeeper.caller(request)


async def watcher_of(socket: AnySocket, context: Context) -> Principal:
    """The caller of a websocket; a browser, which sends no headers there, gives its key as `access_token`."""
    _refuse_strangers(socket, context)
    token = socket.query_params.get("access_token")
    if context.config.auth_on and token and "authorization" not in socket.headers:
        return await context.access.principal(token)
    return await context.doorkeeper.caller(socket)


def _refuse_strangers(connection: AnyConnection, context: Context) -> None:
    """Without keys a browser's word for the calling page is all there is: pages of other sites may not act here."""
    origin = connection.headers.get("origin")
    if context.config.auth_on or origin is None or origin in DEVELOPMENT_ORIGINS:
        return
    if urlsplit(origin).netloc != connection.headers.get("host"):
        raise Forbidden("Pages of other sites may not call this server while it asks for no keys.")
