"""What is counted while working, without the library that tells it.

That library decides when it is loaded whether several processes count together; who counts must not
load it.
"""

from collections import Counter as Count
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Batch:
    """What one transaction held."""

    commands: int = 0
    seconds: float = 0.0
    verdicts: Count[str] = field(default_factory=Count[str])
    events: Count[str] = field(default_factory=Count[str])
    lateness_s: list[float] = field(default_factory=list[float])


@dataclass(slots=True, frozen=True)
class Reading:
    """Values that are looked up when somebody asks: one gauge, its labels and its values."""

    name: str
    text: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]
