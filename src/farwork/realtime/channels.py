"""Following the feed for many: each project's log is read once, however many subscribe.

A subscriber first catches up on its own, page by page, until it stands where the channel stands;
from then on the channel hands it what it reads. What is handed over is bounded: a subscriber that
does not take it is dropped, told why, and comes back with its position. It never slows another.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager

import structlog

from farwork import clock
from farwork.realtime.frames import event_frame, place_frame, told_frame
from farwork.realtime.hub import Hub
from farwork.service.ledger import Ledger, Overloaded, StorageUnavailable
from farwork.storage import event_reader, feed_reader
from farwork.storage.feed_reader import FeedFilter, FeedPage

log = structlog.get_logger()

BUFFER_BYTES_MAX = 512 << 10
"""What a subscriber may leave untaken before it is dropped."""
KEEP_ALIVE_S = 15.0
PAGE = 500
# Between two rounds of handing over: with many subscribers, one chunk serves several commits.
ROUND_S_PER_SUBSCRIBER = 0.000_1
ROUND_S_MAX = 0.1
REST_S = 1.0


class Subscription:
    """What one subscriber is yet to be sent."""

    def __init__(self, channel: "Channel", after: int, wanted: FeedFilter) -> None:
        self._channel = channel
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._some: asyncio.Future[None] | None = None
        self._is_live = False
        self.place = after
        self.taken = after
        self.wanted = wanted
        self.group = _group_of(wanted)
        self.dropped: str | None = None
        """Why the stream ends, None while it goes on."""

    def offer(self, chunk: bytes, place: int) -> None:
        """Hand over frames that lead up to a position; too many untaken ones are the end."""
        self.place = place
        if self.dropped is not None:
            return
        if self._size + len(chunk) > BUFFER_BYTES_MAX:
            self.drop("slow", "Too much was left untaken; come back with the last id.")
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._wake()

    def drop(self, reason: str, detail: str) -> None:
        """End the stream, saying why. What was not taken is read again by whoever comes back."""
        if self.dropped is None:
            self.dropped = reason
            self._channel.note_drop(reason)
            # Without an id: the reader's place is behind what it has really been sent.
            text = told_frame("dropped", 0, reason=reason, detail=detail).replace(b"id: 0\n", b"")
            self._chunks = deque([text])
            self._wake()

    async def begin(self) -> bytes:
        """What is said first: nothing, or that the log does not reach to where the reader stood.

        So it is after a database was put back from a backup: the positions behind its end are given
        out anew, to other events.
        """
        if self.place <= self._channel.place:
            return b""
        head = await self._channel.head()
        if self.place <= head:
            return b""
        stood, self.place = self.place, head
        why = "The feed ends before the position that was asked for; read anew what you rely on."
        return told_frame("reset", head, reason="ahead", asked=stood, detail=why)

    @property
    def is_live(self) -> bool:
        """Whether it has caught up with the log."""
        return self._is_live

    @property
    def is_idle(self) -> bool:
        """Whether everything handed over was taken."""
        return not self._chunks

    def _wake(self) -> None:
        if self._some is not None and not self._some.done():
            self._some.set_result(None)

    async def next(self) -> bytes | None:
        """The next frames, as soon as there are any; None: the stream is over.

        Empty when it has just caught up and there were none. Raises `StorageUnavailable` or
        `Overloaded` when the log cannot be read.
        """
        while True:
            if self._chunks:
                chunk = b"".join(self._chunks) if len(self._chunks) > 1 else self._chunks[0]
                self._chunks.clear()
                self._size = 0
                self.taken = self.place
                return chunk
            if self.dropped is not None or not self._channel.is_open:
                return None
            if not self._is_live:
                return await self._catch_up()
            self._some = asyncio.get_running_loop().create_future()
            await self._some
            self._some = None

    async def _catch_up(self) -> bytes:
        """Read one page on; at its end, if there is nothing between, be handed what comes."""
        page = await self._channel.read(self.place, self.wanted)
        frames = b"".join([event_frame(event) for event in page.items])
        moved = page.next_after > self.place
        self.place = page.next_after
        # No other task runs between this look and the joining, so that nothing falls between.
        if self.place >= self._channel.place:
            self._is_live = True
            self._channel.join(self)
        return frames or (place_frame(self.place) if moved else b"")


class Channel:
    """Follows one project's log while somebody subscribes."""

    def __init__(
        self, ledger: Ledger, hub: Hub, project: str, on_drop: Callable[[str], None]
    ) -> None:
        self._on_drop = on_drop
        self._ledger = ledger
        self._hub = hub
        self._project = project
        self._live: set[Subscription] = set()
        self._follower: asyncio.Task[None] | None = None
        self.place = 0
        self.users = 0

    @property
    def is_open(self) -> bool:
        """Whether it is worth waiting for more."""
        return self._hub.is_open

    async def open(self) -> None:
        """Stand at the end of the log and follow it from there."""
        self.place = await self.head()
        self._follower = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """Follow no further."""
        if self._follower is not None:
            self._follower.cancel()

    def join(self, subscription: Subscription) -> None:
        """Hand over from now on."""
        self._live.add(subscription)

    def leave(self, subscription: Subscription) -> None:
        """Hand over nothing more."""
        self._live.discard(subscription)

    def note_drop(self, reason: str) -> None:
        """Count a subscriber that was dropped."""
        self._on_drop(reason)
        log.debug("a subscriber of the feed was dropped", project=self._project, reason=reason)

    @property
    def lag(self) -> int:
        """By how many positions the hindmost of those who are handed what comes is behind."""
        behind = (self.place - one.taken for one in self._live if not one.is_idle)
        return max(behind, default=0)

    async def head(self) -> int:
        """The last position of the log."""
        return await self._ledger.read(event_reader.head)

    async def read(self, after: int, wanted: FeedFilter) -> FeedPage:
        """A page of the log."""
        return await self._ledger.read(
            lambda con: feed_reader.page(con, self._project, after=after, limit=PAGE, wanted=wanted)
        )

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        alive_at = loop.time()
        while self._hub.is_open:
            ticket = self._hub.ticket
            try:
                more = await self._hand_over()
            except (StorageUnavailable, Overloaded) as error:
                log.warning("the feed cannot be followed", project=self._project, error=str(error))
                await clock.pause_on_loop(REST_S)
                continue
            if loop.time() - alive_at >= KEEP_ALIVE_S:
                alive_at = loop.time()
                self._keep_alive()
            if not more:
                await self._hub.wait(ticket, KEEP_ALIVE_S / 3)
            await clock.pause_on_loop(min(len(self._live) * ROUND_S_PER_SUBSCRIBER, ROUND_S_MAX))
        for one in self._live:
            one.drop("closing", "The server stops; come back with the last id.")

    async def _hand_over(self) -> bool:
        """Hand on what is new; whether there may be more at once."""
        before = self.place
        page = await self.read(before, FeedFilter())
        # From here to the end nothing is awaited: whoever joins does so before or after all of it.
        self.place = max(before, page.next_after)
        if page.items:
            self._distribute(page)
        return len(page.items) == PAGE

    def _distribute(self, page: FeedPage) -> None:
        framed = [(event, event_frame(event)) for event in page.items]
        first = page.items[0].position
        chunks: dict[Hashable, bytes] = {}
        for one in list(self._live):
            if one.place >= first:
                # It read further on its own before it joined.
                own = [f for e, f in framed if e.position > one.place and one.wanted.means(e)]
                chunk = b"".join(own)
            else:
                known = chunks.get(one.group)
                if known is None:
                    meant = [f for e, f in framed if one.wanted.means(e)]
                    known = chunks[one.group] = b"".join(meant)
                chunk = known
            if chunk:
                one.offer(chunk, max(one.place, self.place))
            elif one.is_idle:
                one.place = max(one.place, self.place)

    def _keep_alive(self) -> None:
        for one in list(self._live):
            if one.is_idle:
                one.offer(place_frame(one.place), one.place)


