"""Lists of active and of archived tasks: rows, order, totals, filters, pages."""

from collections import Counter
from typing import Any

import httpx
import pytest

from farwork.domain.commands import Details
from farwork.domain.values import Fault
from tests.dialects.uniqc.gateway import HOUR, Gateway
from tests.dialects.uniqc.past import NOON, imported, sharded

MANY = 230


def test_a_row_shows_all_but_the_result(gateway: Gateway) -> None:
    details = Details({"p": 1}, {"circuit_ir": "H q[0]"}, {"uniqc": {"shots": 250}})
    gateway.take_in(
        imported(
            "t",
            at=NOON + 5,
            updated_at=NOON + HOUR,
            result={"00": 5},
            details=details,
            percent=100.0,
        )
    )

    assert gateway.get("/api/tasks") == {
        "tasks": [
            {
                "task_id": "t",
                "backend": "originq:WK_C180",
                "status": "success",
                "shots": 250,
                "submit_time": "2026-03-25T12:00:00.000005+00:00",
                "update_time": "2026-03-25T13:00:00.000000+00:00",
                "has_result": True,
                "metadata": {"circuit_ir": "H q[0]"},
                "archived_at": None,
                "error_message": None,
                "shard_count": 0,
                "progress": 100.0,
            }
        ],
        "total": 1,
        "limit": 100,
        "offset": 0,
    }


def test_a_row_tells_of_the_error_the_shards_and_the_progress(gateway: Gateway) -> None:
    gateway.create("t", shards=[{"index": 0}, {"index": 1, "item_offset": 1}])
    gateway.report("t", shard={"index": 0, "state": "failed", "error": {"message": "no queue"}})
    gateway.report("t", shard={"index": 1, "state": "succeeded"})

    (row,) = gateway.get("/api/tasks")["tasks"]

    assert {key: row[key] for key in ("status", "error_message", "shard_count", "progress")} == {
        "status": "failed",
        "error_message": "shard 0: no queue",
        "shard_count": 2,
        "progress": 100.0,
    }


def test_every_task_of_the_project_shows_whichever_way_it_came_in(gateway: Gateway) -> None:
    gateway.take_in(imported("imported"))
    gateway.create("created", queue="gpu")
    gateway.report("reported", state="running")

    rows = gateway.get("/api/tasks")["tasks"]

    assert [(row["task_id"], row["backend"], row["status"], row["shots"]) for row in rows] == [
        ("reported", "default", "running", 1000),
        ("created", "gpu", "pending", 1000),
        ("imported", "originq:WK_C180", "success", 1000),
    ]


def test_tasks_of_another_project_do_not_show(gateway: Gateway) -> None:
    gateway.create("t")
    other = Gateway(gateway.server, "elsewhere", gateway.server.key("operator", "elsewhere"))

    with other:
        assert other.get("/api/tasks")["total"] == 0
        assert other.refused("GET", "/api/tasks/t")[0] == 404


def test_the_newest_comes_first_and_of_one_instant_the_later_stored(gateway: Gateway) -> None:
    gateway.take_in(
        imported("old", at=NOON - HOUR),
        imported("one", at=NOON),
        imported("new", at=NOON + HOUR),
        imported("two", at=NOON),
    )

    assert gateway.ids() == ["new", "two", "one", "old"]


@pytest.mark.parametrize("path", ["/api/tasks", "/api/archive"])
def test_limit_and_offset_cut_a_page_out_of_the_list(gateway: Gateway, path: str) -> None:
    archived_at = NOON + HOUR if path == "/api/archive" else None
    gateway.take_in(*(imported(f"t{n}", at=NOON - n, archived_at=archived_at) for n in range(6)))

    def page(**asked: int) -> tuple[list[str], int]:
        answer = gateway.get(path, **asked)
        assert (answer["limit"], answer["offset"]) == (
            asked.get("limit", 100),
            asked.get("offset", 0),
        )
        return [row["task_id"] for row in answer["tasks"]], answer["total"]

    assert page() == (["t0", "t1", "t2", "t3", "t4", "t5"], 6)
    assert page(limit=2) == (["t0", "t1"], 6)
    assert page(limit=2, offset=1) == (["t1", "t2"], 6)
    assert page(limit=2, offset=5) == (["t5"], 6)
    assert page(offset=6) == ([], 6)
    assert page(offset=2**62) == ([], 6)
    assert page(limit=0) == ([], 6)
    assert page(limit=-1) == (["t0", "t1", "t2", "t3", "t4", "t5"], 6)
    assert page(limit=-7, offset=4) == (["t4", "t5"], 6)
    assert page(limit=2, offset=-3) == (["t0", "t1"], 6)
    assert page(limit=2**63 - 1, offset=3) == (["t3", "t4", "t5"], 6)


