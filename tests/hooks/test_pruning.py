"""What was delivered long ago is forgotten, and callbacks of tasks that are gone; nothing else."""

import pytest
from sqlalchemy import Connection, func, select

from farwork.storage import delivery_store
from farwork.storage import tables as t
from farwork.storage.delivery_store import DeliveryRow
from farwork.upkeep import keepers
from farwork.upkeep.keepers import DELIVERED_KEPT_US, OTHERS_KEPT_US, PRUNE_EVERY_US, DeliveryPruner
from tests.support.ledgers import open_ledger

pytestmark = pytest.mark.anyio
NOW = 2 * OTHERS_KEPT_US


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def delivery(position: int, state: str, ended_ago: int | None) -> DeliveryRow:
    ended_at = None if ended_ago is None else NOW - ended_ago
    return DeliveryRow("h", position, "t", "task.reported", state, 0, 1, "[]", "{}", 0, ended_at)


ROWS = [
    delivery(1, "delivered", DELIVERED_KEPT_US + 1),
    delivery(2, "delivered", DELIVERED_KEPT_US - 1),
    delivery(3, "failed", DELIVERED_KEPT_US + 1),
    delivery(4, "failed", OTHERS_KEPT_US + 1),
    delivery(5, "abandoned", OTHERS_KEPT_US + 1),
    delivery(6, "due", None),
    delivery(7, "waiting", None),
]


def keep(connection: Connection, rows: list[DeliveryRow]) -> None:
    names = [column.name for column in t.deliveries.columns]
    connection.execute(t.deliveries.insert(), [{n: getattr(r, n) for n in names} for r in rows])


def positions(connection: Connection) -> list[int]:
    rows = delivery_store.page(connection, "h", states=(), before=2**62, limit=10_000)
    return sorted(row.position for row in rows)


async def test_deliveries_are_kept_for_as_long_as_they_may_be_asked_for(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await ledger.work(lambda con: keep(con, ROWS))
        assert (await DeliveryPruner(ledger).run_once(NOW)).tasks == 3
        assert await ledger.read(positions) == [2, 3, 6, 7]


async def test_it_looks_once_in_a_while_and_takes_a_bounded_part(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "BATCH_MAX", 4)
    old = [delivery(n, "delivered", DELIVERED_KEPT_US + 1) for n in range(10)]
    async with open_ledger(sqlite_url) as ledger:
        await ledger.work(lambda con: keep(con, old))
        pruner = DeliveryPruner(ledger)
        done = [await pruner.run_once(NOW) for _ in range(4)]
        assert [(one.tasks, one.more) for one in done] == [
            (4, True),
            (4, True),
            (2, False),
            (0, False),
        ]
        await ledger.work(lambda con: keep(con, old))
        assert (await pruner.run_once(NOW + PRUNE_EVERY_US - 1)).tasks == 0
        assert (await pruner.run_once(NOW + PRUNE_EVERY_US)).tasks == 4


async def test_a_callback_goes_with_its_task(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await ledger.work(callbacks_of_tasks_that_are_gone)
        assert (await DeliveryPruner(ledger).run_once(NOW)).tasks == 1
        left = await ledger.read(lambda con: con.execute(select(t.hooks.c.id)).scalars().all())
        kept = await ledger.read(
            lambda con: con.execute(select(func.count()).select_from(t.deliveries)).scalar_one()
        )
    assert (list(left), kept) == (["project's own"], 0)


def callbacks_of_tasks_that_are_gone(connection: Connection) -> None:
    said = {"project": "default", "url": "https://a.example/", "format": "json", "wanted": "{}"}
    said |= {"state": "active", "position": 0, "failures": 0, "created_at": 0, "updated_at": 0}
    for id_, task_pk in (("h", 10**9), ("project's own", None)):
        connection.execute(t.hooks.insert().values(**said, id=id_, task_pk=task_pk, version=1))
    keep(connection, [delivery(1, "due", None)])
