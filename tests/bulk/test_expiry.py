"""Archiving what has been idle."""

import asyncio

import pytest

from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.domain.values import TaskState
from farwork.protocol.reports import ReportIn
from farwork.service import bulk
from farwork.service.bulk import BulkChanges, Expired
from farwork.service.ledger import Ledger
from tests.support.ledgers import ADMIN, create, get, miscounted, open_ledger, report

pytestmark = pytest.mark.anyio

HOUR = 3_600_000_000


async def imported(
    ledger: Ledger, id_: str, state: TaskState, *, created_at: int, updated_at: int
) -> None:
    task = Task("default", id_, created_at, updated_at, state=state)
    await ledger.commands("default", [c.ImportTask(task_id=id_, task=task, details=Details())])


async def test_ended_tasks_without_a_later_update_are_archived_newest_created_first(
    database_url: str,
) -> None:
    async with open_ledger(database_url) as ledger:
        await imported(ledger, "old", TaskState.FAILED, created_at=1, updated_at=10)
        await imported(ledger, "new", TaskState.SUCCEEDED, created_at=3, updated_at=5)
        await imported(ledger, "twin of new", TaskState.SUCCEEDED, created_at=3, updated_at=4)
        await imported(ledger, "at the cut-off", TaskState.CANCELLED, created_at=2, updated_at=20)
        await imported(ledger, "too late", TaskState.SUCCEEDED, created_at=2, updated_at=21)

        expired = await BulkChanges(ledger).archive_expired(ADMIN, 20)

        assert expired == Expired(["twin of new", "new", "at the cut-off", "old"], [])
        assert await BulkChanges(ledger).archive_expired(ADMIN, 20) == Expired()
        assert await miscounted(ledger) == {}


async def test_tasks_that_have_not_ended_are_skipped_whatever_their_age(
    database_url: str,
) -> None:
    async with open_ledger(database_url) as ledger:
        await imported(ledger, "running", TaskState.RUNNING, created_at=1, updated_at=1)
        await imported(ledger, "ended", TaskState.SUCCEEDED, created_at=2, updated_at=2)
        await create(ledger, "queued")

        expired = await BulkChanges(ledger).archive_expired(ADMIN, 20)

        assert expired == Expired(["ended"], ["queued", "running"])


async def test_on_demand_tasks_that_have_not_ended_are_archived_too(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await imported(ledger, "running", TaskState.RUNNING, created_at=1, updated_at=1)
        await imported(ledger, "ended", TaskState.SUCCEEDED, created_at=2, updated_at=2)
        await create(ledger, "queued")

        expired = await BulkChanges(ledger).archive_expired(ADMIN, 20, terminal_only=False)

        assert expired == Expired(["ended", "running"], [])


async def test_more_than_one_chunk_is_archived_while_reports_and_creations_go_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK_MAX", 7)
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number:02}" for number in range(50)]
        for number, id_ in enumerate(ids):
            await imported(ledger, id_, TaskState.SUCCEEDED, created_at=number, updated_at=9)
        said = [ReportIn(id_, metadata={"seen": True}) for id_ in ids[:10]]

        async with asyncio.TaskGroup() as group:
            archiving = group.create_task(
                BulkChanges(ledger).archive_expired(ADMIN, ledger.now() - HOUR)
            )
            group.create_task(report(ledger, *said))
            for number in range(20):
                group.create_task(create(ledger, f"new{number}"))

        expired = archiving.result()
        archived = [id_ for id_ in ids if (t := await get(ledger, id_)) and t.archived_at]
        assert sorted(expired.archived) == archived
        assert expired.archived == sorted(expired.archived, reverse=True)
        assert set(archived) >= set(ids[10:])
        assert await miscounted(ledger) == {}
