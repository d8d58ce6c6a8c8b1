"""A bad network in one process: an HTTP relay that loses, delays, reorders and doubles messages.

Senders post to it instead of to the server:

    python relay.py --upstream http://127.0.0.1:8400 --seed 7

What it takes (2xx) it delivers at least once, as a queue would; what it loses, the sender is never
told was taken. So a sender that repeats until it hears 2xx gets everything through, though not in
order and not only once. It listens on loopback only. On SIGTERM or SIGINT it delivers what it still
holds, prints what it did and ends: with 0, or with 1 if the server did not take a held message.
"""

import argparse
import asyncio
import hashlib
import http.client
import io
import itertools
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random  # noqa: TID251 - seeded dice, handed to the relay

import httpx

BODY_BYTES_MAX = 1 << 20
REQUEST_SECONDS_MAX = 5.0
STALL_SECONDS_MAX = 5.0
UPSTREAM_SECONDS_MAX = 10.0
RETRY_PAUSE_SECONDS = 0.1
FLUSH_ATTEMPTS_MAX = 50
RETRY_STATUSES = frozenset({408, 429})

# Headers about one connection; the others travel with the message.
HOP_HEADERS = frozenset({"host", "connection", "keep-alive", "content-length", "accept-encoding"})


class Fate(Enum):
    """What may happen to a message between two machines."""

    PASS = auto()  # delivered at once, answered with the server's own answer
    CUT_OFF = auto()  # lost on the way there: the connection ends without an answer
    REFUSE = auto()  # lost on the way there: an overloaded proxy says 503
    STALL = auto()  # lost on the way there: silence until the sender's patience ends
    LOSE_ANSWER = auto()  # delivered, but the sender never hears of it
    HOLD = auto()  # taken, and delivered later: others may overtake it
    DOUBLE = auto()  # delivered at once, and once more later


ODDS: Mapping[Fate, float] = {
    Fate.PASS: 0.34,
    Fate.CUT_OFF: 0.10,
    Fate.REFUSE: 0.08,
    Fate.STALL: 0.02,
    Fate.LOSE_ANSWER: 0.12,
    Fate.HOLD: 0.20,
    Fate.DOUBLE: 0.14,
}


@dataclass(frozen=True)
class Message:
    """One POST of a sender, numbered in the order in which the relay saw them."""

    number: int
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Tally:
    """What the relay did to the messages, and what the server saw of it."""

    fates: Counter[Fate] = field(default_factory=Counter[Fate])
    delivered: int = 0
    repeated: int = 0
    overtaken: int = 0
    refused: int = 0
    undelivered: int = 0
    _bodies: set[bytes] = field(default_factory=set[bytes])
    _newest_of_task: dict[str, int] = field(default_factory=dict[str, int])

    def count_delivery(self, message: Message) -> None:
        """Counts what the server took; only for this the relay looks into a body."""
        self.delivered += 1
        fingerprint = hashlib.sha256(message.body).digest()
        self.repeated += fingerprint in self._bodies
        self._bodies.add(fingerprint)
        task_id = task_id_in(message.body)
        newest = self._newest_of_task.get(task_id, 0)
        self.overtaken += message.number < newest
        self._newest_of_task[task_id] = max(message.number, newest)

    def __str__(self) -> str:
        met = self.fates
        lost = met[Fate.CUT_OFF] + met[Fate.REFUSE] + met[Fate.STALL]
        ways = f"{met[Fate.CUT_OFF]} cut off, {met[Fate.REFUSE]} answered 503"
        lines = [
            f"relay: {met.total()} posts came in, {self.delivered} were delivered to the server",
            f"  {lost:4} lost on the way there ({ways}, {met[Fate.STALL]} left without an answer)",
            f"  {met[Fate.LOSE_ANSWER]:4} answers lost on the way back, so they were posted again",
            f"  {met[Fate.HOLD]:4} taken at once and delivered later",
            f"  {met[Fate.DOUBLE]:4} delivered twice",
            f"  {self.overtaken:4} deliveries came after a later one of the same task",
            f"  {self.repeated:4} deliveries were of something the server already had",
        ]
        if self.refused or self.undelivered:
            lines.append(
                f"  LOST: {self.refused} refused by the server, {self.undelivered} not sent"
            )
        return "\n".join(lines)


