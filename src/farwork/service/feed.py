"""The change feed of a project: every event, in the one order that all readers see."""

from farwork.protocol.events import EventPage
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.views import event_out
from farwork.storage import event_reader, feed_reader
from farwork.storage.feed_reader import FeedFilter


class Feed:
    """Reads the feed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def page(
        self, caller: Principal, *, after: int, limit: int, wanted: FeedFilter
    ) -> EventPage:
        """What is meant of the events behind `after`, and where to go on. Needs viewer.

        A page looks through a bounded part of the log: it may be empty although more is to come.
        """
        caller.require(Role.VIEWER)
        page = await self._ledger.read(
            lambda connection: feed_reader.page(
                connection, caller.project, after=after, limit=limit, wanted=wanted
            )
        )
        return EventPage([event_out(event) for event in page.items], page.next_after)

    async def head(self) -> int:
        """The last position that was given out."""
        return await self._ledger.read(event_reader.head)


__all__ = ["Feed", "FeedFilter"]
