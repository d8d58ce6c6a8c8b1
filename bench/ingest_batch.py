"""Reports by the batch: what deciding and logging cost beside writing the same rows bare."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import subjects
from bench.harness import Server, drive, scratch
from bench.load import Load
from bench.outcome import Bar, Outcome
from bench.references import bare_executemany
from bench.references.bare_executemany import Written
from bench.rounds import Rounds, in_turn
from bench.settings import Settings
from bench.workloads import Plan

REPORTS = 500
CONNECTIONS = 4
RATIO_MIN = 0.25
# About two seconds for the reference, and what one round of the product leaves behind at least.
_REPORTS_OF_THE_REFERENCE = 60_000
_READY_REQUESTS = 250
_PROCESSES_ON_POSTGRESQL = (1, 2)


def run(settings: Settings) -> Outcome:
    """Sends batches to the product, and writes the same rows bare."""
    with scratch() as directory:
        rounds = _on_sqlite(directory, settings)
        figures = {
            "vs_executemany": rounds.ratio("farwork", "every row", _rate),
            "vs_executemany_of_the_log": rounds.ratio("farwork", "log alone", _rate),
            "reports_per_s": rounds.median("farwork", _rate),
            "executemany_per_s": rounds.median("every row", _rate),
            "executemany_of_the_log_per_s": rounds.median("log alone", _rate),
        }
        if settings.postgresql:
            figures |= _on_postgresql(directory, settings)
    return Outcome(
        bench="ingest-batch",
        figures=figures,
        bars={"vs_executemany": Bar(">=", RATIO_MIN)},
        loud_rounds=rounds.loud,
    )


def _on_sqlite(directory: Path, settings: Settings) -> Rounds[Load | Written]:
    file = directory / "farwork.db"
    with subjects.farwork(directory, subjects.sqlite_url(file)) as server:
        measure = _round_of(server)
        # The reference takes its rows from this file, and may be the first to be measured.
        measure(-1)
        return in_turn(
            settings,
            {
                "farwork": measure,
                "log alone": _bare_round(file, directory, updates=False),
                "every row": _bare_round(file, directory, updates=True),
            },
        )


def _on_postgresql(directory: Path, settings: Settings) -> dict[str, float]:
    with ExitStack() as stack:
        cluster = stack.enter_context(subjects.postgresql())
        servers: list[Server] = []
        for processes in _PROCESSES_ON_POSTGRESQL:
            name = f"postgresql-{processes}"
            cluster.create(name)
            server = subjects.farwork_on(directory, cluster, name, processes, name)
            servers.append(stack.enter_context(server))
        rounds = in_turn(settings, {server.name: _round_of(server) for server in servers})
    return {
        f"postgresql_{processes}_reports_per_s": rounds.median(f"postgresql-{processes}", _rate)
        for processes in _PROCESSES_ON_POSTGRESQL
    }


def _round_of(server: Server) -> Callable[[int], Load | Written]:
    def measure(number: int) -> Load | Written:
        plan = Plan(workload="report_batches", round=number + 1, key=server.key, reports=REPORTS)
        return drive(server, plan, ready_requests=_READY_REQUESTS, connections=CONNECTIONS)

    return measure


def _bare_round(file: Path, directory: Path, *, updates: bool) -> Callable[[int], Load | Written]:
    def measure(_number: int) -> Load | Written:
        count = _REPORTS_OF_THE_REFERENCE
        return bare_executemany.write(file, directory, reports=count, size=REPORTS, updates=updates)

    return measure


def _rate(found: Load | Written) -> float:
    """How many reports a second; a request of the product carries many."""
    if isinstance(found, Written):
        return found.reports_per_second
    return found.requests_per_second * REPORTS
