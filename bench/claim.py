"""Claiming and completing: tasks a second through 8 workers, and beside Procrastinate.

Each worker completes what it holds and claims the next in one request, in batches of 1, 10 and 100.
On PostgreSQL the same server works for the product, with one process and with two, and for
Procrastinate with tasks that do nothing.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import msgspec

from bench import subjects
from bench.harness import Server, ServerFailed, scratch
from bench.outcome import Bar, Outcome
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.workers import Drained
from bench.working import create, drained

# So many tasks take a few seconds.
TASKS = {1: 6_000, 10: 20_000, 100: 40_000}
REFERENCE_TASKS = 4_000
PROCESSES = (1, 2)
REFERENCE = "procrastinate"
_NUMBERS = count(1)


def run(settings: Settings) -> Outcome:
    """Measures the product on SQLite, then beside Procrastinate on PostgreSQL."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures = {f"sqlite_batch_{batch}_per_s": _rate(rounds, _name(batch)) for batch in TASKS}
        loud, bars = rounds.loud, dict[str, Bar]()
        if settings.postgresql:
            rounds = _on_postgresql(directory, settings)
            figures |= _beside_the_reference(rounds)
            loud += rounds.loud
            bars = {"batch_10_vs_reference": Bar(">=", 5.0), "batch_1_vs_reference": Bar(">=", 1.0)}
    return Outcome(bench="claim", figures=figures, bars=bars, loud_rounds=loud)


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Drained]:
    database = subjects.sqlite_url(directory / "farwork.db")
    with subjects.farwork(directory, database) as server:
        return in_turn(settings, {_name(batch): _round_of(server, batch) for batch in TASKS})


def _on_postgresql(directory: Path, settings: Settings) -> Rounds[Drained]:
    with ExitStack() as stack:
        cluster = stack.enter_context(subjects.postgresql())
        measured: dict[str, Callable[[int], Drained]] = {
            REFERENCE: _reference(cluster.create(REFERENCE), cluster.pid)
        }
        for processes in PROCESSES:
            name = f"postgresql-{processes}"
            cluster.create(name)
            served = subjects.farwork_on(directory, cluster, name, processes, name)
            server = stack.enter_context(served)
            for batch in TASKS:
                measured[_name(batch, processes)] = _round_of(server, batch)
        return in_turn(settings, measured)


def _beside_the_reference(rounds: Rounds[Drained]) -> Mapping[str, float]:
    figures = {"reference_per_s": _rate(rounds, REFERENCE)}
    for processes in PROCESSES:
        for batch in TASKS:
            figures[f"postgresql_{processes}_batch_{batch}_per_s"] = _rate(
                rounds, _name(batch, processes)
            )
    for batch in (1, 10):
        figures[f"batch_{batch}_vs_reference"] = rounds.ratio(
            _name(batch, 1), REFERENCE, lambda one: one.tasks_per_second
        )
    return figures


def _name(batch: int, processes: int | None = None) -> str:
    on = "" if processes is None else f"-pg{processes}"
    return f"batch-{batch}{on}"


def _rate(rounds: Rounds[Drained], subject: str) -> float:
    return rounds.median(subject, lambda one: one.tasks_per_second)


def _round_of(server: Server, batch: int) -> Callable[[int], Drained]:
    def measure(_number: int) -> Drained:
        queue = f"queue-{next(_NUMBERS)}"
        tasks = create(server, ({"queue": queue, "kind": "noop"} for _ in range(TASKS[batch])))
        return drained(server, queue, tasks, batch)

    return measure


def _reference(url: str, database_pid: int) -> Callable[[int], Drained]:
    def measure(_number: int) -> Drained:
        command = [sys.executable, "-m", "bench.references.procrastinate_noop", url]
        command += [str(REFERENCE_TASKS), str(database_pid)]
        process = subprocess.run(command, capture_output=True, check=False)
        if process.returncode != 0:
            raise ServerFailed(process.stderr[-2000:].decode(errors="replace"))
        return msgspec.json.decode(process.stdout.splitlines()[-1], type=Drained)

    return measure
