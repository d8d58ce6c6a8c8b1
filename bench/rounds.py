"""Measures subjects in turn, in rounds, and takes medians over the rounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Generic, Protocol, TypeVar

from bench.settings import Settings

# On two cores, a fifth of one that others use is what the figures tolerate.
_QUIET_CORES = 0.2
_ATTEMPTS_PER_ROUND_MAX = 4


class Measured(Protocol):
    """What one measurement found."""

    @property
    def elsewhere_cores(self) -> float:
        """How many cores neither the subject nor the generator kept busy."""
        ...

    def as_text(self) -> str:
        """Says in one line what was found."""
        ...


M = TypeVar("M", bound=Measured)


@dataclass(frozen=True, slots=True)
class Rounds(Generic[M]):
    """What the rounds that count found, by subject; `loud` of them were disturbed."""

    found: Mapping[str, list[M]]
    loud: int

    def median(self, subject: str, figure: Callable[[M], float]) -> float:
        """Gives the median of one figure of one subject."""
        return median(figure(one) for one in self.found[subject])

    def ratio(self, subject: str, reference: str, figure: Callable[[M], float]) -> float:
        """Gives the median of the rounds' ratios of one figure."""
        pairs = zip(self.found[subject], self.found[reference], strict=True)
        return median(figure(mine) / figure(theirs) for mine, theirs in pairs)


def in_turn(settings: Settings, subjects: Mapping[str, Callable[[int], M]]) -> Rounds[M]:
    """Measures every subject once a round, each round starting with the next subject.

    Whatever slows the machine for a while slows neighbours alike, so the ratio of neighbours stays.
    A round in which other programs kept a good part of a core busy is measured again, unless noise
    is accepted; when the machine stays loud for too many rounds, the least loud ones count.
    """
    measured: list[dict[str, M]] = []
    names = list(subjects)
    attempts = settings.rounds * (1 if settings.noisy else _ATTEMPTS_PER_ROUND_MAX)
    for number in range(attempts):
        start = number % len(names)
        found: dict[str, M] = {}
        for name in names[start:] + names[:start]:
            found[name] = subjects[name](number)
            print(f"  round {number + 1:2}  {name:<14} {found[name].as_text()}", flush=True)
        measured.append(found)
        if sum(not _is_loud(found) for found in measured) == settings.rounds:
            break
    kept = sorted(measured, key=_noise)[: settings.rounds]
    loud = sum(_is_loud(found) for found in kept)
    print(f"  kept {len(kept)} of {len(measured)} rounds, {loud} of them loud", flush=True)
    return Rounds({name: [found[name] for found in kept] for name in names}, loud)


def _noise(found: Mapping[str, M]) -> float:
    return max(one.elsewhere_cores for one in found.values())


def _is_loud(found: Mapping[str, M]) -> bool:
    return _noise(found) > _QUIET_CORES
