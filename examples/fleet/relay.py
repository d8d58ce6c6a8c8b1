"""The way from one worker to the server, which can be cut."""

import asyncio
from contextlib import suppress

PIECE_BYTES = 65_536


class Relay:
    """Passes bytes on in both directions; while it is cut, every connection breaks off."""

    def __init__(self, port: int) -> None:
        """`port` is the server's, on loopback."""
        self._server_port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self._is_cut = False
        self.port = 0

    async def open(self) -> None:
        """Listen on a free port of loopback."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more, and break off what is there."""
        self.cut()
        if self._listener is not None:
            self._listener.close()

    def cut(self) -> None:
        """Break everything off, and let nothing through."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let everything through."""
        self._is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            there = await asyncio.open_connection("127.0.0.1", self._server_port)
            await asyncio.gather(self._pass_on(reader, there[1]), self._pass_on(there[0], writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while piece := await reader.read(PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass  # so ends a connection that is broken off
        finally:
            self._writers.discard(writer)
            writer.close()
