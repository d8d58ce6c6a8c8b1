"""A graph of ten thousand tasks: what a task costs that waits for others, beside one that does not.

Both are created in one request each and done by 8 workers in batches of 10.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from bench import subjects
from bench.harness import Server, scratch
from bench.outcome import Bar, Outcome
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.workers import Drained
from bench.working import ask, drained

TASKS = 10_000
EDGES = 20_000
WIDTH = 200
BATCH = 10
RATIO_MAX = 1.5
_NUMBERS = count(1)


def run(settings: Settings) -> Outcome:
    """Drains the graph and the independent tasks in turn."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures = _figures(rounds, "")
        loud = rounds.loud
        if settings.postgresql:
            rounds = _on_postgresql(directory, settings)
            figures |= _figures(rounds, "postgresql_")
            loud += rounds.loud
    names = ("ratio", "postgresql_ratio") if settings.postgresql else ("ratio",)
    bars = {name: Bar("<=", RATIO_MAX) for name in names}
    return Outcome(bench="drain", figures=figures, bars=bars, loud_rounds=loud)


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Drained]:
    with subjects.farwork(directory, subjects.sqlite_url(directory / "farwork.db")) as server:
        return in_turn(settings, _subjects(server))


def _on_postgresql(directory: Path, settings: Settings) -> Rounds[Drained]:
    with ExitStack() as stack:
        cluster = stack.enter_context(subjects.postgresql())
        cluster.create("drain")
        served = subjects.farwork_on(directory, cluster, "drain", 1, "postgresql")
        return in_turn(settings, _subjects(stack.enter_context(served)))


def _subjects(server: Server) -> dict[str, Callable[[int], Drained]]:
    return {"graph": _round_of(server, edges=True), "independent": _round_of(server, edges=False)}


def _round_of(server: Server, *, edges: bool) -> Callable[[int], Drained]:
    def measure(_number: int) -> Drained:
        name = f"drain-{next(_NUMBERS)}"
        ask(server, "POST", "/v1/tasks", list(graph(name, edges=edges)))
        return drained(server, name, TASKS, BATCH)

    return measure


def graph(name: str, *, edges: bool) -> Iterator[dict[str, Any]]:
    """Gives the tasks: in layers, each waiting for two or three of the layer before."""
    # The first layer waits for nothing; so many others wait for a third, that the sum is right.
    thirds = EDGES - 2 * (TASKS - WIDTH)
    for number in range(TASKS):
        task: dict[str, Any] = {"id": f"{name}-{number:05}", "queue": name, "job_id": name}
        if edges and number >= WIDTH:
            inputs = [number - WIDTH, number - WIDTH + 1]
            if number < WIDTH + thirds:
                inputs.append(number - WIDTH + 2)
            task["inputs"] = [f"{name}-{one:05}" for one in inputs if one < number]
        yield task


def _figures(rounds: Rounds[Drained], prefix: str) -> dict[str, float]:
    def seconds(one: Drained) -> float:
        return one.seconds

    return {
        f"{prefix}ratio": rounds.ratio("graph", "independent", seconds),
        f"{prefix}graph_ms_per_task": rounds.median("graph", seconds) * 1_000 / TASKS,
        f"{prefix}independent_ms_per_task": rounds.median("independent", seconds) * 1_000 / TASKS,
    }
