"""Sending one request: to an address that was looked at, bounded in time and size, kept alive.

A general HTTP client follows redirects, resolves names by itself and takes four times as long; here
each connection is made to an address that the guard has allowed.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from ipaddress import ip_address
from socket import IPPROTO_TCP, SOCK_STREAM, gaierror
from typing import Any, cast

import httptools

from farwork import clock
from farwork.notifications.schedule import Reply
from farwork.service.targets import Guard, Target, TargetNotAllowed, target_of

CONNECT_S_MAX = 5.0
EXCHANGE_S_MAX = 15.0
IDLE_S_MAX = 20.0
IDLE_PER_TARGET_MAX = 256
RESPONSE_BYTES_MAX = 64 << 10
HEADER_BYTES_MAX = 32 << 10
EXCERPT_BYTES_MAX = 1_000
_INFORMATIONAL_MAX = 199
_SWITCHING = 101

Headers = Sequence[tuple[str, str]]


class BrokenOff(Exception):
    """The connection ended, or what came over it was no answer."""


class Connection(asyncio.Protocol):
    """One connection, for one exchange at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.is_reusable = False
        self.got_anything = False
        self._parser: Any = None
        self._done: asyncio.Future[None] | None = None
        self._size = 0
        self._status = 0
        self._has_length = False
        self._excerpt = bytearray()
        self._retry_after: str | None = None

    # --- what the loop says ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        # uvloop's are transports by what they can do, not by their class.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A piece of the answer came."""
        self.got_anything = True
        if self._parser is None or self._done is None or self._done.done():
            # Nobody asked anything.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The receiver goes over to another protocol, unasked: its answer was read, and counts.
            self.is_reusable = False
        except httptools.HttpParserError as error:
            self._end(BrokenOff(f"The answer is not HTTP: {error}."))
            return
        self._size += len(data)
        if self._size > RESPONSE_BYTES_MAX + HEADER_BYTES_MAX and not self._done.done():
            # The status is known and counts; the rest is not read.
            self.is_reusable = False
            self._end(None if self._status else BrokenOff("The answer's head is too large."))

    def eof_received(self) -> None:
        """The peer says no more."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.transport = None
        self.is_reusable = False
        if self._status and exc is None and not self._is_waiting_for_length():
            # An answer without a length ends with its connection.
            self._end(None)
        else:
            self._end(BrokenOff("The connection was closed before the answer was complete."))

    # --- what the parser says ---

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer."""
        if self._is_read:
            return
        if name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")
        elif name.lower() in (b"content-length", b"transfer-encoding"):
            self._has_length = True

    def on_headers_complete(self) -> None:
        """The head of the answer is read."""
        if self._is_read:
            # Something follows the answer in the same piece; nobody asked for it.
            return
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if len(self._excerpt) < EXCERPT_BYTES_MAX and not self._is_read:
            self._excerpt += body[: EXCERPT_BYTES_MAX - len(self._excerpt)]

    def on_message_complete(self) -> None:
        """The answer is read."""
        if self._is_read:
            self.is_reusable = False
            return
        if self._status <= _INFORMATIONAL_MAX and self._status != _SWITCHING:
            self._status = 0
            return
        self.is_reusable = bool(self._parser.should_keep_alive())
        self._end(None)

    # --- what we do ---

    @property
    def _is_read(self) -> bool:
        return self._done is None or self._done.done()

    def _is_waiting_for_length(self) -> bool:
        return self._has_length

    def _end(self, error: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            if error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error)

    async def exchange(self, request: bytes) -> Reply:
        """The answer to a request. Raises `BrokenOff`."""
        if self.transport is None or self.transport.is_closing():
            raise BrokenOff("The connection is closed.")
        self._parser = httptools.HttpResponseParser(self)
        self._done = asyncio.get_running_loop().create_future()
        self._size = self._status = 0
        self._excerpt.clear()
        self._retry_after = None
        self._has_length = self.got_anything = self.is_reusable = False
        self.transport.write(request)
        try:
            await self._done
        finally:
            self._done = None
            if not self.is_reusable:
                self.close()
        said = self._excerpt.decode("utf-8", "replace").replace("\0", "\ufffd")
        return Reply(self._status, response=said or None, retry_after=self._retry_after)

    def close(self) -> None:
        """Let go of it."""
        self.is_reusable = False
        if self.transport is not None:
            self.transport.abort()


