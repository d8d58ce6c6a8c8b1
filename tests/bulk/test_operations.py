"""Tracked operations: chosen by ids or by a filter, carried out in chunks, taken up again."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from farwork.domain.values import TaskState
from farwork.protocol.bulk import BulkIn, Selection
from farwork.protocol.reports import ReportIn
from farwork.service import operations as service
from farwork.service.ledger import Ledger
from farwork.service.operation_work import chunk_of
from farwork.service.operations import Operations, Preview
from farwork.storage import operation_store
from farwork.storage.operation_store import OperationRow
from tests.support.ledgers import ADMIN, create, feed, get, head, miscounted, open_ledger, report

pytestmark = pytest.mark.anyio

LONG = 20.0


async def ended(operations: Operations, said: BulkIn) -> OperationRow:
    operation = await operations.start(ADMIN, said)
    return await operations.wait(ADMIN, operation.id, LONG)


async def states(ledger: Ledger, *ids: str) -> list[TaskState | None]:
    found = [await get(ledger, id_) for id_ in ids]
    return [None if task is None else task.state for task in found]


async def test_an_operation_on_ids_counts_what_was_done_and_lists_what_was_refused(
    database_url: str,
) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "a", "b", "c")
        await report(ledger, ReportIn("c", state=TaskState.SUCCEEDED))

        operation = await ended(
            Operations(ledger), BulkIn("cancel", ids=["a", "c", "nobody", "a"], reason="why not")
        )

        assert (operation.state, operation.total, operation.done) == ("done", 3, 1)
        assert [(one["id"], one["code"]) for one in operation.refusals] == [
            ("c", "task_is_final"),
            ("nobody", "task_not_found"),
        ]
        a = await get(ledger, "a")
        assert a is not None
        assert (a.state, a.reason) == (TaskState.CANCELLED, "why not")


async def test_every_verb_is_carried_out_on_what_its_filter_means(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        operations = Operations(ledger)
        await create(ledger, "x1", "x2", kind="x")
        await create(ledger, "y", kind="y")
        only_x = Selection(kind=["x"])

        cancelled = await ended(operations, BulkIn("cancel", filter=only_x))
        assert (cancelled.total, cancelled.done, cancelled.refused) == (2, 2, 0)
        assert await states(ledger, "x1", "x2", "y") == ["cancelled", "cancelled", "queued"]

        await ended(operations, BulkIn("retry", filter=Selection(state=[TaskState.CANCELLED])))
        assert await states(ledger, "x1", "x2", "y") == ["queued", "queued", "queued"]

        archived = await ended(operations, BulkIn("archive", filter=only_x))
        assert archived.done == 2
        again = await ended(operations, BulkIn("archive", filter=only_x))
        assert (again.total, again.done) == (0, 0)

        restored = await ended(operations, BulkIn("restore", filter=only_x))
        assert restored.done == 2

        deleted = await ended(operations, BulkIn("delete", filter=only_x))
        assert deleted.done == 2
        assert await states(ledger, "x1", "x2", "y") == [None, None, "queued"]
        assert await miscounted(ledger) == {}


async def test_archiving_what_is_archived_counts_as_done(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "a")
        operations = Operations(ledger)

        await ended(operations, BulkIn("archive", ids=["a"]))
        again = await ended(operations, BulkIn("archive", ids=["a"]))

        assert (again.done, again.refused) == (1, 0)


async def test_a_preview_counts_and_names_some_and_changes_nothing(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number:02}" for number in range(30)]
        for id_ in ids:
            await create(ledger, id_)
        before = await head(ledger)
        operations = Operations(ledger)

        by_filter = await operations.preview(ADMIN, BulkIn("delete", filter=Selection()))
        by_ids = await operations.preview(ADMIN, BulkIn("delete", ids=["t07", "nobody"]))

        assert by_filter == Preview(30, ids[:20])
        assert by_ids == Preview(1, ["t07"])
        assert await head(ledger) == before


async def test_many_chunks_come_by_every_task_once_and_by_none_that_came_later(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK_MAX", 7)
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number:02}" for number in range(60)]
        await create(ledger, *ids)
        operations = Operations(ledger)
        before = await head(ledger)

        operation = await operations.start(ADMIN, BulkIn("archive", filter=Selection()))
        later = [f"later{number}" for number in range(20)]
        for id_ in later:
            await create(ledger, id_)
        operation = await operations.wait(ADMIN, operation.id, LONG)

        assert (operation.total, operation.done, operation.refused) == (60, 60, 0)
        archived = [id_ for kind, id_ in await feed(ledger, after=before) if "archived" in kind]
        assert archived == ids
        assert await miscounted(ledger) == {}


async def test_what_left_the_filter_before_its_turn_is_left_alone(database_url: str) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "a", "b")
        operations = Operations(ledger)
        began = OperationRow(
            "o", "default", "archive", "running", {"filter": {"state": ["queued"]}, "reason": None},
            None, "me", "ada", 2, 0, 0, [], None, ledger.now(), ledger.now(),
        )  # fmt: skip
        await ledger.work(lambda con: operation_store.add(con, began, None))
        await report(ledger, ReportIn("a", state=TaskState.RUNNING))

        after = await ledger.transact(chunk_of(began, ["a", "b"], None))

        assert (after.done, after.refused, after.state) == (1, 1, "done")
        assert [(one["id"], one["code"]) for one in after.refusals] == [("a", "no_longer_selected")]
        assert (await operations.get(ADMIN, "o")).state == "done"


async def test_an_operation_that_was_broken_off_goes_on_where_it_stood(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK_MAX", 4)
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number:02}" for number in range(10)]
        await create(ledger, *ids)
        before = await head(ledger)
        first = await begun_and_dropped(ledger, ids, chunks=1)

        second = Operations(ledger)
        await second.adopt(0)
        operation = await second.wait(ADMIN, first.id, LONG)

        assert (operation.state, operation.done, operation.refused) == ("done", 10, 0)
        assert await feed(ledger, after=before) == [("task.archived", id_) for id_ in ids]


async def begun_and_dropped(ledger: Ledger, ids: list[str], *, chunks: int) -> OperationRow:
    """An operation whose process ended after so many chunks, without a word."""
    now = ledger.now()
    operation = OperationRow(
        "o", "default", "archive", "running", {"filter": None, "reason": None}, None, "gone",
        "ada", len(ids), 0, 0, [], None, now, now,
    )  # fmt: skip
    await ledger.work(lambda con: operation_store.add(con, operation, ids))
    for number in range(chunks):
        size = service.CHUNK_MAX
        here = ids[number * size : (number + 1) * size]
        operation = await ledger.transact(chunk_of(operation, here, (number + 1) * size))
    return operation


async def test_the_process_that_lost_an_operation_keeps_nothing_of_its_chunk(
    database_url: str,
) -> None:
    async with open_ledger(database_url) as ledger:
        await create(ledger, "a", "b")
        mine = await begun_and_dropped(ledger, ["a", "b"], chunks=0)
        assert await ledger.work(claiming(mine, "another"))

        with pytest.raises(operation_store.OperationLost):
            await ledger.transact(chunk_of(mine, ["a"], 1))

        a = await get(ledger, "a")
        assert a is not None
        assert a.archived_at is None
        assert await ledger.work(claiming(mine, "third")) is False


def claiming(operation: OperationRow, owner: str) -> Callable[[Connection], bool]:
    return lambda con: operation_store.claim(con, operation, owner, operation.updated_at)


async def test_stopping_leaves_operations_to_whoever_comes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK_MAX", 1)
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number:03}" for number in range(200)]
        await create(ledger, *ids)
        first, second = Operations(ledger), Operations(ledger)
        operation = await first.start(ADMIN, BulkIn("delete", ids=ids))

        await first.close()
        left = await first.get(ADMIN, operation.id)
        second.open()
        operation = await second.wait(ADMIN, operation.id, LONG)
        await second.close()

        assert (left.state, left.owner) == ("running", None)
        assert (operation.state, operation.done, operation.refused) == ("done", 200, 0)
        assert await miscounted(ledger) == {}


async def test_operations_reports_and_creations_at_once_leave_the_counters_right(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK_MAX", 16)
    async with open_ledger(database_url) as ledger:
        ids = [f"t{number:03}" for number in range(200)]
        await create(ledger, *ids, job_id="j")
        operations = Operations(ledger)
        everything = Selection(archived="any")

        async with asyncio.TaskGroup() as group:
            runs = [
                group.create_task(ended(operations, BulkIn("cancel", filter=everything))),
                group.create_task(ended(operations, BulkIn("archive", ids=ids[:150]))),
                group.create_task(ended(operations, BulkIn("retry", ids=ids[100:]))),
                group.create_task(ended(operations, BulkIn("delete", ids=ids[50:120]))),
            ]
            for number in range(10):
                said = [ReportIn(id_, state=TaskState.RUNNING) for id_ in ids[number::10]]
                group.create_task(report(ledger, *said))
                group.create_task(create(ledger, f"new{number}", job_id="j"))

        found = [run.result() for run in runs]
        assert [operation.state for operation in found] == ["done"] * 4
        assert all(o.done + o.refused == o.total for o in found[1:])
        assert await miscounted(ledger) == {}
