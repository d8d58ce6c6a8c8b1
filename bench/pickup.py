"""From the answer to `POST /v1/tasks` to the worker's function starting.

Tasks are created at a steady pace, one a request. A worker in a process of its own, as users run
one, waits for them; its functions do nothing but note the time. Both processes read the same clock,
which counts since the machine started.
"""

import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import httpx
import msgspec

from bench import machine, subjects
from bench.harness import RequestsRefused, Server, scratch
from bench.outcome import Bar, Outcome
from bench.pickup_worker import DONE, Order, Started
from bench.rounds import in_turn
from bench.settings import Settings

TASKS_PER_S = 100
SECONDS = 10.0
WARM_SECONDS = 2.0
CONNECTIONS = 4
LAST_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Pickups:
    """How long tasks waited, in milliseconds, and how busy everybody was meanwhile."""

    waited_ms: list[float]
    elsewhere_cores: float
    tasks_per_s: float

    def percentile(self, percent: int) -> float:
        """So many percent of the tasks waited no longer."""
        return quantiles(self.waited_ms, n=100, method="inclusive")[percent - 1]

    def as_text(self) -> str:
        """Says in one line what was found."""
        return (
            f"p50 {self.percentile(50):6.1f} ms   p99 {self.percentile(99):6.1f} ms   "
            f"{len(self.waited_ms)} tasks   elsewhere {self.elsewhere_cores:.2f}"
        )


def run(settings: Settings) -> Outcome:
    """Measures on SQLite."""
    with scratch() as directory:
        database = subjects.sqlite_url(directory / "farwork.db")
        with subjects.farwork(directory, database) as server:
            rounds = in_turn(
                settings, {"pickup": lambda number: _measure(server, number, directory)}
            )
    figures = {
        "p50_ms": rounds.median("pickup", lambda one: one.percentile(50)),
        "p95_ms": rounds.median("pickup", lambda one: one.percentile(95)),
        "p99_ms": rounds.median("pickup", lambda one: one.percentile(99)),
        "tasks_per_s": rounds.median("pickup", lambda one: one.tasks_per_s),
    }
    # Fewer tasks would be easier: the generator has to keep the pace.
    bars = {
        "p50_ms": Bar("<=", 15.0),
        "p99_ms": Bar("<=", 60.0),
        "tasks_per_s": Bar(">=", 0.95 * TASKS_PER_S),
    }
    return Outcome(bench="pickup", figures=figures, bars=bars, loud_rounds=rounds.loud)


def _measure(server: Server, number: int, directory: Path) -> Pickups:
    queue = f"pickup-{number}"
    with _worker(server, queue, directory / queue) as worker:
        _create(server, queue, "warm", WARM_SECONDS)
        busy, own, began = machine.busy_seconds(), _own(server, worker.pid), time.monotonic()
        answered = _create(server, queue, "task", SECONDS)
        took = time.monotonic() - began
        started = _started(worker, set(answered))
        seconds = time.monotonic() - began
        elsewhere = (machine.busy_seconds() - busy) - (_own(server, worker.pid) - own)
    waited = [1_000 * (started[task_id] - at) for task_id, at in answered.items()]
    return Pickups(waited, max(0.0, elsewhere / seconds), len(answered) / took)


def _own(server: Server, worker: int) -> float:
    """The processor time of everybody who takes part, this process included."""
    mine = time.process_time()
    return mine + machine.cpu_seconds(worker) + sum(map(machine.cpu_seconds, server.pids))


def _create(server: Server, queue: str, name: str, seconds: float) -> dict[str, float]:
    """Creates tasks at the pace, as far as that can be kept; when each was answered."""
    began = time.monotonic() + 0.05
    total = round(seconds * TASKS_PER_S)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [
            pool.submit(_create_share, server, queue, name, range(n, total, CONNECTIONS), began)
            for n in range(CONNECTIONS)
        ]
        return {task_id: at for share in shares for task_id, at in share.result().items()}


def _create_share(
    server: Server, queue: str, name: str, numbers: range, began: float
) -> dict[str, float]:
    answered: dict[str, float] = {}
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    base = f"http://127.0.0.1:{server.port}"
    with httpx.Client(base_url=base, headers=headers, timeout=30.0, trust_env=False) as client:
        for number in numbers:
            due = began + number / TASKS_PER_S
            time.sleep(max(0.0, due - time.monotonic()))
            task_id = f"{queue}-{name}-{number}"
            body = msgspec.json.encode({"id": task_id, "kind": "noted", "queue": queue})
            client.post("/v1/tasks", content=body).raise_for_status()
            answered[task_id] = time.monotonic()
    return answered


@contextmanager
def _worker(server: Server, queue: str, spool: Path) -> Generator["subprocess.Popen[bytes]"]:
    """A worker that is ready, and notes when its functions start."""
    pipes = subprocess.PIPE
    command = [sys.executable, "-m", "bench.pickup_worker"]
    with subprocess.Popen(command, stdin=pipes, stdout=pipes) as process:
        assert process.stdin is not None
        url = f"http://127.0.0.1:{server.port}"
        order = Order(url, server.key, queue, str(spool))
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        try:
            yield process
        finally:
            process.kill()


def _started(worker: "subprocess.Popen[bytes]", awaited: set[str]) -> dict[str, float]:
    """When the functions of these tasks started."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(msgspec.json.encode(sorted(awaited)) + b"\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise RequestsRefused(f"not every task was started within {LAST_SECONDS_MAX:g} s")
    found = msgspec.json.decode(line, type=Started)
    worker.stdin.write(DONE)
    worker.stdin.flush()
    return found.at