class Poster:
    """Sends requests; connections to the same place are used again."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._idle: dict[tuple[bool, str, int], deque[Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def post(self, url: str, headers: Headers, body: bytes) -> Reply:
        """What came of sending a body; never raises for what goes wrong out there."""
        began = clock.ticks()
        try:
            reply = await self._post(target_of(url), headers, body)
        except ssl.SSLError as error:
            # Before ValueError: a certificate that is not good is one, to Python.
            why = getattr(error, "verify_message", None) or error.reason or error
            reply = Reply(error=f"No secure connection: {why}.")
        except ValueError as error:
            reply = Reply(error=f"The URL {error}.")
        except TargetNotAllowed as error:
            reply = Reply(error=f"Not sent: {error}.")
        except TimeoutError:
            reply = Reply(error="There was no answer in time.")
        except gaierror:
            reply = Reply(error="The name of the host is not known.")
        except BrokenOff as error:
            reply = Reply(error=str(error))
        except OSError as error:
            reply = Reply(error=f"No connection: {error.strerror or error}.")
        return Reply(
            reply.status,
            reply.error,
            reply.response,
            reply.retry_after,
            round((clock.ticks() - began) * 1_000, 3),
        )

    def close(self) -> None:
        """Let go of idle connections."""
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()

    async def _post(self, target: Target, headers: Headers, body: bytes) -> Reply:
        request = _request(target, headers, body)
        async with asyncio.timeout(EXCHANGE_S_MAX):
            connection = self._take(target)
            if connection is not None:
                try:
                    return await self._over(connection, target, request)
                except BrokenOff:
                    # It may have been closed just as we wrote; a receiver that has seen something
                    # tells repetitions apart.
                    if connection.got_anything:
                        raise
            return await self._over(await self._connect(target), target, request)

    async def _over(self, connection: Connection, target: Target, request: bytes) -> Reply:
        try:
            reply = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_reusable:
            self._keep(target, connection)
        return reply

    def _take(self, target: Target) -> Connection | None:
        idle = self._idle.get((target.secure, target.host, target.port))
        oldest = clock.ticks() - IDLE_S_MAX
        while idle:
            connection = idle.pop()
            if connection.is_reusable and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    def _keep(self, target: Target, connection: Connection) -> None:
        idle = self._idle.setdefault((target.secure, target.host, target.port), deque())
        connection.idle_since = clock.ticks()
        idle.append(connection)
        if len(idle) > IDLE_PER_TARGET_MAX:
            idle.popleft().close()

    async def _connect(self, target: Target) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_S_MAX):
            found = await loop.getaddrinfo(
                target.host, target.port, type=SOCK_STREAM, proto=IPPROTO_TCP
            )
            addresses = list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))
            self._guard.check(target.host, map(ip_address, addresses))
            failure: OSError | None = None
            for address in addresses:
                try:
                    return await self.connect_to(address, target)
                except OSError as error:
                    failure = error
            raise failure or gaierror()

    async def connect_to(self, address: str, target: Target) -> Connection:
        secure: dict[str, Any] = {}
        if target.secure:
            # The certificate is for the name, wherever the connection leads.
            self._tls = self._tls or ssl.create_default_context()
            secure = {"ssl": self._tls, "server_hostname": target.host}
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, address, target.port, **secure
        )
        return connection


def _request(target: Target, headers: Headers, body: bytes) -> bytes:
    lines = [f"POST {target.path} HTTP/1.1", f"host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"content-length: {len(body)}", "accept: */*", "", ""]
    return "\r\n".join(lines).encode() + body
