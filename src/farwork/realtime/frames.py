"""Events as frames of a text/event-stream, as the HTML standard describes it.

Every frame carries an `id`: a position of the feed. A reader that comes back shows the last one in
`Last-Event-ID` and misses nothing.
"""

from typing import Any

import msgspec

from farwork.service.views import event_out
from farwork.storage.event_reader import EventRecord

_encode = msgspec.json.Encoder().encode


def event_frame(event: EventRecord) -> bytes:
    """One event; JSON holds no line break, so it is one line of data."""
    return b"id: %d\ndata: %b\n\n" % (event.position, _encode(event_out(event)))


def place_frame(position: int) -> bytes:
    """A sign of life that moves the reader's place and says nothing else."""
    return b": here\nid: %d\n\n" % position


def told_frame(name: str, position: int, **said: Any) -> bytes:
    """A word to the reader about the stream itself, under a name of its own."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), position, _encode(said))
