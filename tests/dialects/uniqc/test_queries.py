"""What a list costs: it follows the page, never the results and never the table."""

import re
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, event

from farwork.domain.values import TaskState
from farwork.http.dialects.uniqc.translate import selection_of
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.listings import Listings
from farwork.storage.list_reader import place
from tests.dialects.uniqc.past import NOON, imported
from tests.support.ledgers import open_ledger

pytestmark = pytest.mark.anyio

ADA = Principal("default", Role.VIEWER, "ada")
WIDE = {f"{n:012b}": n for n in range(3_000)}
"""The counts of a circuit: 60 KB of JSON."""
STATES = list(TaskState)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        tasks = [
            imported(f"t{n}", STATES[n % 7].value, at=NOON + n, result=WIDE) for n in range(350)
        ]
        await opened.commands("default", tasks, atomic=True)
        yield opened


@contextmanager
def watched(ledger: Ledger) -> Generator[list[tuple[str, Any]]]:
    """The statements that readers execute, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any
    ) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    engine = ledger.store.reader_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_list_reads_no_result(ledger: Ledger) -> None:
    for status, backend, offset in product(
        (None, "pending", "success"), (None, "originq:WK_C180"), (0, 20)
    ):
        wanted = selection_of(status, backend, archived=False)
        with watched(ledger) as seen:
            listing = await Listings(ledger).open(ADA, wanted, offset=offset, limit=None)
            rows = [row async for chunk in listing.chunks for row in chunk]

        assert len(rows) == listing.total - offset
        assert [sql for sql, _ in seen if re.search(r"results|params", sql)] == []


async def test_the_number_of_statements_does_not_grow_with_the_page(ledger: Ledger) -> None:
    async def statements(limit: int, offset: int) -> int:
        wanted = selection_of("pending", None, archived=False)
        with watched(ledger) as seen:
            listing = await Listings(ledger).open(ADA, wanted, offset=offset, limit=limit)
            assert sum([len(chunk) async for chunk in listing.chunks]) == limit
        return len(seen)

    assert await statements(0, 0) == 2
    assert await statements(1, 0) == await statements(100, 0) == 4
    assert await statements(100, 40) == 5


async def test_counts_come_from_the_counters(ledger: Ledger) -> None:
    with watched(ledger) as seen:
        await Listings(ledger).counts(ADA)
        await Listings(ledger).queues(ADA)

    assert [re.findall(r"FROM (\w+)", sql) for sql, _ in seen] == [["counters"], ["counters"]]


async def test_a_place_is_found_in_an_index(sqlite_url: str) -> None:
    plans: dict[tuple[str | None, str | None, bool], set[str]] = {}
    async with open_ledger(sqlite_url) as ledger:
        for status, backend, archived in product(
            (None, "running", "pending"), (None, "originq:WK_C180"), (False, True)
        ):
            wanted = selection_of(status, backend, archived=archived)
            with watched(ledger) as seen:
                await ledger.read(partial(place, project="default", wanted=wanted, number=5))
            plan = await ledger.read(partial(planned, statement=seen[-1]))
            steps = {step for step in plan if re.search(r"\btasks\b|TEMP", step)}
            plans[status, backend, archived] = {step.split(" (")[0] for step in steps}

    sorts = {key for key, steps in plans.items() if "USE TEMP B-TREE FOR ORDER BY" in steps}
    walks = {key: steps - {"USE TEMP B-TREE FOR ORDER BY"} for key, steps in plans.items()}
    # Each state of several is a walk of its own; only what the walks found is sorted.
    assert sorts == {key for key in plans if key[0] == "pending"}
    assert all(len(steps) == 1 for steps in walks.values())
    assert all("SEARCH tasks USING INDEX" in step for steps in walks.values() for step in steps)


def planned(connection: Connection, statement: tuple[str, Any]) -> list[str]:
    sql, parameters = statement
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
    return [row[-1] for row in rows]
