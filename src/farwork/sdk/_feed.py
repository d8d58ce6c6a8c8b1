"""The change feed, as flows: read a page, or follow it for ever."""

from collections.abc import Callable
from typing import TypedDict, Unpack

from msgspec import Struct

from farwork.protocol.events import EventOut, EventPage
from farwork.sdk._errors import FarworkError, Overloaded, ServerFailed, Unreachable
from farwork.sdk._flow import Emit, Flow, Request, Stream, ask, parameters
from farwork.sdk._patience import Patience

FOLLOW_WAIT_S = 30.0
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
    asked = parameters(
        after=after,
        limit=limit,
        wait=wait_s,
        type=wanted.get("types"),
        task=wanted.get("task_ids"),
        job=wanted.get("job_ids"),
        kind=wanted.get("kinds"),
        queue=wanted.get("queues"),
        label=wanted.get("labels"),
    )
    return ask(Request("GET", "/v1/feed", asked, wait_s=wait_s), EventPage)


def follow_feed(
    after: int | None = None, *, on_trouble: Trouble | None = None, **wanted: Unpack[FeedFilter]
) -> Stream[EventOut]:
    """Every event behind position `after` (None: from here on), as it comes, without an end.

    When the server goes away and comes back, it goes on where it was; `on_trouble` hears of that.
    Raises `Unreachable` only if nobody answers the first time.
    """
    tell = on_trouble or _say_nothing
    place = after
    was_met = False
    failures = 0
    while True:
        try:
            if place is None:
                place = yield from feed_position()
            page = yield from read_feed(place, wait_s=FOLLOW_WAIT_S, **wanted)
        except _PASSING as error:
            if not was_met and isinstance(error, Unreachable):
                raise
            tell(error)
            failures += 1
            yield _LOOK_AGAIN.pause(failures)
            continue
        was_met = True
        if failures:
            failures = 0
            tell(None)
        for event in page.items:
            yield Emit(event)
        place = page.next_after


def _say_nothing(_error: FarworkError | None) -> None:
    pass
