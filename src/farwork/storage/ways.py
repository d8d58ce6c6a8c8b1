"""Ways through a list: which index a page is read from.

Neither engine knows how often a value occurs together with another, and SQLite does not know how
often it occurs at all. So we look: an index is counted up to a bound, which takes a fraction of a
millisecond. If what it holds for this filter is little, that is read and put in order. If all is
much, the index that has the list's order is walked until the page is full.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import product

from sqlalchemy import ColumnElement, Connection, func, literal, select

from farwork.storage import tables as t
from farwork.storage.task_filter import ALL_TIME, ORDERS, TaskFilter, terms

# So many tasks are read and put in order rather than walked past.
FEW = 2_000
# A list of more combinations of single values than this reads some of them together.
BRANCHES_MAX = 28
Label = tuple[str, str]


@dataclass(slots=True, frozen=True)
class Way:
    """An index to read from: the columns whose conditions it serves, and the order that it has.

    With a `label` it is the index of labels, which leads to the tasks.
    """

    columns: frozenset[str]
    order: str | None = "created"
    label: Label | None = None


@dataclass(slots=True, frozen=True)
class Choice:
    """The way to go; `few` when what lies there is to be read whole and put in order."""

    way: Way
    few: bool


def branches(wanted: TaskFilter, order: str) -> list[TaskFilter]:
    """Filters that mean together what `wanted` means, each a walk along one index if possible."""
    shelves = (False, True) if wanted.archived is None else (wanted.archived,)
    parts = [replace(wanted, archived=shelf) for shelf in shelves]
    if order != "created":
        # The indexes of states, queues and kinds have no other order.
        return parts
    for name in ("states", "queues", "kinds"):
        values = tuple(dict.fromkeys(getattr(wanted, name)))
        if len(values) > 1 and len(parts) * len(values) <= BRANCHES_MAX:
            parts = [replace(part, **{name: (value,)}) for part, value in product(parts, values)]
    return parts


def ways_of(wanted: TaskFilter) -> list[Way]:
    """The indexes that hold only what satisfies a part of the filter, the narrowest first."""
    found: list[Way] = []
    if wanted.external_ref is not None:
        found.append(Way(frozenset({"external_ref"}), None))
    if wanted.job_id is not None:
        found.append(Way(frozenset({"job_id"})))
    found += [Way(frozenset(), label=label) for label in wanted.labels.items()]
    # What is archived is not worth an index by kind or by creator.
    said = {"state": len(wanted.states), "queue": len(wanted.queues)}
    if not wanted.archived:
        said |= {"kind": len(wanted.kinds), "creator": int(wanted.creator is not None)}
    groups = [{name} for name, values in said.items() if values]
    if not wanted.archived and wanted.states and wanted.queues:
        groups = [{"state", "queue"}] + [g for g in groups if not g & {"state", "queue"}]
    found += [
        Way(
            frozenset({"archived_at", *group}),
            "created" if all(said[name] == 1 for name in group) else None,
        )
        for group in groups
    ]
    return found + [
        Way(frozenset({"archived_at", f"{order}_at"}), order)
        for order in ORDERS
        if getattr(wanted, order) != ALL_TIME
    ]


class Chooser:
    """Chooses ways for the branches of one list; what it counted it remembers."""

    def __init__(self, connection: Connection, project: str, order: str) -> None:
        self._connection = connection
        self._project = project
        self._order = order
        self._counts: dict[Hashable, int] = {}

    def choose(self, wanted: TaskFilter) -> Choice:
        """The way for a filter that is one branch."""
        walk = Way(frozenset({"archived_at", f"{self._order}_at"}), self._order)
        ways = ways_of(wanted)
        if not ways or ways == [walk]:
            return Choice(walk, few=False)
        if len(ways) == 1 and ways[0].order == self._order:
            return Choice(ways[0], few=False)
        narrowest = min(ways, key=lambda way: self._count(way, wanted))
        if self._count(narrowest, wanted) <= FEW:
            return Choice(narrowest, few=True)
        ordered = [way for way in ways if way.order == self._order]
        best = min(ordered, key=lambda way: self._count(way, wanted), default=walk)
        return Choice(best, few=False)

    def _count(self, way: Way, wanted: TaskFilter) -> int:
        """How many tasks lie on the way, counted no further than it matters."""
        served = [
            term
            for term in terms(self._project, wanted)
            if term.column == "project" or term.column in way.columns
        ]
        key = (way, tuple((term.column, term.said) for term in served))
        if key not in self._counts:
            if way.label is not None:
                rows = select(literal(1)).where(*label_conditions(self._project, way.label))
            else:
                rows = select(literal(1)).where(*(term.condition for term in served))
            bounded = rows.limit(FEW + 1).subquery()
            counting = select(func.count()).select_from(bounded)
            self._counts[key] = self._connection.execute(counting).scalar_one()
        return self._counts[key]


def label_conditions(project: str, label: Label) -> list[ColumnElement[bool]]:
    """The rows of `labels` for one label."""
    c = t.labels.c
    return [c.project == project, c.key == label[0], c.value == label[1]]
