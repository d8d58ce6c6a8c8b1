"""`GET /v1/feed`: every event of the project, in the one order that all readers see."""

from typing import Any

from litestar import Response, Router, get

from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native import examples
from farwork.http.native.paging import bounded
from farwork.http.native.tasks import labels_of
from farwork.http.query import query_of
from farwork.protocol.events import EventPage
from farwork.protocol.queries import EventFilterQuery, FeedQuery
from farwork.realtime.polling import poll
from farwork.service.access import Role
from farwork.service.feed import FeedFilter

READ = Call(
    id="readFeed",
    summary="Read the change feed",
    needs=Role.VIEWER,
    query=FeedQuery,
    answer=EventPage,
    answer_example=examples.EVENT_PAGE,
)


@get("/feed", opt=described(READ))
async def read_feed(request: AnyRequest, context: Context) -> Response[bytes]:
    """The events behind `after`, oldest first; with `wait`, as soon as there are any.

    Go on with `after` = `next_after`: nothing is passed over and nothing comes twice. A page looks
    through a bounded part of the log, so with filters it may be empty before the end is reached;
    `next_after` tells how far it got.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, FeedQuery)
    wanted = filter_of(query)
    limit = bounded(query.limit)
    after = query.after

    async def look() -> tuple[EventPage, bool]:
        nonlocal after
        while True:
            page = await context.feed.page(caller, after=after, limit=limit, wanted=wanted)
            if page.items or page.next_after == after or query.wait <= 0:
                return page, bool(page.items)
            # Whoever waits is not sent back for each stretch of the log that holds nothing for him.
            after = page.next_after

    page, _ = await poll(context.hub, query.wait, look)
    return answer(page)


def filter_of(query: EventFilterQuery) -> FeedFilter:
    """Which events a query means."""
    return FeedFilter(
        types=frozenset(query.type),
        tasks=frozenset(query.task),
        jobs=frozenset(query.job),
        kinds=frozenset(query.kind),
        queues=frozenset(query.queue),
        labels=labels_of(query.label),
    )


def router() -> Router:
    """The route of the feed."""
    handlers: list[Any] = [read_feed]
    return Router("/v1", route_handlers=handlers)