class Channels:
    """The channels of one server process, each there as long as somebody subscribes."""

    def __init__(
        self, ledger: Ledger, hub: Hub, on_drop: Callable[[str], None] = lambda _reason: None
    ) -> None:
        self._on_drop = on_drop
        self._ledger = ledger
        self._hub = hub
        self._channels: dict[str, Channel] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}

    @property
    def subscribers(self) -> int:
        """How many subscribe."""
        return sum(channel.users for channel in self._channels.values())

    @property
    def lag(self) -> int:
        """By how many positions the hindmost live subscriber is behind."""
        return max((channel.lag for channel in self._channels.values()), default=0)

    @asynccontextmanager
    async def subscription(
        self, project: str, after: int, wanted: FeedFilter
    ) -> AsyncGenerator[Subscription]:
        """Subscribe to what is meant of a project's events behind `after`."""
        channel = self._channels.get(project)
        if channel is None:
            channel = self._channels[project] = Channel(
                self._ledger, self._hub, project, self._on_drop
            )
            self._opening[project] = asyncio.get_running_loop().create_task(channel.open())
        channel.users += 1
        subscription = Subscription(channel, after, wanted)
        try:
            await asyncio.shield(self._opening[project])
            yield subscription
        finally:
            channel.leave(subscription)
            channel.users -= 1
            if channel.users == 0 and self._channels.get(project) is channel:
                self._forget(project, channel)

    def _forget(self, project: str, channel: Channel) -> None:
        channel.close()
        del self._channels[project]
        opening = self._opening.pop(project)
        if opening.done() and not opening.cancelled():
            opening.exception()
        else:
            opening.cancel()


def _group_of(wanted: FeedFilter) -> Hashable:
    """The same for filters that mean the same, whose frames are then made once."""
    sets = (wanted.types, wanted.tasks, wanted.jobs, wanted.kinds, wanted.queues)
    return (*map(frozenset, sets), frozenset(wanted.labels.items()))
