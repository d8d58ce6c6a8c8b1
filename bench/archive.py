"""Archiving a hundred thousand tasks while others read: how long it takes, and who waits for it."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import msgspec

from bench import filling, machine, subjects
from bench.harness import RequestsRefused, Server, driven, scratch
from bench.load import Load
from bench.outcome import Bar, Outcome
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.workloads import Plan

EXPIRING = 100_000
TASKS = 200_000
HOURS = 72
READERS = 4
SECONDS_MAX = 5.0
LIST_MS_MAX = 100.0
GROWTH_MB_MAX = 50.0
_LISTS = ("/v1/tasks?limit=100", "/api/tasks?limit=100")
_PATH = f"/api/tasks/archive-expired?hours={HOURS}"
_MB = 1_000_000
_ANSWER_SECONDS_MAX = 120.0
_LOOK_SECONDS = 0.02


class _Answer(msgspec.Struct):
    """What of the answer is checked."""

    count: int
    archived: list[str]


@dataclass(frozen=True, slots=True)
class Archived:
    """What one archiving took, and what the readers beside it saw."""

    seconds: float
    growth_mb: float
    lists: Load

    @property
    def elsewhere_cores(self) -> float:
        """How many cores neither the server nor the readers kept busy."""
        return self.lists.elsewhere_cores

    def as_text(self) -> str:
        """Says in one line what was found."""
        return f"{self.seconds:6.2f} s  +{self.growth_mb:.0f} MB  lists: {self.lists.as_text()}"


def run(settings: Settings) -> Outcome:
    """Archives what has expired, over and over, each time on a fresh copy of the same database."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures = _figures(rounds, "farwork")
        if settings.postgresql:
            found = _figures(_on_postgresql(directory, settings), "postgresql")
            figures |= {f"postgresql_{name}": figure for name, figure in found.items()}
    bars = {
        "seconds": Bar("<=", SECONDS_MAX),
        "list_p99_ms": Bar("<=", LIST_MS_MAX),
        "growth_mb": Bar("<=", GROWTH_MB_MAX),
    }
    return Outcome(bench="archive", figures=figures, bars=bars, loud_rounds=rounds.loud)


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Archived]:
    filled, used = directory / "filled.db", directory / "used.db"
    filling.fill(subjects.sqlite_url(filled), TASKS, expiring=EXPIRING)

    def measure(_number: int) -> Archived:
        for leftover in directory.glob("used.db*"):
            leftover.unlink()
        shutil.copyfile(filled, used)
        with subjects.farwork(directory, subjects.sqlite_url(used)) as server:
            return _archive(server)

    return in_turn(settings, {"farwork": measure})


def _on_postgresql(directory: Path, settings: Settings) -> Rounds[Archived]:
    with subjects.postgresql() as cluster:
        filling.fill(cluster.create("filled"), TASKS, expiring=EXPIRING)

        def measure(number: int) -> Archived:
            name = f"used_{number}"
            cluster.create(name, template="filled")
            with subjects.farwork_on(directory, cluster, name, 1, "postgresql") as server:
                return _archive(server)

        return in_turn(settings, {"postgresql": measure})


def _archive(server: Server) -> Archived:
    # Half of the connections begin with either list, and go on with the other.
    plan = Plan(workload="reads", key=server.key, paths=_LISTS)
    with driven(server, plan, connections=READERS) as stop, _resident(server) as growth:
        began = perf_counter()
        _expect_everything_archived(server)
        seconds = perf_counter() - began
        return Archived(seconds, growth() / _MB, stop())


def _expect_everything_archived(server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_ANSWER_SECONDS_MAX)
    connection.request("POST", _PATH, headers={"Authorization": f"Bearer {server.key}"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != HTTPStatus.OK:
        raise RequestsRefused(f"{server.name}: {body[:1000].decode(errors='replace')}")
    answer = msgspec.json.decode(body, type=_Answer)
    if not answer.count == len(answer.archived) == EXPIRING:
        raise RequestsRefused(f"{server.name} archived {answer.count} of {EXPIRING}")


@contextmanager
def _resident(server: Server) -> Generator[Callable[[], float]]:
    """Watches the server's own memory; the function says by how many bytes it grew at most."""
    before = machine.resident_bytes(server.pid)
    most, done = [before], Event()

    def watch() -> None:
        while not done.wait(_LOOK_SECONDS):
            most.append(machine.resident_bytes(server.pid))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: max(most) - before
    finally:
        done.set()
        watcher.join()


def _figures(rounds: Rounds[Archived], subject: str) -> dict[str, float]:
    return {
        "seconds": rounds.median(subject, lambda found: found.seconds),
        "list_p99_ms": rounds.median(subject, lambda found: found.lists.p99_ms),
        "list_p50_ms": rounds.median(subject, lambda found: found.lists.p50_ms),
        "lists_per_s": rounds.median(subject, lambda found: found.lists.requests_per_second),
        "growth_mb": rounds.median(subject, lambda found: found.growth_mb),
    }
