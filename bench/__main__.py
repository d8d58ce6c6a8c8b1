"""Runs one bench: `python -m bench NAME`; the last line is a JSON object for programs."""

import sys
from collections.abc import Callable, Mapping

from bench import calibrate, machine
from bench.outcome import Outcome

BENCHES: Mapping[str, Callable[[], Outcome]] = {
    "calibrate": calibrate.run,
}


def main(arguments: list[str]) -> int:
    """Runs the named bench; a figure below its bar makes the exit status 1, a bad name 2."""
    if len(arguments) != 1 or arguments[0] not in BENCHES:
        print(f"usage: python -m bench {'|'.join(BENCHES)}", file=sys.stderr)
        return 2
    print(f"bench {arguments[0]}\nmachine: {machine.described()}", flush=True)
    outcome = BENCHES[arguments[0]]()
    for name, figure in outcome.figures.items():
        bar = outcome.bars.get(name)
        verdict = "" if bar is None else f"  {bar.relation} {bar.limit:g}: {bar.holds(figure)}"
        print(f"{name:>24} {figure:12.4g}{verdict}")
    print(outcome.as_line())
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
