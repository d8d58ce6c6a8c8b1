"""`GET /v1/feed/stream`: the change feed as it grows, as server-sent events."""

import asyncio
import re
from typing import Any

from litestar import Router, get
from litestar.types import ASGIApp, Receive, Scope, Send

from farwork.http.auth import AnyRequest
from farwork.http.body import bad_request
from farwork.http.calls import Call, described
from farwork.http.context import Context, UseCases
from farwork.http.native import examples
from farwork.http.native.feed import filter_of
from farwork.http.query import query_of
from farwork.protocol.events import EventOut
from farwork.protocol.queries import POSITION_MAX, StreamQuery
from farwork.realtime.channels import KEEP_ALIVE_S, Subscription
from farwork.service.access import Principal, Role, Unauthenticated
from farwork.service.feed import FeedFilter
from farwork.service.ledger import Overloaded, StorageUnavailable
from farwork.service.limits import RateLimited

SEND_S_MAX = 30.0
"""A peer that takes nothing for so long is let go."""
LAST_EVENT_ID = "last-event-id"
_POSITION = re.compile(r"[0-9]{1,19}")
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies that collect answers would hold events back.
    (b"x-accel-buffering", b"no"),
]

STREAM = Call(
    id="streamFeed",
    summary="Follow the change feed",
    needs=Role.VIEWER,
    query=StreamQuery,
    answer=EventOut,
    answer_events=True,
    answer_example=examples.EVENT,
)


@get("/feed/stream", opt=described(STREAM))
async def stream_feed(request: AnyRequest, context: Context) -> ASGIApp:
    """Every event behind `after` as it is committed, as server-sent events, oldest first.

    Each carries its position as `id`. A client that comes back with the header `Last-Event-ID`
    (browsers do so by themselves), or with `after`, goes on where it was: nothing is passed over
    and nothing comes twice. Without either, it begins with what comes next. When nothing happens, a
    comment comes every 15 seconds, with an `id` that moves the place on.

    An event named `reset` says that the feed does not reach to the position that was asked for,
    because the database was put back from a backup: what was read before is to be read anew. One
    named `dropped` says why the stream ends; the client may come back.
    """
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.VIEWER)
    query = query_of(request, StreamQuery)
    after = _place(request, query)
    wanted = filter_of(query)
    if after is None:
        after = await context.feed.head()
    return _Stream(context, caller, request, after, wanted, query.seconds)


def _place(request: AnyRequest, query: StreamQuery) -> int | None:
    """Where to go on: what came last is later than where the first request began."""
    header = request.headers.get(LAST_EVENT_ID, "").strip()
    if not header:
        return query.after
    if not _POSITION.fullmatch(header) or int(header) > POSITION_MAX:
        raise bad_request([(f"header:{LAST_EVENT_ID}", "must be a position in the feed")])
    return int(header)


class _Stream:
    """The answer: subscribes, and sends what comes until either side has enough."""

    def __init__(
        self,
        context: UseCases,
        caller: Principal,
        request: AnyRequest,
        after: int,
        wanted: FeedFilter,
        seconds: float | None,
    ) -> None:
        self._context = context
        self._caller = caller
        self._request = request
        self._after = after
        self._wanted = wanted
        self._seconds = seconds

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        channels = self._context.channels
        async with channels.subscription(self._caller.project, self._after, self._wanted) as mine:
            first = await mine.begin()
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            telling = asyncio.create_task(self._tell(mine, first, send))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                telling.cancel()
                await asyncio.gather(telling, leaving, return_exceptions=True)

    async def _tell(self, mine: Subscription, first: bytes, send: Send) -> None:
        loop = asyncio.get_running_loop()
        ends = None if self._seconds is None else loop.time() + self._seconds
        trusted_until = loop.time() + KEEP_ALIVE_S
        # The head of the answer goes out with the first piece: a client shall know that it is in.
        await _send(send, first or b": here\n\n")
        while (chunk := await self._next(mine, ends)) is not None:
            if chunk:
                await _send(send, chunk)
            if loop.time() > trusted_until:
                trusted_until = loop.time() + KEEP_ALIVE_S
                await self._check_key(mine)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self, mine: Subscription, ends: float | None) -> bytes | None:
        try:
            if ends is None or not mine.is_live:
                return await mine.next()
            async with asyncio.timeout_at(ends):
                return await mine.next()
        except TimeoutError:
            return None
        except (StorageUnavailable, Overloaded):
            mine.drop("unavailable", "The log cannot be read just now; come back with the last id.")
            return await mine.next()

    async def _check_key(self, mine: Subscription) -> None:
        """A key that was revoked opens nothing any longer."""
        try:
            await self._context.doorkeeper.caller_again(self._request)
        except Unauthenticated:
            mine.drop("unauthenticated", "The API key is no longer good.")
        except (StorageUnavailable, Overloaded, RateLimited):
            return


async def _send(send: Send, chunk: bytes) -> None:
    async with asyncio.timeout(SEND_S_MAX):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _gone(receive: Receive) -> None:
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return


def router() -> Router:
    """The route of the stream."""
    handlers: list[Any] = [stream_feed]
    return Router("/v1", route_handlers=handlers)
