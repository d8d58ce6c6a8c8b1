"""The loop looks when something was committed or runs out, and rests otherwise."""

import asyncio

import pytest

from farwork.domain.values import Instant
from farwork.upkeep import runner
from farwork.upkeep.keepers import Report
from farwork.upkeep.runner import Upkeep
from tests.support.ledgers import create, open_ledger

pytestmark = pytest.mark.anyio


class Counting:
    """A keeper that counts its passes, and tells of each."""

    def __init__(self) -> None:
        self.passes = 0
        self.passed = asyncio.Event()

    async def run_once(self, now: Instant) -> Report:
        assert now > 0
        self.passes += 1
        self.passed.set()
        return Report()

    async def next(self) -> None:
        self.passed.clear()
        await asyncio.wait_for(self.passed.wait(), 20)


async def test_nothing_is_looked_at_until_something_is_committed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "REST_US", 3_600_000_000)
    monkeypatch.setattr(runner, "LOOK_S", 0.005)
    changes, ticks = [0], asyncio.Event()

    def changed() -> int:
        ticks.set()
        return changes[0]

    async with open_ledger(database_url) as ledger:
        keeper = Counting()
        upkeep = Upkeep(ledger, [keeper], changed)
        upkeep.open()
        await keeper.next()
        for _ in range(5):
            ticks.clear()
            await asyncio.wait_for(ticks.wait(), 20)
        assert keeper.passes == 1
        changes[0] += 1
        await keeper.next()
        # What runs out is looked at in its time, though nothing more is committed.
        await create(ledger, "t", not_before=ledger.now() + 50_000)
        changes[0] += 1
        await keeper.next()
        await keeper.next()
        await upkeep.close()
