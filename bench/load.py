"""The load generator: a closed loop of keep-alive connections in a process of its own.

On a small machine the generator takes processor time from the server that it measures, so it is one
loop over one epoll with ready request bytes, and it reports the processor time that it took itself.
"""

import gc
import re
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from statistics import quantiles

import msgspec

from bench import machine
from bench.workloads import Plan, requests_of

_CHUNK_BYTES_MAX = 1 << 16
_HEAD_END = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_POLL_SECONDS_MAX = 30.0
_PIECE_SECONDS = 0.05
WARM = "warm"
_NANOSECONDS = 1_000_000_000


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the generator is asked to do: the first line of its standard input.

    With `seconds` None it measures until standard input ends, and says when the warm-up is over.
    """

    port: int
    server_pids: tuple[int, ...]
    plan: Plan
    connections: int = 64
    warm_seconds: float = 1.0
    seconds: float | None = 5.0
    ready_requests: int = 0
    keep_refusals: int = 3


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the generator saw, warm-up left out; it writes this to standard output."""

    requests: int
    requests_warm: int
    seconds: float
    requests_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    answer_bytes: float
    refused: int
    refusals: tuple[str, ...]
    generator_cores: float
    server_cores: float
    elsewhere_cores: float

    def as_text(self) -> str:
        """Says in one line what the generator saw."""
        return (
            f"{self.requests_per_second:8.0f} req/s  p50 {self.p50_ms:6.2f}  p95 {self.p95_ms:6.2f}"
            f"  p99 {self.p99_ms:6.2f}  max {self.max_ms:7.2f} ms  answer {self.answer_bytes:.0f} B"
            f"  cores: server {self.server_cores:.2f}, generator {self.generator_cores:.2f},"
            f" elsewhere {self.elsewhere_cores:.2f}"
        )


@dataclass(slots=True)
class Connection:
    """A connection and what of the next answer has come."""

    socket: socket.socket
    sent_at: int = 0
    received: bytes = b""
    missing: int = 0


@dataclass(slots=True)
class _Tally:
    refusals_max: int
    latencies: list[int] = field(default_factory=list[int])
    answer_bytes: int = 0
    refused: int = 0
    refusals: list[str] = field(default_factory=list[str])

    def count(self, answer: bytes, latency: int) -> None:
        self.latencies.append(latency)
        self.answer_bytes += len(answer)
        # Every status line starts "HTTP/1.1 " and the tenth byte is the class of the status.
        if answer[9:10] != b"2":
            self.refused += 1
            if len(self.refusals) < self.refusals_max:
                self.refusals.append(answer.decode(errors="replace"))


class _Cores:
    """How many cores the generator, the server and everybody else kept busy."""

    def __init__(self, server_pids: tuple[int, ...]) -> None:
        self._server_pids = server_pids
        self.generator, self.server, self.elsewhere = (-spent for spent in self._spent())

    def stop(self, seconds: float) -> None:
        generator, server, elsewhere = self._spent()
        self.generator = (self.generator + generator) / seconds
        self.server = (self.server + server) / seconds
        self.elsewhere = (self.elsewhere + elsewhere) / seconds

    def _spent(self) -> tuple[float, float, float]:
        generator = time.process_time()
        server = sum(machine.cpu_seconds(pid) for pid in self._server_pids)
        return generator, server, machine.busy_seconds() - generator - server


class ConnectionClosed(Exception):
    """The server closed a connection that should have stayed open."""


def run(order: Order) -> Load:
    """Sends for the ordered time and reports on the part after the warm-up."""
    requests = requests_of(order.plan)
    if order.ready_requests:
        requests = chain(list(islice(requests, order.ready_requests)), requests)
    # The ready requests are what a collection would walk through, in the middle of a measurement.
    gc.disable()
    connections = [
        Connection(socket.create_connection(("127.0.0.1", order.port)))
        for _ in range(order.connections)
    ]
    for connection in connections:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return _measured(order, connections, requests)
    finally:
        for connection in connections:
            connection.socket.close()


def _measured(order: Order, connections: list[Connection], requests: Iterator[bytes]) -> Load:
    warm, tally = _Tally(order.keep_refusals), _Tally(order.keep_refusals)
    loop = _Loop(connections, requests)
    loop.start()
    loop.turn(warm, _in(order.warm_seconds))
    began, cores = time.perf_counter_ns(), _Cores(order.server_pids)
    if order.seconds is None:
        sys.stdout.write(f"{WARM}\n")
        sys.stdout.flush()
        loop.turn_until_told(tally)
    else:
        loop.turn(tally, _in(order.seconds))
    seconds = (time.perf_counter_ns() - began) / _NANOSECONDS
    cores.stop(seconds)
    # What is under way is awaited, so that the next round meets an idle server.
    loop.finish(warm)
    return _load(tally, warm, seconds, cores)


