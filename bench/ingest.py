"""Single reports: what keeping a report costs beside answering it, and beside the ordinary way.

64 connections each send one report after the other; the answer comes after the commit.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import subjects
from bench.harness import Server, drive, scratch
from bench.load import Load
from bench.outcome import Bar, Outcome
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.workloads import Plan

_READY_REQUESTS = {"bare": 100_000, "orm": 10_000}
_READY_REQUESTS_OF_THE_PRODUCT = 60_000
_PROCESSES_ON_POSTGRESQL = (1, 2)


def run(settings: Settings) -> Outcome:
    """Sends single reports to the product and to both references."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures = {
            "vs_bare": rounds.ratio("farwork", "bare", _rate),
            "vs_orm": rounds.ratio("farwork", "orm", _rate),
            "p99_ms": rounds.median("farwork", _p99),
            "p50_ms": rounds.median("farwork", _p50),
            "reports_per_s": rounds.median("farwork", _rate),
            "bare_per_s": rounds.median("bare", _rate),
            "orm_per_s": rounds.median("orm", _rate),
        }
        if settings.postgresql:
            figures |= _on_postgresql(directory, settings)
    return Outcome(
        bench="ingest",
        figures=figures,
        bars={"vs_bare": Bar(">=", 0.5), "vs_orm": Bar(">=", 10.0), "p99_ms": Bar("<=", 50.0)},
        loud_rounds=rounds.loud,
    )


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Load]:
    with ExitStack() as stack:
        database = subjects.sqlite_url(directory / "farwork.db")
        servers = [
            stack.enter_context(subjects.bare(directory)),
            stack.enter_context(subjects.farwork(directory, database)),
            stack.enter_context(subjects.orm(directory)),
        ]
        return in_turn(settings, {server.name: _round_of(server) for server in servers})


def _on_postgresql(directory: Path, settings: Settings) -> dict[str, float]:
    with ExitStack() as stack:
        cluster = stack.enter_context(subjects.postgresql())
        servers = [stack.enter_context(subjects.bare(directory))]
        for processes in _PROCESSES_ON_POSTGRESQL:
            name = f"postgresql-{processes}"
            cluster.create(name)
            server = subjects.farwork_on(directory, cluster, name, processes, name)
            servers.append(stack.enter_context(server))
        rounds = in_turn(settings, {server.name: _round_of(server) for server in servers})
    figures: dict[str, float] = {}
    for processes in _PROCESSES_ON_POSTGRESQL:
        subject, prefix = f"postgresql-{processes}", f"postgresql_{processes}"
        figures[f"{prefix}_vs_bare"] = rounds.ratio(subject, "bare", _rate)
        figures[f"{prefix}_reports_per_s"] = rounds.median(subject, _rate)
        figures[f"{prefix}_p99_ms"] = rounds.median(subject, _p99)
    return figures


def _round_of(server: Server) -> Callable[[int], Load]:
    ready_requests = _READY_REQUESTS.get(server.name, _READY_REQUESTS_OF_THE_PRODUCT)

    def measure(number: int) -> Load:
        plan = Plan(workload="single_reports", round=number, key=server.key)
        return drive(server, plan, ready_requests=ready_requests)

    return measure


def _rate(load: Load) -> float:
    return load.requests_per_second


def _p50(load: Load) -> float:
    return load.p50_ms


def _p99(load: Load) -> float:
    return load.p99_ms
