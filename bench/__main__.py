"""Runs one bench: `python -m bench NAME`; the last line is a JSON object for programs."""

import sys
from collections.abc import Callable, Mapping

from bench import (
    archive,
    calibrate,
    claim,
    drain,
    fanout,
    footprint,
    heartbeat,
    hooks,
    ingest,
    ingest_batch,
    machine,
    pickup,
    reads,
)
from bench.outcome import Outcome
from bench.settings import Settings, from_arguments

BENCHES: Mapping[str, Callable[[Settings], Outcome]] = {
    "calibrate": calibrate.run,
    "ingest": ingest.run,
    "ingest-batch": ingest_batch.run,
    "reads": reads.run,
    "archive": archive.run,
    "fanout": fanout.run,
    "hooks": hooks.run,
    "footprint": footprint.run,
    "pickup": pickup.run,
    "claim": claim.run,
    "drain": drain.run,
    "heartbeat": heartbeat.run,
}


def main(arguments: list[str]) -> int:
    """Runs the named bench; a figure below its bar makes the exit status 1, a bad name 2."""
    name, settings = from_arguments(list(BENCHES), arguments)
    print(f"bench {name}\nmachine: {machine.described()}", flush=True)
    outcome = BENCHES[name](settings)
    for figure_name, figure in outcome.figures.items():
        bar = outcome.bars.get(figure_name)
        verdict = "" if bar is None else f"  {bar.relation} {bar.limit:g}: {bar.holds(figure)}"
        print(f"{figure_name:>28} {figure:12.4g}{verdict}")
    print(outcome.as_line())
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
