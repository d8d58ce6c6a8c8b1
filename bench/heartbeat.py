"""Ten thousand leases kept alive by a hundred workers: what that costs the server.

Each worker holds a hundred tasks under a lease of 30 seconds and gives a sign of life for all of
them in one request every 10 seconds, as the answer wishes. Nothing is said with it.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

from bench import machine, subjects
from bench.harness import RequestsRefused, Server, scratch
from bench.outcome import Bar, Outcome
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.working import ask, create

WORKERS = 100
LEASES_EACH = 100
LEASE_SECONDS = 30.0
INTERVAL_SECONDS = LEASE_SECONDS / 3
MEASURED_SECONDS = 3 * INTERVAL_SECONDS
CORES_MAX = 0.10
QUEUE = "kept"


@dataclass(frozen=True, slots=True)
class Kept:
    """What keeping the leases alive took."""

    server_cores: float
    elsewhere_cores: float
    p99_ms: float
    events: int

    def as_text(self) -> str:
        """Says in one line what it took."""
        return (
            f"p99 {self.p99_ms:6.2f} ms, {self.events} events  cores: server "
            f"{self.server_cores:.3f}, elsewhere {self.elsewhere_cores:.2f}"
        )


def run(settings: Settings) -> Outcome:
    """Keeps the leases alive, on SQLite and on PostgreSQL."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures, loud = _figures(rounds, ""), rounds.loud
        if settings.postgresql:
            rounds = _on_postgresql(directory, settings)
            figures |= _figures(rounds, "postgresql_")
            loud += rounds.loud
    bars = {"cores": Bar("<=", CORES_MAX), "events": Bar("<=", 0.0)}
    return Outcome(bench="heartbeat", figures=figures, bars=bars, loud_rounds=loud)


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Kept]:
    with subjects.farwork(directory, subjects.sqlite_url(directory / "farwork.db")) as server:
        return _measured(server, settings)


def _on_postgresql(directory: Path, settings: Settings) -> Rounds[Kept]:
    with ExitStack() as stack:
        cluster = stack.enter_context(subjects.postgresql())
        cluster.create("heartbeat")
        served = subjects.farwork_on(directory, cluster, "heartbeat", 1, "postgresql")
        return _measured(stack.enter_context(served), settings)


def _measured(server: Server, settings: Settings) -> Rounds[Kept]:
    held = _hold(server)
    return in_turn(settings, {"kept": _round_of(server, held)})


def _hold(server: Server) -> list[bytes]:
    """Lets each worker claim its tasks, and gives its sign of life."""
    create(server, ({"queue": QUEUE} for _ in range(WORKERS * LEASES_EACH)))
    beats: list[bytes] = []
    for number in range(WORKERS):
        asked = {
            "worker": f"bench-{number}",
            "queues": [QUEUE],
            "max": LEASES_EACH,
            "lease_seconds": LEASE_SECONDS,
        }
        claimed: list[dict[str, Any]] = ask(server, "POST", "/v1/claims", asked)["items"]
        leases = [{"task_id": one["task"]["id"], "lease_seq": one["lease_seq"]} for one in claimed]
        said = {"worker": asked["worker"], "leases": leases, "lease_seconds": LEASE_SECONDS}
        beats.append(msgspec.json.encode(said))
    return beats


def _round_of(server: Server, beats: list[bytes]) -> Callable[[int], Kept]:
    def measure(_number: int) -> Kept:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=INTERVAL_SECONDS)
        try:
            _beat(connection, server, beats, INTERVAL_SECONDS)
            position = _position(server)
            before, began = _spent(server), time.perf_counter()
            latencies = _beat(connection, server, beats, MEASURED_SECONDS)
            seconds = time.perf_counter() - began
            used = [after - spent for after, spent in zip(_spent(server), before, strict=True)]
            events = _position(server) - position
        finally:
            connection.close()
        held, mine, busy = (one / seconds for one in used)
        return Kept(held, busy - held - mine, latencies[int(0.99 * len(latencies))], events)

    return measure


def _beat(
    connection: HTTPConnection, server: Server, beats: list[bytes], seconds: float
) -> list[float]:
    """Sends each worker's sign of life in its turn, evenly; gives the latencies in order."""
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    pause = INTERVAL_SECONDS / len(beats)
    began, latencies = time.perf_counter(), list[float]()
    for number in range(round(seconds / pause)):
        time.sleep(max(0.0, began + number * pause - time.perf_counter()))
        sent = time.perf_counter()
        connection.request("POST", "/v1/leases/heartbeat", beats[number % len(beats)], headers)
        text = connection.getresponse().read()
        latencies.append((time.perf_counter() - sent) * 1_000)
        items = msgspec.json.decode(text)["items"]
        if any("code" in one for one in items):
            raise RequestsRefused(f"a lease is over: {items[0]}")
    return sorted(latencies)


def _position(server: Server) -> int:
    """Gives where the feed ends: what is idle writes no event."""
    about: dict[str, Any] = ask(server, "GET", "/v1/about")
    return int(about["position"])


def _spent(server: Server) -> tuple[float, float, float]:
    return (
        sum(machine.cpu_seconds(pid) for pid in server.pids),
        time.process_time(),
        machine.busy_seconds(),
    )


def _figures(rounds: Rounds[Kept], prefix: str) -> dict[str, float]:
    return {
        f"{prefix}cores": rounds.median("kept", lambda one: one.server_cores),
        f"{prefix}p99_ms": rounds.median("kept", lambda one: one.p99_ms),
        f"{prefix}events": rounds.median("kept", lambda one: float(one.events)),
    }
