"""The same questions to two servers, strictly by turns, one request at a time.

Whatever disturbs the machine then disturbs both alike, request by request; and as nothing queues, a
latency is the cost of one answer.
"""

import gc
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import quantiles
from time import perf_counter, perf_counter_ns, process_time

from bench import machine
from bench.harness import RequestsRefused, Server
from bench.load import Connection, answer_on
from bench.workloads import Plan, requests_of

_WARM_SECONDS = 0.5
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Latencies:
    """What the answers of one server took."""

    p50_ms: float
    p95_ms: float

    def as_text(self) -> str:
        """Says it in a few words."""
        return f"p50 {self.p50_ms:6.2f}  p95 {self.p95_ms:6.2f} ms"


@dataclass(frozen=True, slots=True)
class Pair:
    """What the answers of two servers took in the same seconds."""

    small: Latencies
    large: Latencies
    requests: int
    elsewhere_cores: float

    def as_text(self) -> str:
        """Says in one line what was found."""
        return (
            f"small {self.small.as_text()}  large {self.large.as_text()}  requests {self.requests}"
            f"  cores: elsewhere {self.elsewhere_cores:.2f}"
        )


class _Asked:
    """One of the two: its connection, its questions and its latencies."""

    def __init__(self, server: Server, plan: Plan) -> None:
        self._server = server
        self._connection = Connection(socket.create_connection(("127.0.0.1", server.port)))
        self._connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests_of(plan)
        self.latencies: list[int] = []

    def ask(self) -> None:
        request = next(self._requests)
        began = perf_counter_ns()
        self._connection.socket.sendall(request)
        answer = None
        while answer is None:
            answer = answer_on(self._connection)
        self.latencies.append(perf_counter_ns() - began)
        if answer[9:10] != b"2":
            raise RequestsRefused(f"{self._server.name}: {answer[:2000].decode(errors='replace')}")

    def found(self) -> Latencies:
        percentiles = quantiles(self.latencies, n=100, method="inclusive")
        return Latencies(percentiles[49] / _MS, percentiles[94] / _MS)

    def close(self) -> None:
        self._connection.socket.close()


def by_turns(small: tuple[Server, Plan], large: tuple[Server, Plan], *, seconds: float) -> Pair:
    """Asks both servers by turns for so many seconds, after a warm-up."""
    asked = [_Asked(*small), _Asked(*large)]
    servers = (small[0], large[0])
    gc.disable()
    try:
        _ask_until(asked, perf_counter() + _WARM_SECONDS)
        for one in asked:
            one.latencies.clear()
        began, others = perf_counter(), _others(servers)
        _ask_until(asked, began + seconds)
        elsewhere = (_others(servers) - others) / (perf_counter() - began)
    finally:
        gc.enable()
        for one in asked:
            one.close()
    return Pair(asked[0].found(), asked[1].found(), len(asked[0].latencies), elsewhere)


def _ask_until(asked: Sequence[_Asked], end: float) -> None:
    # Now the one goes first and now the other: the first meets colder caches.
    for order in cycle((asked, asked[::-1])):
        for one in order:
            one.ask()
        if perf_counter() > end:
            return


def _others(servers: Sequence[Server]) -> float:
    pids = {pid for server in servers for pid in server.pids}
    return machine.busy_seconds() - process_time() - sum(map(machine.cpu_seconds, pids))