def _in(seconds: float) -> int:
    return time.perf_counter_ns() + int(seconds * _NANOSECONDS)


class _Loop:
    """One epoll over all connections; each sends its next request on its last one's answer."""

    def __init__(self, connections: list[Connection], requests: Iterator[bytes]) -> None:
        self._by_descriptor = {item.socket.fileno(): item for item in connections}
        self._next = requests.__next__
        self._epoll = select.epoll()
        self._waiting = 0
        self._turning = False
        for descriptor in self._by_descriptor:
            self._epoll.register(descriptor, select.EPOLLIN)

    def start(self) -> None:
        for connection in self._by_descriptor.values():
            connection.sent_at = time.perf_counter_ns()
            connection.socket.sendall(self._next())
        self._waiting = len(self._by_descriptor)

    def turn_until_told(self, tally: _Tally) -> None:
        """Go on until standard input ends; looks once in a while."""
        self._turning = True
        watcher = threading.Thread(target=self._stop_when_told, daemon=True)
        watcher.start()
        while self._turning:
            self.turn(tally, _in(_PIECE_SECONDS))

    def _stop_when_told(self) -> None:
        sys.stdin.buffer.read()
        self._turning = False

    def turn(self, tally: _Tally, until: int) -> None:
        poll, by_descriptor, following = self._epoll.poll, self._by_descriptor, self._next
        clock = time.perf_counter_ns
        while clock() < until:
            for descriptor, _ in poll(_POLL_SECONDS_MAX):
                connection = by_descriptor[descriptor]
                answer = answer_on(connection)
                if answer is None:
                    continue
                answered_at = clock()
                tally.count(answer, answered_at - connection.sent_at)
                connection.sent_at = answered_at
                connection.socket.sendall(following())

    def finish(self, tally: _Tally) -> None:
        while self._waiting:
            events = self._epoll.poll(_POLL_SECONDS_MAX)
            if not events:
                raise TimeoutError(f"{self._waiting} answers are missing")
            for descriptor, _ in events:
                connection = self._by_descriptor[descriptor]
                answer = answer_on(connection)
                if answer is not None:
                    tally.count(answer, time.perf_counter_ns() - connection.sent_at)
                    self._waiting -= 1
        self._epoll.close()


def answer_on(connection: Connection) -> bytes | None:
    """Reads what is there and gives the whole answer once its last byte has come."""
    chunk = connection.socket.recv(_CHUNK_BYTES_MAX)
    if not chunk:
        raise ConnectionClosed(connection.received.decode(errors="replace"))
    received = connection.received + chunk if connection.received else chunk
    if not connection.missing:
        head_end = received.find(_HEAD_END)
        if head_end < 0:
            connection.received = received
            return None
        length = _CONTENT_LENGTH.search(received, 0, head_end + 2)
        assert length is not None, received[:head_end]
        connection.missing = head_end + len(_HEAD_END) + int(length[1])
    if len(received) < connection.missing:
        connection.received = received
        return None
    connection.received, connection.missing = b"", 0
    return received


def _load(tally: _Tally, warm: _Tally, seconds: float, cores: _Cores) -> Load:
    latencies = [latency / 1_000_000 for latency in tally.latencies]
    assert len(latencies) > 1, "fewer than two answers came in the measured time"
    percentiles = quantiles(latencies, n=100, method="inclusive")
    return Load(
        requests=len(latencies),
        requests_warm=len(warm.latencies),
        seconds=seconds,
        requests_per_second=len(latencies) / seconds,
        p50_ms=percentiles[49],
        p95_ms=percentiles[94],
        p99_ms=percentiles[98],
        max_ms=max(latencies),
        answer_bytes=tally.answer_bytes / len(latencies),
        refused=tally.refused + warm.refused,
        refusals=(*warm.refusals, *tally.refusals),
        generator_cores=cores.generator,
        server_cores=cores.server,
        elsewhere_cores=cores.elsewhere,
    )


if __name__ == "__main__":
    answer = run(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))
    sys.stdout.write(msgspec.json.encode(answer).decode())
