"""Many subscribers of the feed in one process: one epoll, and the time at which each event came.

The first line of standard input is the order; the listeners say when all are in, and go on until
standard input ends. Then they tell what came.
"""

import select
import socket
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

import msgspec

_CHUNK = 1 << 16
_IN = "listening"
_AT = b'"at":"'
_POLL_S = 0.2


class Order(msgspec.Struct, frozen=True):
    """Where to listen, with which key, and how many times."""

    port: int
    key: str
    listeners: int


class Heard(msgspec.Struct, frozen=True):
    """What came: latencies are from an event's time to the last listener that it reached."""

    events: int
    missed: int
    dropped: int
    p50_ms: float
    p99_ms: float


class _Said(msgspec.Struct):
    id: int
    at: datetime


@dataclass(slots=True)
class _Event:
    at: float
    last: float
    listeners: int


_decode = msgspec.json.Decoder(_Said).decode


class Listeners:
    """Sockets that follow the feed."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._rests: dict[int, bytes] = {}
        self._events: dict[int, _Event] = {}
        self._dropped = 0
        self._going = True

    def connect(self) -> None:
        """Subscribe, each on a connection of its own."""
        head = (
            "GET /v1/feed/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {self._order.key}\r\n\r\n"
        )
        for _ in range(self._order.listeners):
            one = socket.create_connection(("127.0.0.1", self._order.port))
            one.sendall(head.encode())
            if not one.recv(_CHUNK).startswith(b"HTTP/1.1 200"):
                raise ConnectionError("a listener was refused")
            self._sockets[one.fileno()] = one
            self._rests[one.fileno()] = b""
            self._epoll.register(one.fileno(), select.EPOLLIN)

    def listen(self) -> None:
        """Take what comes until standard input ends."""
        threading.Thread(target=self._stop_when_told, daemon=True).start()
        while self._going:
            for descriptor, _ in self._epoll.poll(_POLL_S):
                self._take(descriptor, self._sockets[descriptor].recv(_CHUNK), time.time())

    def _stop_when_told(self) -> None:
        sys.stdin.buffer.read()
        self._going = False

    def _take(self, descriptor: int, piece: bytes, now: float) -> None:
        if not piece:
            self._dropped += 1
            self._epoll.unregister(descriptor)
            return
        *lines, self._rests[descriptor] = (self._rests[descriptor] + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {") and _AT in line:
                self._note(line, now)

    def _note(self, line: bytes, now: float) -> None:
        # The id comes first, so that an event that is known need not be decoded again.
        position = int(line[12 : line.index(b",", 12)])
        known = self._events.get(position)
        if known is None:
            self._events[position] = _Event(_decode(line[6:]).at.timestamp(), now, 1)
        else:
            known.last = now
            known.listeners += 1

    def heard(self) -> Heard:
        """What came so far."""
        found = [(event.last - event.at) * 1_000 for event in self._events.values()]
        whole = self._order.listeners
        missed = sum(whole - event.listeners for event in self._events.values())
        cuts = quantiles(found, n=100, method="inclusive") if len(found) > 1 else [0.0] * 99
        return Heard(len(found), missed, self._dropped, cuts[49], cuts[98])


if __name__ == "__main__":
    listeners = Listeners(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))
    listeners.connect()
    sys.stdout.write(f"{_IN}\n")
    sys.stdout.flush()
    listeners.listen()
    sys.stdout.write(msgspec.json.encode(listeners.heard()).decode())
