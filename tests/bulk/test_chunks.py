"""Set-based chunks: what they change, what they leave, what they tell."""

import asyncio

import pytest

from farwork.domain.values import TaskState
from farwork.protocol.reports import ReportIn
from farwork.service.bulk import Bulk, BulkChanges
from tests.support.ledgers import (
    ADMIN,
    create,
    feed,
    get,
    head,
    miscounted,
    open_ledger,
    report,
)

pytestmark = pytest.mark.anyio


async def test_archiving_changes_nothing_but_the_mark_and_the_version(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        (before,) = await create(ledger, "a", kind="train", queue="gpu", job_id="j")

        bulk = await BulkChanges(ledger).archive(ADMIN, ["a"])

        after = await get(ledger, "a")
        assert bulk == Bulk(["a"], [])
        assert after is not None
        assert after.archived_at is not None
        before.archived_at, before.version = after.archived_at, before.version + 1
        assert after == before
        assert await miscounted(ledger) == {}


async def test_what_is_archived_restored_or_gone_is_missing_in_the_order_of_the_request(
    database_url: str,
) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "a", "b", "c")
        changes = BulkChanges(ledger)

        assert await changes.archive(ADMIN, ["b", "nobody", "a", "b"]) == Bulk(
            ["b", "a"], ["nobody", "b"]
        )
        assert await changes.archive(ADMIN, ["a", "c"]) == Bulk(["c"], ["a"])
        assert await changes.restore(ADMIN, ["c", "b", "c"]) == Bulk(["c", "b"], ["c"])
        assert await changes.delete(ADMIN, ["a", "b"], archived=False) == Bulk(["b"], ["a"])
        assert await changes.delete(ADMIN, ["a", "b", "c"]) == Bulk(["a", "c"], ["b"])
        assert await miscounted(ledger) == {}


async def test_each_change_is_one_event_in_the_order_of_the_request(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "a", "b", "c")
        before = await head(ledger)
        changes = BulkChanges(ledger)

        await changes.archive(ADMIN, ["c", "a"])
        await changes.restore(ADMIN, ["a"])
        await changes.delete(ADMIN, ["b"])

        assert await feed(ledger, after=before) == [
            ("task.archived", "c"),
            ("task.archived", "a"),
            ("task.restored", "a"),
            ("task.deleted", "b"),
        ]


async def test_deleting_an_open_input_tells_the_tasks_that_wait_for_it(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "input", "other")
        await create(ledger, "waiting", inputs=("input",), inputs_pending=1)

        assert await BulkChanges(ledger).delete(ADMIN, ["other", "input"]) == Bulk(
            ["other", "input"], []
        )

        waiting = await get(ledger, "waiting")
        assert waiting is not None
        assert (waiting.state, waiting.reason) == (TaskState.CANCELLED, "upstream")
        assert await miscounted(ledger) == {}


async def test_an_id_that_is_archived_and_deleted_at_once_is_in_exactly_one_answer(
    database_url: str,
) -> None:
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number}" for number in range(3_000)]
        await create(ledger, *ids, job_id="j")
        changes = BulkChanges(ledger)

        archived, deleted, reported = await asyncio.gather(
            changes.archive(ADMIN, ids),
            changes.delete(ADMIN, list(reversed(ids)), archived=False),
            report(ledger, *(ReportIn(id_, state=TaskState.RUNNING) for id_ in ids[:300])),
        )

        assert reported is None
        assert sorted(archived.changed + deleted.changed) == sorted(ids)
        assert await miscounted(ledger) == {}
