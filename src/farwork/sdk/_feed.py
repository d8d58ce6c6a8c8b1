"""The change feed, as flows: read a page, or follow it for ever."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict, Unpack

from msgspec import Struct

from farwork.protocol.events import EventOut, EventPage
from farwork.sdk._errors import (
    FarworkError,
    FeedReset,
    Overloaded,
    ServerFailed,
    Unreachable,
)
from farwork.sdk._flow import (
    Emit,
    Flow,
    More,
    Request,
    Stream,
    ask,
    decoded,
    exchange,
    parameters,
)
from farwork.sdk._frames import Frames
from farwork.sdk._patience import Patience

# The server gives a sign of life every 15 seconds.
QUIET_S_MAX = 20.0
PAGE = 200
_PASSING = (Unreachable, Overloaded, ServerFailed)
_LOOK_AGAIN = Patience(pause_s=0.5, pause_s_max=5.0)

Trouble = Callable[[FarworkError | None], None]
"""Told of an error that following outlives, and (None) that it is over."""


class _Ready(Struct):
    feed_position: int


def feed_position() -> Flow[int]:
    """The position of the latest event."""
    found = yield from ask(Request("GET", "/readyz"), _Ready)
    return found.feed_position


class _Told(Struct):
    detail: str = ""


class FeedFilter(TypedDict, total=False):
    """Which events: of these types, about these tasks or jobs, of such tasks.

    Several values of one kind: any of them. A label is `key=value`; several: all of them.
    """

    types: list[str] | None
    task_ids: list[str] | None
    job_ids: list[str] | None
    kinds: list[str] | None
    queues: list[str] | None
    labels: list[str] | None


def read_feed(
    after: int = 0, *, limit: int = PAGE, wait_s: float = 0.0, **wanted: Unpack[FeedFilter]
) -> Flow[EventPage]:
    """The events behind position `after`, and where to go on.

    If there is none yet, the server waits up to `wait_s` seconds for one.
    """
    asked = parameters(after=after, limit=limit, wait=wait_s, **_in_words(wanted))
    return ask(Request("GET", "/v1/feed", asked, wait_s=wait_s), EventPage)


def follow_feed(
    after: int | None = None, *, on_trouble: Trouble | None = None, **wanted: Unpack[FeedFilter]
) -> Stream[EventOut]:
    """Every event behind position `after` (None: from here on), as it comes, without an end.

    When the server goes away and comes back, it goes on where it was; `on_trouble` hears of that,
    and of a `FeedReset`. Raises `Unreachable` only if nobody answers the first time.
    """
    tell = on_trouble or _say_nothing
    place = _Place(after)
    was_met = has_told = False
    failures = 0
    while True:
        try:
            yield from _opened(place, wanted)
            was_met, failures = True, 0
            if has_told:
                has_told = False
                tell(None)
            yield from _streamed(place, tell)
        except _PASSING as error:
            if not was_met and isinstance(error, Unreachable):
                raise
            failures += 1
            # A stream that breaks off is no news until nobody takes it up again.
            if not place.was_open:
                has_told = True
                tell(error)
        yield _LOOK_AGAIN.pause(max(1, failures))


@dataclass(slots=True)
class _Place:
    """How far we are in the feed, and whether the stream was open when it broke off."""

    after: int | None
    was_open: bool = False


def _opened(place: _Place, wanted: FeedFilter) -> Flow[None]:
    place.was_open = False
    if place.after is None:
        place.after = yield from feed_position()
    asked = parameters(after=place.after, **_in_words(wanted))
    request = Request(
        "GET",
        "/v1/feed/stream",
        asked,
        headers={"Accept": "text/event-stream"},
        wait_s=QUIET_S_MAX,
        streamed=True,
    )
    yield from exchange(request)
    place.was_open = True


def _streamed(place: _Place, tell: Trouble) -> Stream[EventOut]:
    """What one stream brings until it ends."""
    frames = Frames()
    while piece := (yield More()):
        for frame in frames.take(piece):
            if frame.id.isdecimal():
                place.after = int(frame.id)
            if frame.name == "reset":
                tell(FeedReset(decoded(frame.data.encode(), _Told).detail))
            elif frame.name == "message" and frame.data:
                yield Emit(decoded(frame.data.encode(), EventOut))


def _in_words(wanted: FeedFilter) -> dict[str, list[str] | None]:
    """A filter in the words of the API."""
    return {
        "type": wanted.get("types"),
        "task": wanted.get("task_ids"),
        "job": wanted.get("job_ids"),
        "kind": wanted.get("kinds"),
        "queue": wanted.get("queues"),
        "label": wanted.get("labels"),
    }


def _say_nothing(_error: FarworkError | None) -> None:
    pass
