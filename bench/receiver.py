"""A receiver of webhooks that does nothing but count them: 204 to each, on connections that stay.

It tells its port, then how many have come each time that a line is written to its standard input.
"""

import asyncio
import sys
import threading

import httptools
import uvloop

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection."""

    taken = 0

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue] - a stream's is both

    def data_received(self, data: bytes) -> None:
        """A piece of a request came."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """A webhook is here."""
        Receiver.taken += 1
        assert self._transport is not None
        self._transport.write(_ANSWER)


async def receive() -> None:
    """Take what comes until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0, backlog=512)
    port: int = server.sockets[0].getsockname()[1]
    _tell(port)
    over = asyncio.Event()

    def answer() -> None:
        for _ in sys.stdin:
            _tell(Receiver.taken)
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=answer, daemon=True).start()
    await over.wait()


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(receive())
