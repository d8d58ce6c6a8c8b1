"""Many tasks at once: the order of the answer, what is missing, and what is old enough."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from farwork import clock
from tests.dialects.uniqc.gateway import HOUR, Gateway
from tests.dialects.uniqc.past import NOON, imported
from tests.support.ledgers import miscounted, open_ledger

BULK = {
    "/api/tasks/bulk-archive": "archived",
    "/api/tasks/bulk-delete": "deleted",
}


@pytest.mark.parametrize(("path", "word"), BULK.items())
def test_a_bulk_call_answers_in_the_order_of_the_request(
    gateway: Gateway, path: str, word: str
) -> None:
    gateway.create("a", "b", "c", "d")
    gateway.post("/api/tasks/d/archive")

    answer = gateway.post(path, {"task_ids": ["c", "x", "a", "c", "d", "a\0", "", "é"]})

    missing = ["x", "c", "d", "a\0", "", "é"]
    assert answer == {word: ["c", "a"], "missing": missing, "count": 2}
    assert gateway.ids() == ["b"]
    assert gateway.post(path, {"task_ids": ["c", "a"]}) == {
        word: [],
        "missing": ["c", "a"],
        "count": 0,
    }


def test_a_bulk_archive_leaves_the_tasks_as_they_were(gateway: Gateway) -> None:
    gateway.take_in(imported("a", result=[1]), imported("b", "running"))
    before = {id_: gateway.get(f"/api/tasks/{id_}") for id_ in "ab"}

    gateway.post("/api/tasks/bulk-archive", {"task_ids": ["a", "b"]})

    away = {id_: gateway.get(f"/api/archive/{id_}") for id_ in "ab"}
    assert away == {id_: before[id_] | {"archived_at": away[id_]["archived_at"]} for id_ in "ab"}
    assert gateway.get("/api/tasks/counts")["total"] == 0


def test_a_task_that_others_wait_for_is_deleted_too(gateway: Gateway) -> None:
    gateway.create("a")
    gateway.create("b", inputs=["a"])

    answer = gateway.post("/api/tasks/bulk-delete", {"task_ids": ["a"]})

    assert answer == {"deleted": ["a"], "missing": [], "count": 1}
    assert gateway.ids() == ["b"]


def test_ten_thousand_ids_are_done_in_one_call(gateway: Gateway) -> None:
    ids = [f"t{n}" for n in range(10_000)]
    gateway.take_in(*(imported(id_) for id_ in ids[::4]))

    answer = gateway.post("/api/tasks/bulk-archive", {"task_ids": ids})

    assert answer["archived"] == ids[::4]
    assert answer["missing"] == [id_ for n, id_ in enumerate(ids) if n % 4]
    assert gateway.get("/api/archive", limit=0)["count"] == len(ids[::4])


def test_each_of_many_is_archived_by_one_and_deleted_by_one_or_the_other(
    gateway: Gateway,
) -> None:
    ids = [f"t{n}" for n in range(3_000)]
    gateway.take_in(*(imported(id_) for id_ in ids))
    start = Barrier(4)

    def call(path: str, given: list[str]) -> dict[str, Any]:
        with gateway.server.client(gateway.key) as client:
            start.wait()
            return client.post(path, json={"task_ids": given}, timeout=60).json()

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, path, given) for path in BULK for given in (ids, ids[::-1])]
        archived = [call.result()["archived"] for call in calls[:2]]
        deleted = [call.result()["deleted"] for call in calls[2:]]

    away = set(gateway.ids("/api/archive", limit=-1))
    once = archived[0] + archived[1] + deleted[0] + deleted[1]
    assert sorted(once) == sorted(ids)
    assert away == {*archived[0], *archived[1]}
    assert gateway.ids(limit=-1) == []
    assert asyncio.run(counted_wrong(gateway)) == {}


async def counted_wrong(gateway: Gateway) -> dict[str, Any]:
    async with open_ledger(gateway.server.database) as ledger:
        return await miscounted(ledger)


@pytest.mark.parametrize("path", ["/api/tasks/t/archive", "/api/tasks/t"])
def test_one_of_many_callers_at_once_succeeds_and_the_others_hear_not_found(
    gateway: Gateway, path: str
) -> None:
    gateway.create("t")
    method = "POST" if path.endswith("archive") else "DELETE"
    start = Barrier(8)

    def call(_number: int) -> httpx.Response:
        with gateway.server.client(gateway.key) as client:
            start.wait()
            return client.request(method, path)

    with ThreadPoolExecutor(8) as pool:
        statuses = [response.status_code for response in pool.map(call, range(8))]

    assert sorted(statuses) == [200] + 7 * [404]


def test_what_ended_and_is_old_is_archived_newest_first(gateway: Gateway) -> None:
    now = clock.now()
    gateway.take_in(
        imported("old", at=now - 200 * HOUR),
        imported("older", "failed", at=now - 300 * HOUR),
        imported("kept up", "cancelled", at=now - 300 * HOUR, updated_at=now - 10 * HOUR),
        imported("young", at=now - HOUR),
        imported("open", "running", at=now - 300 * HOUR),
        imported("open too", "queued", at=now - HOUR),
        imported("away", at=now - 400 * HOUR, archived_at=NOON),
    )

    assert gateway.post("/api/tasks/archive-expired") == {
        "archived": ["old", "older"],
        "count": 2,
        "hours": 72,
        "terminal_only": True,
        "skipped_running": ["open too", "open"],
    }
    assert gateway.ids() == ["open too", "young", "open", "kept up"]


def test_without_terminal_only_age_alone_counts(gateway: Gateway) -> None:
    now = clock.now()
    gateway.take_in(
        imported("open", "running", at=now - 100 * HOUR),
        imported("ended", at=now - 99 * HOUR),
        imported("young", "running", at=now - HOUR),
    )

    assert gateway.post("/api/tasks/archive-expired", hours=50, terminal_only="no") == {
        "archived": ["ended", "open"],
        "count": 2,
        "hours": 50,
        "terminal_only": False,
        "skipped_running": [],
    }


@pytest.mark.parametrize("hours", [0, -1, -5_000_000])
def test_no_hours_or_fewer_mean_everything_that_ended(gateway: Gateway, hours: int) -> None:
    gateway.report("ended", state="succeeded")
    gateway.create("open")

    answer = gateway.post("/api/tasks/archive-expired", hours=hours)

    assert (answer["archived"], answer["skipped_running"]) == (["ended"], ["open"])


@pytest.mark.parametrize("hours", [17_800_000, 18_000_000, -80_000_000, 2**63 - 1, -(2**63)])
def test_hours_beyond_all_dates_are_refused(sqlite_gateway: Gateway, hours: int) -> None:
    response = sqlite_gateway.http.post("/api/tasks/archive-expired", params={"hours": hours})

    (flaw,) = response.json()["detail"]
    assert response.status_code == 422
    assert (flaw["loc"], flaw["input"]) == (["query", "hours"], str(hours))
    assert flaw["type"] == ("less_than_equal" if hours > 0 else "greater_than_equal")


def test_a_task_that_is_reported_on_again_without_news_still_grows_old(gateway: Gateway) -> None:
    at = clock.now() - 100 * HOUR
    gateway.take_in(imported("t", "running", at=at, started_at=at))
    gateway.report("t", state="running")

    answer = gateway.post("/api/tasks/archive-expired", terminal_only=False)

    assert answer["archived"] == ["t"]


def test_every_expired_task_of_several_chunks_is_archived(gateway: Gateway) -> None:
    ids = [f"t{n}" for n in range(2_500)]
    gateway.take_in(*(imported(id_, at=NOON - n) for n, id_ in enumerate(ids)))

    assert gateway.post("/api/tasks/archive-expired")["archived"] == ids
    assert gateway.ids("/api/archive", limit=-1) == ids
