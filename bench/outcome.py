"""What a bench found, and the bars it must clear."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

Relation = Literal[">=", "<="]
_COMPARE = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit that one figure must respect."""

    relation: Relation
    limit: float

    def holds(self, figure: float | None) -> bool:
        """Tells whether the figure clears the bar; a figure that was not measured never does."""
        return figure is not None and bool(_COMPARE[self.relation](figure, self.limit))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one bench; every bar names a figure.

    `loud_rounds` counts the rounds among them that other programs disturbed.
    """

    bench: str
    figures: Mapping[str, float]
    bars: Mapping[str, Bar] = field(default_factory=dict[str, Bar])
    loud_rounds: int = 0

    @property
    def ok(self) -> bool:
        """Tells whether every bar holds."""
        return all(bar.holds(self.figures.get(name)) for name, bar in self.bars.items())

    def as_line(self) -> str:
        """Gives the one JSON object that programs read."""
        return msgspec.json.encode(
            {
                "bench": self.bench,
                "ok": self.ok,
                "figures": {name: rounded(figure) for name, figure in self.figures.items()},
                "bars": {name: [bar.relation, bar.limit] for name, bar in self.bars.items()},
                "loud_rounds": self.loud_rounds,
            }
        ).decode()


def rounded(figure: float) -> float:
    """Keeps four significant digits, which is more than any round repeats."""
    return float(f"{figure:.4g}")