class Relay:
    """Passes posts on to one server, each meeting a fate that the dice choose."""

    def __init__(
        self,
        server: httpx.AsyncClient,
        *,
        dice: Random,
        odds: Mapping[Fate, float] = ODDS,
        hold_seconds_max: float,
    ) -> None:
        self.tally = Tally()
        self._server = server
        self._dice = dice
        self._odds = odds
        self._hold_seconds_max = hold_seconds_max
        self._numbers = itertools.count(1)
        self._closing = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncGenerator[int]:
        """Listens on loopback and yields the port; leaving it delivers all that is still held."""
        async with self._tasks:
            listener = await asyncio.start_server(self._accept, "127.0.0.1", port)
            try:
                yield listener.sockets[0].getsockname()[1]
            finally:
                self._closing.set()
                listener.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.create_task(self._converse(reader, writer))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer_to(reader)
            if answer is not None:
                writer.write(on_the_wire(answer))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the sender hung up or fell silent: no different from a message lost on its way
        finally:
            writer.close()

    async def _answer_to(self, reader: asyncio.StreamReader) -> httpx.Response | None:
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            message = await read_message(reader, self._numbers)
        if message is None:
            return httpx.Response(400, text="only a POST with a Content-Length gets through here")
        (fate,) = self._dice.choices([*self._odds], [*self._odds.values()])
        self.tally.fates[fate] += 1
        return await self._meet(fate, message, reader)

    async def _meet(
        self, fate: Fate, message: Message, reader: asyncio.StreamReader
    ) -> httpx.Response | None:
        match fate:
            case Fate.PASS:
                return await self._deliver(message)
            case Fate.DOUBLE:
                self._tasks.create_task(self._deliver_later(message))
                return await self._deliver(message)
            case Fate.HOLD:
                self._tasks.create_task(self._deliver_later(message))
                return httpx.Response(202)
            case Fate.REFUSE:
                return httpx.Response(503)
            case Fate.LOSE_ANSWER:
                await self._deliver(message)
            case Fate.STALL:
                async with asyncio.timeout(STALL_SECONDS_MAX):
                    await reader.read()  # ends when the sender hangs up
            case Fate.CUT_OFF:
                pass
        return None

    async def _deliver(self, message: Message) -> httpx.Response:
        try:
            answer = await self._server.post(
                message.target, content=message.body, headers=message.headers
            )
        except httpx.TransportError as failure:
            return httpx.Response(502, text=f"{type(failure).__name__} {failure}")
        if answer.is_success:
            self.tally.count_delivery(message)
        return answer

    async def _deliver_later(self, message: Message) -> None:
        """Repeats until the server decides; gives up only when the relay must end."""
        await self._pause(self._dice.uniform(0, self._hold_seconds_max))
        attempts_left = FLUSH_ATTEMPTS_MAX
        while attempts_left:
            answer = await self._deliver(message)
            if answer.is_success:
                return
            if answer.is_client_error and answer.status_code not in RETRY_STATUSES:
                self.tally.refused += 1
                return
            attempts_left -= self._closing.is_set()
            await asyncio.sleep(RETRY_PAUSE_SECONDS)  # noqa: TID251 - a process of its own
        self.tally.undelivered += 1

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()


async def read_message(reader: asyncio.StreamReader, numbers: Iterator[int]) -> Message | None:
    """Reads one POST and gives it its number; None for anything else."""
    try:
        head = io.BytesIO(await reader.readuntil(b"\r\n\r\n"))
        method, target, _version = head.readline().decode("ascii").split()
        headers = http.client.parse_headers(head)
        length = int(headers["Content-Length"])
    except (asyncio.LimitOverrunError, http.client.HTTPException, TypeError, ValueError):
        return None
    if method != "POST" or not target.startswith("/") or not 0 <= length <= BODY_BYTES_MAX:
        return None
    body = await reader.readexactly(length)
    kept = {name: value for name, value in headers.items() if name.lower() not in HOP_HEADERS}
    return Message(next(numbers), target, kept, body)


def on_the_wire(answer: httpx.Response) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\n"
        f"Content-Type: {answer.headers.get('Content-Type', 'text/plain')}\r\n"
        f"Content-Length: {len(answer.content)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + answer.content


def task_id_in(body: bytes) -> str:
    try:
        event: object = json.loads(body)
    except ValueError:
        return ""
    match event:
        case {"task_id": str(task_id)}:
            return task_id
        case _:
            return ""


async def run(asked: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    dice = Random(asked.seed)  # noqa: S311 - dice, not secrets
    async with httpx.AsyncClient(base_url=asked.upstream, timeout=UPSTREAM_SECONDS_MAX) as server:
        relay = Relay(server, dice=dice, hold_seconds_max=asked.hold_seconds_max)
        async with relay.listening(asked.port) as port:
            print(f"relay: listening on http://127.0.0.1:{port}, seed {asked.seed}", flush=True)
            await stop.wait()
    print(relay.tally, flush=True)
    return 1 if relay.tally.refused or relay.tally.undelivered else 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description="A bad network between senders and one server.")
    options.add_argument("--upstream", required=True, metavar="URL", help="the server")
    options.add_argument("--port", type=int, default=0, help="0: any free one")
    options.add_argument("--seed", type=int, default=0, help="of the dice")
    options.add_argument("--hold-seconds-max", type=float, default=1.5, help="the longest delay")
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parser().parse_args())))
