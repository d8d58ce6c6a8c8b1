"""What retention archives and deletes, and what it leaves alone."""

from dataclasses import replace

import pytest

from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.errors import TaskUnderHold
from farwork.domain.task import Task
from farwork.domain.values import TaskState
from farwork.protocol.retention import RetentionIn
from farwork.service.bulk import BulkChanges
from farwork.service.ledger import Ledger
from farwork.service.retention import Retention
from farwork.upkeep import retention
from farwork.upkeep.retention import EVERY_US, Archiver, Pruner
from tests.support.ledgers import ADMIN, create, feed, get, miscounted, open_ledger

pytestmark = pytest.mark.anyio

SECOND = 1_000_000
SUCCEEDED, FAILED = TaskState.SUCCEEDED, TaskState.FAILED


async def ended(ledger: Ledger, id_: str, state: TaskState, at: int, kind: str = "scan") -> None:
    """A task that was last changed `at` so many seconds."""
    at *= SECOND
    task = Task("default", id_, at, at, state=state, kind=kind)
    await ledger.commands("default", [c.ImportTask(task_id=id_, task=task, details=Details())])


async def ruled(ledger: Ledger, *rules: RetentionIn) -> None:
    for rule in rules:
        await Retention(ledger).put(ADMIN, rule)


async def left(ledger: Ledger, *ids: str) -> dict[str, str]:
    """Where these tasks are: here, archived or gone."""
    found = {id_: await get(ledger, id_) for id_ in ids}
    return {
        id_: "gone" if task is None else "archived" if task.archived_at is not None else "here"
        for id_, task in found.items()
    }


async def test_what_ended_long_enough_ago_is_archived_and_later_deleted(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        for at in (10, 20, 30):
            await ended(ledger, f"scan-{at}", SUCCEEDED, at)
        await ended(ledger, "lost", FAILED, 10)
        await ended(ledger, "train", SUCCEEDED, 10, kind="train")
        await create(ledger, "open", created_at=1, updated_at=1, kind="scan")
        await ruled(
            ledger,
            RetentionIn(archive_after_seconds=80.0, delete_after_seconds=90.0),
            RetentionIn(kind="train", archive_after_seconds="never"),
            RetentionIn(state="failed", delete_after_seconds="never"),
        )
        assert (await Archiver(ledger).run_once(100 * SECOND)).tasks == 3
        assert (await Pruner(ledger).run_once(100 * SECOND)).tasks == 2
        assert await left(ledger, "scan-10", "scan-20", "scan-30", "lost", "train", "open") == {
            "scan-10": "gone",
            "scan-20": "archived",
            "scan-30": "here",
            "lost": "archived",
            "train": "gone",
            "open": "here",
        }
        told = await feed(ledger)
        assert told.count(("task.deleted", "scan-10")) == 1
        assert told.count(("task.archived", "scan-20")) == 1
        assert await miscounted(ledger) == {}


async def test_a_sweep_rests_once_nothing_is_left_and_goes_on_while_there_is(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK_MAX", 2)
    async with open_ledger(database_url) as ledger:
        for n in range(3):
            await ended(ledger, f"t-{n}", SUCCEEDED, n)
        await ruled(ledger, RetentionIn(delete_after_seconds=0.0))
        pruner = Pruner(ledger)
        assert [(await pruner.run_once(10 * SECOND)).tasks for _ in range(2)] == [2, 1]
        await ended(ledger, "another", SUCCEEDED, 0)
        assert (await pruner.run_once(10 * SECOND)).tasks == 0
        assert (await pruner.run_once(10 * SECOND + EVERY_US)).tasks == 1


async def test_what_was_brought_back_by_hand_stays(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await ended(ledger, "a", SUCCEEDED, 0)
        await ended(ledger, "b", SUCCEEDED, 0)
        await ruled(ledger, RetentionIn(archive_after_seconds=1.0))
        await Archiver(ledger).run_once(10 * SECOND)
        await ledger.command("default", c.RestoreTask(task_id="a"))
        await BulkChanges(ledger).restore(ADMIN, ["b"])
        assert (await Archiver(ledger).run_once(99 * SECOND)).tasks == 0
        assert await left(ledger, "a", "b") == {"a": "here", "b": "here"}


async def test_what_a_legal_hold_is_on_is_deleted_by_nobody(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        for id_, kind in (("held", "scan"), ("ruled", "audit"), ("free", "scan")):
            await ended(ledger, id_, SUCCEEDED, 0, kind=kind)
        await ledger.command("default", c.HoldTask(task_id="held", reason="case 17"))
        await ruled(
            ledger,
            RetentionIn(delete_after_seconds=1.0),
            RetentionIn(kind="audit", legal_hold="seven years"),
        )
        for id_, why in (("held", "case 17"), ("ruled", "seven years")):
            with pytest.raises(TaskUnderHold, match=why):
                await ledger.command("default", c.DeleteTask(task_id=id_))
        with pytest.raises(TaskUnderHold, match="1 more"):
            await BulkChanges(ledger).delete(ADMIN, ["held", "ruled"])
        assert (await Pruner(ledger).run_once(10 * SECOND)).tasks == 1
        assert await left(ledger, "held", "ruled", "free") == {
            "held": "here",
            "ruled": "here",
            "free": "gone",
        }
        await ledger.command("default", c.ReleaseTask(task_id="held"))
        await Retention(ledger).remove(ADMIN, "audit", "*")
        assert (await Pruner(ledger).run_once(10 * SECOND)).tasks == 2
        assert await miscounted(ledger) == {}


async def test_rules_are_of_one_project(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await ended(ledger, "a", SUCCEEDED, 0)
        await Retention(ledger).put(ADMIN, RetentionIn(delete_after_seconds=1.0), "another")
        assert (await Pruner(ledger).run_once(10 * SECOND)).tasks == 0
        assert [rule.updated_by for rule in await Retention(ledger).all(ADMIN, "another")] == [
            "ada"
        ]
        assert await Retention(ledger).all(replace(ADMIN, project="default")) == []
