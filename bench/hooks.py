"""Webhooks: how many deliveries a second one process makes, and what they cost whoever reports.

Reports come in at a steady pace in one project, each of whose events several hooks are told of; all
send to one receiver on loopback. Beside it, single reports are sent as fast as they are taken into
another project, with and without hooks on the first.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import httpx

from bench import subjects
from bench.harness import Server, drive, scratch
from bench.load import Load
from bench.outcome import Bar, Outcome
from bench.pacer import pacing
from bench.rounds import in_turn
from bench.settings import Settings
from bench.workloads import Plan

HOOKS = 5
EVENTS_PER_S = 220
WARM_S = 2.0
SECONDS = 10.0
DRAIN_S_MAX = 10.0
LOOK_S = 0.05
ALLOWED = {"FARWORK_HOOK_TARGETS_ALLOWED": "127.0.0.0/8"}


@dataclass(frozen=True, slots=True)
class Sent:
    """What the receiver saw: deliveries a second under load, and how long the last ones took."""

    per_second: float
    drain_s: float
    lost: int


class Receiver:
    """The receiver, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.port = self._number()

    def taken(self) -> int:
        """How many webhooks have come."""
        assert self._process.stdin is not None
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@contextmanager
def receiving() -> Generator[Receiver]:
    """A receiver until the end of the context."""
    command = [sys.executable, "-m", "bench.receiver"]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipes, stdout=pipes, text=True) as process:
        try:
            yield Receiver(process)
        finally:
            process.kill()


def run(settings: Settings) -> Outcome:
    """Measures deliveries, then what they cost."""
    with scratch() as directory, receiving() as receiver:
        database = subjects.sqlite_url(directory / "farwork.db")
        with subjects.farwork(directory, database, env=ALLOWED) as server:
            plain = subjects.farwork_key(database, "plain")
            hooked = subjects.farwork_key(database, "hooked")
            _hook(server, hooked, receiver.port)
            sent = _sent(server, hooked, receiver)
            measured = {"alone": _beside(server, plain), "hooked": _beside(server, hooked)}
            rounds = in_turn(settings, measured)
    figures = {
        "deliveries_per_s": sent.per_second,
        "drain_s": sent.drain_s,
        "lost": float(sent.lost),
        "ingest_ratio": rounds.ratio("hooked", "alone", lambda load: load.requests_per_second),
    }
    bars = {
        "deliveries_per_s": Bar(">=", 1_000.0),
        "lost": Bar("<=", 0.0),
        "ingest_ratio": Bar(">=", 0.8),
    }
    return Outcome(bench="hooks", figures=figures, bars=bars, loud_rounds=rounds.loud)


def _client(server: Server, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{server.port}"
    return httpx.Client(base_url=base, headers=headers, timeout=30.0, trust_env=False)


def _hook(server: Server, key: str, port: int) -> None:
    with _client(server, key) as client:
        for number in range(HOOKS):
            said = {"url": f"http://127.0.0.1:{port}/{number}", "filter": {"types": _TYPES}}
            client.post("/v1/hooks", json=said).raise_for_status()


# One event a report, so that it is known how many are to come.
_TYPES = ["task.reported"]


def _sent(server: Server, key: str, receiver: Receiver) -> Sent:
    with pacing(server, key, EVENTS_PER_S):
        time.sleep(WARM_S)
        before, began = receiver.taken(), time.monotonic()
        time.sleep(SECONDS)
        seconds, came = time.monotonic() - began, receiver.taken() - before
    wanted = HOOKS * _reported(server, key)
    began = time.monotonic()
    while receiver.taken() < wanted and time.monotonic() - began < DRAIN_S_MAX:
        time.sleep(LOOK_S)
    drain = time.monotonic() - began
    return Sent(came / seconds, drain, max(0, wanted - receiver.taken()))


def _reported(server: Server, key: str) -> int:
    """How many reports the project's log holds."""
    found, after = 0, 0
    with _client(server, key) as client:
        while True:
            query = {"after": after, "limit": 500, "type": _TYPES[0]}
            page = client.get("/v1/feed", params=query).raise_for_status().json()
            found += len(page["items"])
            if page["next_after"] == after:
                return found
            after = page["next_after"]


def _beside(server: Server, paced: str) -> Callable[[int], Load]:
    """Single reports, while others come in at their pace in the project of a key."""
    own = next(_NUMBERS) * _ROUNDS_MAX

    def measure(number: int) -> Load:
        with pacing(server, paced, EVENTS_PER_S):
            time.sleep(WARM_S)
            # What another subject's round reported would be a duplicate.
            plan = Plan(workload="single_reports", round=own + number, key=server.key)
            return drive(server, plan)

    return measure


_ROUNDS_MAX = 100
_NUMBERS = count()