@pytest.mark.parametrize("limit", [-1, MANY, MANY - 1, 10 * MANY, 200, 100])
def test_a_list_of_more_than_a_chunk_comes_whole_and_in_order(gateway: Gateway, limit: int) -> None:
    states = ["queued", "running", "created", "blocked"]
    gateway.take_in(*(imported(f"t{n}", states[n % 4], at=NOON - n) for n in range(MANY)))
    wanted = MANY if limit < 0 else limit

    pending = [f"t{n}" for n in range(MANY) if n % 4 != 1]

    assert gateway.ids(limit=limit) == [f"t{n}" for n in range(MANY)][:wanted]
    assert gateway.ids(limit=limit, offset=7) == [f"t{n}" for n in range(7, MANY)][:wanted]
    assert gateway.ids(limit=limit, status="pending") == pending[:wanted]
    assert gateway.ids(limit=limit, status="pending", offset=120) == pending[120:][:wanted]


def test_status_and_backend_filter_exactly(gateway: Gateway) -> None:
    gateway.take_in(
        imported("a", "created"),
        imported("b", "blocked"),
        imported("c", "queued", queue="dummy:local"),
        imported("d", "running"),
        imported("e", "succeeded", queue="dummy:local"),
        imported("f", "failed"),
        imported("g", "cancelled"),
    )

    def found(**asked: str) -> tuple[str, int]:
        answer = gateway.get("/api/tasks", **asked)
        return "".join(sorted(row["task_id"] for row in answer["tasks"])), answer["total"]

    assert found(status="pending") == ("abc", 3)
    assert found(status="running") == ("d", 1)
    assert found(status="success") == ("e", 1)
    assert found(status="failed") == ("f", 1)
    assert found(status="cancelled") == ("g", 1)
    assert found(backend="dummy:local") == ("ce", 2)
    assert found(backend="dummy:local", status="pending") == ("c", 1)
    assert found(backend="originq:WK_C180") == ("abdfg", 5)
    for nothing in ("Success", "succeeded", "queued", "weird", ""):
        assert found(status=nothing) == ("", 0)
    for nothing in ("originq", "DUMMY:LOCAL", "", "a\0b"):
        assert found(backend=nothing) == ("", 0)


def test_the_archive_counts_all_that_it_holds_beside_what_matches(gateway: Gateway) -> None:
    gateway.take_in(
        imported("a", archived_at=NOON),
        imported("b", archived_at=NOON, queue="gpu"),
        imported("c", "failed", archived_at=NOON),
        imported("active"),
    )

    answer = gateway.get("/api/archive", backend="originq:WK_C180", status="success", limit=1)

    (row,) = answer.pop("tasks")
    assert (row["task_id"], row["archived_at"]) == ("a", "2026-03-25T12:00:00.000000+00:00")
    assert answer == {"total": 1, "count": 3, "limit": 1, "offset": 0}


def test_the_archive_is_ordered_by_submission(gateway: Gateway) -> None:
    gateway.take_in(imported("old", at=NOON), imported("new", at=NOON + 1))

    gateway.post("/api/tasks/new/archive")
    gateway.post("/api/tasks/old/archive")

    assert gateway.ids("/api/archive") == ["new", "old"]


def test_a_row_says_that_there_is_a_result_where_the_full_record_shows_one(
    gateway: Gateway,
) -> None:
    results: dict[str, Any] = {"object": {}, "list": [], "zero": 0, "empty": "", "false": False}
    gateway.take_in(
        *(imported(name, result=data) for name, data in results.items()),
        imported("none"),
        sharded(imported("shards"), {"0": 1}, {"1": 2}),
        sharded(imported("failed", "failed", error=Fault(message="x")), {"0": 1}),
    )

    rows = {row["task_id"]: row["has_result"] for row in gateway.get("/api/tasks")["tasks"]}
    shown = {name: gateway.get(f"/api/tasks/{name}")["result"] for name in rows}

    assert rows == {name: shown[name] is not None for name in rows}
    assert shown == results | {"none": None, "shards": [{"0": 1}, {"1": 2}], "failed": None}


def test_counts_are_of_active_tasks_by_status(gateway: Gateway) -> None:
    states = Counter(created=1, blocked=1, queued=2, running=3, succeeded=4, failed=5, cancelled=6)
    gateway.take_in(
        *(imported(f"{state}-{n}", state) for state, of in states.items() for n in range(of)),
        imported("away", archived_at=NOON),
    )

    assert gateway.get("/api/tasks/counts") == {
        "pending": 4,
        "running": 3,
        "success": 4,
        "failed": 5,
        "cancelled": 6,
        "total": 22,
    }


def test_a_long_list_is_sent_in_pieces_and_a_page_at_once(sqlite_gateway: Gateway) -> None:
    sqlite_gateway.create("t")

    def headers(limit: int) -> httpx.Headers:
        return sqlite_gateway.http.get("/api/tasks", params={"limit": limit}).headers

    assert "content-length" in headers(100)
    assert headers(-1)["transfer-encoding"] == "chunked"
