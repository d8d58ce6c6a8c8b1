"""The feed to many: how late the last of many subscribers is, and what they cost the others.

Reports come in at a steady pace in one project, whose feed all subscribers follow. Beside it,
single reports are sent as fast as they are taken into another project, with and without the
subscribers.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import subjects
from bench.harness import RequestsRefused, Server, drive, scratch
from bench.listeners import Heard, Order
from bench.load import Load
from bench.outcome import Bar, Outcome
from bench.pacer import pacing
from bench.rounds import in_turn
from bench.settings import Settings
from bench.workloads import Plan

SUBSCRIBERS = 1_000
EVENTS_PER_S = 200
WARM_S = 5.0
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a number of subscribers heard, and the memory that the server took for them."""

    heard: Heard
    kb_each: float


def run(settings: Settings) -> Outcome:
    """Measures the subscribers, then what they cost."""
    with scratch() as directory:
        database = subjects.sqlite_url(directory / "farwork.db")
        with subjects.farwork(directory, database) as server:
            key = subjects.farwork_key(database, "feed")
            crowd = _crowd(server, key)
            measured = {"alone": _alone(server, key), "followed": _followed(server, key)}
            rounds = in_turn(settings, measured)
    figures = {
        "p99_ms": crowd.heard.p99_ms,
        "p50_ms": crowd.heard.p50_ms,
        "events": float(crowd.heard.events),
        "missed": float(crowd.heard.missed),
        "dropped": float(crowd.heard.dropped),
        "kb_per_subscriber": crowd.kb_each,
        "ingest_ratio": rounds.ratio("followed", "alone", lambda load: load.requests_per_second),
    }
    bars = {
        "p99_ms": Bar("<=", 250.0),
        "missed": Bar("<=", 0.0),
        "dropped": Bar("<=", 0.0),
        "kb_per_subscriber": Bar("<=", 100.0),
        "ingest_ratio": Bar(">=", 0.8),
    }
    return Outcome(bench="fanout", figures=figures, bars=bars, loud_rounds=rounds.loud)


def _crowd(server: Server, key: str) -> Crowd:
    # What the load itself takes (caches, what is remembered of tasks) is there before.
    with pacing(server, key, EVENTS_PER_S):
        time.sleep(WARM_S)
    before = _memory_kb(server.pid)
    with listening(server, key, SUBSCRIBERS) as listeners:
        with pacing(server, key, EVENTS_PER_S):
            time.sleep(SECONDS)
        # What is under way arrives; nothing more is sent.
        time.sleep(1.0)
        taken = _memory_kb(server.pid) - before
        answer, _ = listeners.communicate()
    return Crowd(msgspec.json.decode(answer, type=Heard), taken / SUBSCRIBERS)


@contextmanager
def listening(server: Server, key: str, number: int) -> Generator["subprocess.Popen[bytes]"]:
    """So many subscribers, in a process of their own."""
    command = [sys.executable, "-m", "bench.listeners"]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipes, stdout=pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(Order(server.port, key, number)) + b"\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != b"listening":
            raise RequestsRefused("not every subscriber was let in")
        try:
            yield process
        finally:
            process.kill()


def _alone(server: Server, key: str) -> Callable[[int], Load]:
    def measure(number: int) -> Load:
        with pacing(server, key, EVENTS_PER_S):
            return drive(server, Plan(workload="single_reports", round=number, key=server.key))

    return measure


def _followed(server: Server, key: str) -> Callable[[int], Load]:
    def measure(number: int) -> Load:
        with listening(server, key, SUBSCRIBERS), pacing(server, key, EVENTS_PER_S):
            plan = Plan(workload="single_reports", round=number + 100, key=server.key)
            return drive(server, plan)

    return measure


def _memory_kb(pid: int) -> float:
    """What a process and its children hold in memory."""
    own = Path(f"/proc/{pid}/status").read_text()
    found = float(own.partition("VmRSS:")[2].split()[0])
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += sum(_memory_kb(int(child)) for child in (task / "children").read_text().split())
    return found
