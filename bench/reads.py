"""Reads beside a large table: they shall cost what the page costs, whatever else is stored.

The same questions go to a server with few tasks and to one with many, by turns.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from bench import filling, subjects
from bench.alternation import Pair, by_turns
from bench.harness import Server, scratch
from bench.outcome import Bar, Outcome
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.workloads import Plan
from farwork.domain.values import moment

SIZES = {"10k": 10_000, "1m": 1_000_000}
PAGE = 100
SECONDS = 2.0
RATIO_MAX = 1.5
PAGE_MS_MAX = 10.0
_QUESTIONS = 20_000
_PAGES = ("state", "queue", "later")
_KINDS = (*_PAGES, "counts", "one")


def run(settings: Settings) -> Outcome:
    """Asks for pages by state and by queue, for counts and for single tasks."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures = _figures(rounds)
        if settings.postgresql:
            found = _figures(_on_postgresql(directory, settings))
            figures |= {f"postgresql_{name}": figure for name, figure in found.items()}
    ratios = {f"{kind}_{figure}_ratio": RATIO_MAX for kind in _KINDS for figure in ("p50", "p95")}
    pages = {f"{kind}_page_ms": PAGE_MS_MAX for kind in _PAGES}
    return Outcome(
        bench="reads",
        figures=figures,
        bars={name: Bar("<=", limit) for name, limit in (ratios | pages).items()},
        loud_rounds=rounds.loud,
    )


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Pair]:
    with ExitStack() as stack:
        servers: list[Server] = []
        for size, tasks in SIZES.items():
            database = subjects.sqlite_url(directory / f"{size}.db")
            filling.fill(database, tasks)
            server = subjects.farwork(directory, database, name=size)
            servers.append(stack.enter_context(server))
        return _measured(servers, settings)


def _on_postgresql(directory: Path, settings: Settings) -> Rounds[Pair]:
    with ExitStack() as stack:
        cluster = stack.enter_context(subjects.postgresql())
        servers: list[Server] = []
        for size, tasks in SIZES.items():
            name = f"postgresql-{size}"
            filling.fill(cluster.create(name), tasks)
            server = subjects.farwork_on(directory, cluster, name, 1, name)
            servers.append(stack.enter_context(server))
        return _measured(servers, settings)


def _measured(servers: Sequence[Server], settings: Settings) -> Rounds[Pair]:
    return in_turn(settings, {kind: _round_of(servers, kind) for kind in _KINDS})


def _round_of(servers: Sequence[Server], kind: str) -> Callable[[int], Pair]:
    small, large = (
        (server, Plan(workload="reads", key=server.key, paths=questions(kind, tasks)))
        for server, tasks in zip(servers, SIZES.values(), strict=True)
    )

    def measure(_number: int) -> Pair:
        return by_turns(small, large, seconds=SECONDS)

    return measure


def questions(kind: str, tasks: int) -> tuple[str, ...]:
    """Gives the paths to ask for, spread over the whole table, the same at every call."""
    dice = Random(f"{kind} {tasks}")  # noqa: S311 - no secret
    if kind == "state":
        return tuple(f"/v1/tasks?state={state}&limit={PAGE}" for state in filling.STATES)
    if kind == "queue":
        numbers = range(filling.QUEUES)
        return tuple(f"/v1/tasks?queue={filling.queue_name(n)}&limit={PAGE}" for n in numbers)
    if kind == "later":
        # From a time in the newer nine tenths, so that a whole page follows.
        keys = [dice.randrange(tasks // 10, tasks) for _ in range(_QUESTIONS)]
        return tuple(f"/v1/tasks?limit={PAGE}&created_before={_time(tasks, key)}" for key in keys)
    if kind == "counts":
        return ("/v1/counts?by=state", "/v1/counts?by=queue")
    numbers = [dice.randrange(1, tasks + 1) for _ in range(_QUESTIONS)]
    return tuple(f"/v1/tasks/{filling.task_id(number)}" for number in numbers)


def _time(tasks: int, number: int) -> str:
    at = moment(filling.created_at(tasks, number))
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _figures(rounds: Rounds[Pair]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for kind in _KINDS:
        middle = f"{kind}_{'page_ms' if kind in _PAGES else 'ms'}"
        figures |= {
            f"{kind}_p50_ratio": rounds.median(kind, lambda p: p.large.p50_ms / p.small.p50_ms),
            f"{kind}_p95_ratio": rounds.median(kind, lambda p: p.large.p95_ms / p.small.p95_ms),
            middle: rounds.median(kind, lambda p: p.large.p50_ms),
            f"{kind}_p95_ms": rounds.median(kind, lambda p: p.large.p95_ms),
        }
    return figures
