"""Tables that fit the terminal without ever cutting an id; a pipe needs no fitting."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

GAP = 2
HEAD_STYLE = "bold"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and what may be done to it where the terminal is too narrow.

    It may be shortened to `shrinks_to` cells (None: never). The column with the smallest `weight`
    is left out first; one without a weight stays. A column in which nothing stands is left out
    where a person watches.
    """

    title: str
    shrinks_to: int | None = None
    weight: int | None = None
    right: bool = False


class Table:
    """Prints rows under their titles, a block at a time; the first block fixes the widths."""

    def __init__(self, console: Console, columns: Sequence[Column]) -> None:
        self._console = console
        self._columns = columns
        self._widths: dict[int, int] = {}

    def add(self, rows: Sequence[Sequence[Text]]) -> None:
        """Print a block of rows."""
        if not self._widths:
            self._widths = self._fitted(rows)
            self._print([Text(column.title, HEAD_STYLE) for column in self._columns])
        for row in rows:
            self._print(row)

    def _fitted(self, rows: Sequence[Sequence[Text]]) -> dict[int, int]:
        """The width of each column that is shown, by its index."""
        widths = {
            index: max([len(column.title), *(row[index].cell_len for row in rows)])
            for index, column in enumerate(self._columns)
            if not self._console.is_terminal or any(row[index] for row in rows) or not rows
        }
        if self._console.is_terminal:
            self._narrow(widths)
        return widths

    def _narrow(self, widths: dict[int, int]) -> None:
        spare = sorted(
            (index for index in widths if self._columns[index].weight is not None),
            key=lambda index: self._columns[index].weight or 0,
        )
        while spare and _total({i: self._least(i, w) for i, w in widths.items()}) > self._width:
            del widths[spare.pop(0)]
        loose = [index for index, width in widths.items() if self._least(index, width) < width]
        while loose and _total(widths) > self._width:
            widest = max(loose, key=lambda index: widths[index])
            widths[widest] -= 1
            if widths[widest] == self._least(widest, widths[widest]):
                loose.remove(widest)

    @property
    def _width(self) -> int:
        return self._console.width

    def _least(self, index: int, width: int) -> int:
        column = self._columns[index]
        if column.shrinks_to is None:
            return width
        return min(width, max(column.shrinks_to, len(column.title)))

    def _print(self, row: Sequence[Text]) -> None:
        line = Text(end="")
        for index, width in self._widths.items():
            cell = row[index].copy()
            if self._console.is_terminal and self._columns[index].shrinks_to is not None:
                cell.truncate(width, overflow="ellipsis")
            padding = " " * max(0, width - cell.cell_len)
            cell = Text.assemble(padding, cell) if self._columns[index].right else cell + padding
            line += cell + " " * GAP
        line.rstrip()
        self._console.print(line)


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)
