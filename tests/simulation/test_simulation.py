"""Whatever the dice bring, every promise is kept; `make soak` goes on for as long as one likes."""

from pathlib import Path
from time import monotonic

import pytest

from tests.simulation.record import Broken
from tests.simulation.run import run
from tests.simulation.world import World

SECONDS = 4.0
SEEDS_MIN = 2
FIRST = 1_000


@pytest.mark.timeout(120)
def test_as_many_seeds_as_fit_into_the_time_keep_every_promise(template: Path) -> None:
    until, seed = monotonic() + SECONDS, FIRST
    while seed < FIRST + SEEDS_MIN or monotonic() < until:
        run(seed, template)
        seed += 1


def test_a_seed_brings_the_same_every_time(template: Path) -> None:
    assert run(7, template, 60) == run(7, template, 60)


def test_a_failure_says_how_to_see_it_again(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_world: World) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(World, "_act", stumble)
    with pytest.raises(Broken, match=r"python -m tests\.simulation --seed 7 --steps 80"):
        run(7, template, 80)
