"""Whether this machine can measure: the generator's ceiling and the two references, no product."""

from collections.abc import Callable
from contextlib import ExitStack

from bench import subjects
from bench.harness import Server, drive, scratch
from bench.load import Load
from bench.outcome import Bar, Outcome
from bench.rounds import in_turn
from bench.settings import Settings
from bench.workloads import Plan

_READY_REQUESTS = {"canned": 700_000, "bare": 100_000, "orm": 20_000}


def run(settings: Settings) -> Outcome:
    """Sends single reports to canned answers, to the bare handler and to the ORM service."""
    with ExitStack() as stack:
        directory = stack.enter_context(scratch())
        servers = [
            stack.enter_context(start(directory))
            for start in (subjects.canned, subjects.bare, subjects.orm)
        ]
        rounds = in_turn(settings, {server.name: _round_of(server) for server in servers})
    rps = {
        name: rounds.median(name, lambda load: load.requests_per_second) for name in rounds.found
    }
    p99 = {name: rounds.median(name, lambda load: load.p99_ms) for name in rounds.found}
    return Outcome(
        bench="calibrate",
        figures={
            "generator_rps": rps["canned"],
            "bare_rps": rps["bare"],
            "bare_p99_ms": p99["bare"],
            "orm_rps": rps["orm"],
            "orm_p99_ms": p99["orm"],
            "headroom": rps["canned"] / rps["bare"],
        },
        bars={"headroom": Bar(">=", 4.0)},
        loud_rounds=rounds.loud,
    )


def _round_of(server: Server) -> Callable[[int], Load]:
    ready_requests = _READY_REQUESTS[server.name]

    def measure(number: int) -> Load:
        plan = Plan(workload="single_reports", round=number, key=server.key)
        return drive(server, plan, ready_requests=ready_requests)

    return measure
