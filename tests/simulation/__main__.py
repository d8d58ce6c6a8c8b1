"""`python -m tests.simulation`: seeds until it is stopped, or one seed once more."""

import argparse
import logging
import os
import sys
from itertools import count

import structlog

from tests.simulation.record import Broken
from tests.simulation.run import STEPS, folder, run, template_in

TELL_EVERY = 100


def main() -> int:
    """Run seeds; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="only this one, with what happens in it")
    parser.add_argument("--from", type=int, dest="first", help="the first seed (any)")
    parser.add_argument("--seeds", type=int, help="so many of them (no end)")
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with folder() as place:
        template = template_in(place)
        try:
            if given.seed is not None:
                _say("\n".join(run(given.seed, template, given.steps)))
                return 0
            first = int.from_bytes(os.urandom(5), "big") if given.first is None else given.first
            for number in count() if given.seeds is None else range(given.seeds):
                run(first + number, template, given.steps)
                if (number + 1) % TELL_EVERY == 0:
                    _say(f"{number + 1} seeds from {first} on keep every promise")
        except Broken as broken:
            _say(str(broken))
            return 1
        except KeyboardInterrupt:
            return 0
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
