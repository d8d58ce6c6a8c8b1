"""One task: its record, its shards, and putting it away, back, or out of the world."""

import math
from typing import Any

import pytest

from farwork.domain.commands import Details
from farwork.domain.values import Fault, TaskState
from tests.dialects.uniqc.gateway import HOUR, Gateway
from tests.dialects.uniqc.past import NOON, imported, sharded


def test_a_full_record_has_the_result_in_place_of_the_flag(gateway: Gateway) -> None:
    gateway.take_in(imported("t", result={"00": 512, "11": 488}, details=Details({}, {"n": 2})))
    (row,) = gateway.get("/api/tasks")["tasks"]

    full = gateway.get("/api/tasks/t")

    assert full == {key: row[key] for key in row if key != "has_result"} | {
        "result": {"00": 512, "11": 488}
    }


@pytest.mark.parametrize(
    "id_", ["uqt_0123", "a b", 'd "q"', "é/"[:1], "100%", "a+b", "?#&", "日本"]
)
def test_an_id_may_be_any_segment_of_a_path(gateway: Gateway, id_: str) -> None:
    gateway.take_in(imported(id_))
    path = f"/api/tasks/{quoted(id_)}"

    assert gateway.get(path)["task_id"] == id_
    assert gateway.get(f"{path}/shards")["task_id"] == id_
    assert gateway.post(f"{path}/archive") == {"archived": id_}
    assert gateway.refused("GET", path) == (404, {"detail": f"Task '{id_}' not found"})
    assert gateway.get(f"/api/archive/{quoted(id_)}")["task_id"] == id_
    assert gateway.post(f"/api/archive/restore/{quoted(id_)}") == {"restored": id_}
    assert gateway.refused("GET", f"/api/archive/{quoted(id_)}") == (
        404,
        {"detail": f"Archived task '{id_}' not found"},
    )
    assert gateway.delete(path) == {"deleted": id_}


def quoted(id_: str) -> str:
    return "".join(f"%{byte:02X}" for byte in id_.encode())


@pytest.mark.parametrize("segment", ["a%00b", "%00", "a%2Fb", "%FF"])
def test_no_task_is_found_under_what_cannot_be_an_id(gateway: Gateway, segment: str) -> None:
    for method, path in (
        ("GET", f"/api/tasks/{segment}"),
        ("DELETE", f"/api/tasks/{segment}"),
        ("POST", f"/api/tasks/{segment}/archive"),
        ("GET", f"/api/tasks/{segment}/shards"),
        ("GET", f"/api/archive/{segment}"),
        ("POST", f"/api/archive/restore/{segment}"),
        ("GET", f"/api/circuits/{segment}/svg"),
    ):
        assert gateway.refused(method, path)[0] == 404


def test_names_of_secrets_blank_what_is_under_them_in_metadata_and_result(
    gateway: Gateway,
) -> None:
    kept: dict[str, Any] = {
        "api_key": "x",
        "QUARK-API-KEY": 1,
        "token_count": 5,
        "my_auth_header": ["q"],
        "secret": {"deep": 1},
        "credentials": {"token": "t", "n": 1},
        "list": [{"Password": "p"}, ["x", {"proxy": "y"}]],
        "monkey": 1,
        "keyboard": 2,
        "token": "",
        "passwd": 0,
        "key": None,
        "auth": False,
        "credential": [],
    }
    shown = kept | {
        "api_key": "[REDACTED]",
        "QUARK-API-KEY": "[REDACTED]",
        "token_count": "[REDACTED]",
        "my_auth_header": "[REDACTED]",
        "secret": "[REDACTED]",
        "credentials": {"token": "[REDACTED]", "n": 1},
        "list": [{"Password": "[REDACTED]"}, ["x", {"proxy": "[REDACTED]"}]],
    }
    gateway.take_in(
        imported("t", result=[kept], details=Details({}, kept)),
        imported("away", result=kept, details=Details({}, kept), archived_at=NOON),
    )

    assert gateway.get("/api/tasks")["tasks"][0]["metadata"] == shown
    assert gateway.get("/api/archive")["tasks"][0]["metadata"] == shown
    full = gateway.get("/api/tasks/t")
    assert (full["metadata"], full["result"]) == (shown, [shown])
    assert gateway.get("/api/archive/away")["result"] == shown
    assert gateway.http.get("/v1/tasks/t").json()["metadata"] == kept


def test_numbers_without_a_value_become_null_and_large_ones_stay(gateway: Gateway) -> None:
    result = {"nan": math.nan, "inf": [math.inf, -math.inf], "big": 2**80, "text": "é😀"}
    gateway.take_in(imported("t", result=result, details=Details({}, {"nan": math.nan})))

    full = gateway.get("/api/tasks/t")

    assert full["result"] == {"nan": None, "inf": [None, None], "big": 2**80, "text": "é😀"}
    assert full["metadata"] == {"nan": None}


@pytest.mark.parametrize("shots", [None, "250", 2.5, True, [1]])
def test_shots_that_are_no_number_are_taken_for_the_gateways_own(
    sqlite_gateway: Gateway, shots: Any
) -> None:
    sqlite_gateway.take_in(imported("t", details=Details({}, {}, {"uniqc": {"shots": shots}})))

    assert sqlite_gateway.get("/api/tasks/t")["shots"] == 1000


def test_an_extension_of_another_kind_is_passed_over(sqlite_gateway: Gateway) -> None:
    sqlite_gateway.take_in(imported("t", details=Details({}, {}, {"uniqc": [1]})))

    assert sqlite_gateway.get("/api/tasks/t")["shots"] == 1000


def test_the_result_named_so_goes_before_others_and_files_stand_in_for_data(
    gateway: Gateway,
) -> None:
    one = {"name": "counts", "data": 1}
    gateway.report("named", state="succeeded", results=[one, {"name": "result", "data": 2}])
    gateway.report("other", state="succeeded", results=[one])
    gateway.report("files", state="succeeded", results=[{"files": [{"url": "s3://x"}]}])

    assert [gateway.get(f"/api/tasks/{id_}")["result"] for id_ in ("named", "other", "files")] == [
        2,
        1,
        {"files": [{"url": "s3://x"}]},
    ]


def test_a_late_result_is_not_the_tasks_own(gateway: Gateway) -> None:
    gateway.create("t")
    assert gateway.http.post("/v1/tasks/t/cancel").status_code == 200
    gateway.report("t", state="succeeded", result={"late": 1})

    full = gateway.get("/api/tasks/t")

    assert (full["status"], full["result"]) == ("cancelled", None)


def test_shards_come_by_index_without_their_results(gateway: Gateway) -> None:
    command = sharded(imported("t", "running"), {"0": 1}, [{"1": 2}, {"1": 3}])
    command.shards[1].queue, command.shards[1].item_count = "originq:other", 2
    command.shards[1].state, command.shards[1].error = TaskState.FAILED, Fault(message="lost")
    command.shards[1].external_ref = None
    command.shards.reverse()
    gateway.take_in(command)
    times = dict.fromkeys(("submit_time", "update_time"), "2026-03-25T12:00:00.000000+00:00")

    assert gateway.get("/api/tasks/t/shards") == {
        "task_id": "t",
        "shard_count": 2,
        "shards": [
            {
                "uniqc_task_id": "t",
                "shard_index": 0,
                "platform_task_id": "P0",
                "backend": "originq:WK_C180",
                "circuit_count": 1,
                "sub_index_offset": 0,
                "status": "success",
                "error_message": None,
            }
            | times,
            {
                "uniqc_task_id": "t",
                "shard_index": 1,
                "platform_task_id": "",
                "backend": "originq:other",
                "circuit_count": 2,
                "sub_index_offset": 1,
                "status": "failed",
                "error_message": "lost",
            }
            | times,
        ],
    }


def test_a_task_without_shards_has_none(gateway: Gateway) -> None:
    gateway.create("t")

    assert gateway.get("/api/tasks/t/shards") == {"task_id": "t", "shard_count": 0, "shards": []}


def test_an_archived_task_and_its_shards_are_read_from_the_archive_alone(gateway: Gateway) -> None:
    gateway.take_in(sharded(imported("t"), {"0": 1}))
    shards = gateway.get("/api/tasks/t/shards")

    gateway.post("/api/tasks/t/archive")

    missing = (404, {"detail": "Task 't' not found"})
    assert gateway.refused("GET", "/api/tasks/t") == missing
    assert gateway.refused("GET", "/api/tasks/t/shards") == missing
    assert gateway.refused("DELETE", "/api/tasks/t") == missing
    assert gateway.refused("POST", "/api/tasks/t/archive") == missing
    assert gateway.get("/api/archive/t")["archived_at"] is not None
    assert gateway.get("/api/archive/t/shards") == shards


def test_an_active_task_is_not_in_the_archive(gateway: Gateway) -> None:
    gateway.create("t")

    missing = (404, {"detail": "Archived task 't' not found"})
    assert gateway.refused("GET", "/api/archive/t") == missing
    assert gateway.refused("GET", "/api/archive/t/shards") == missing
    assert gateway.refused("DELETE", "/api/archive/t") == missing
    assert gateway.refused("POST", "/api/archive/restore/t") == missing


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_a_task_that_was_put_away_and_brought_back_is_as_it_was(
    gateway: Gateway, state: str
) -> None:
    command = imported("t", state, result={"0": 1}, details=Details({}, {"a": 1}))
    gateway.take_in(sharded(command, {"0": 1}), imported("twin"))
    before = [gateway.get(path) for path in ("/api/tasks/t", "/api/tasks/t/shards")]

    for _ in range(2):
        gateway.post("/api/tasks/t/archive")
        away = gateway.get("/api/archive/t")
        assert away == before[0] | {"archived_at": away["archived_at"]}
        gateway.post("/api/archive/restore/t")

    assert [gateway.get(path) for path in ("/api/tasks/t", "/api/tasks/t/shards")] == before


def test_a_deleted_task_is_gone_with_its_shards(gateway: Gateway) -> None:
    gateway.take_in(sharded(imported("t", "running"), {"0": 1}), imported("away", archived_at=NOON))

    assert gateway.delete("/api/tasks/t") == {"deleted": "t"}
    assert gateway.delete("/api/archive/away") == {"deleted": "away"}

    assert (gateway.ids(), gateway.ids("/api/archive")) == ([], [])
    assert gateway.refused("DELETE", "/api/tasks/t")[0] == 404
    assert gateway.refused("DELETE", "/api/archive/away")[0] == 404
    gateway.create("t")
    assert gateway.get("/api/tasks/t/shards")["shard_count"] == 0


def test_a_report_that_changes_nothing_leaves_the_update_time(gateway: Gateway) -> None:
    gateway.report("t", state="running", occurred_at="2026-03-25T12:00:00Z", progress=10)
    before = gateway.get("/api/tasks/t")["update_time"]

    gateway.report("t", state="running", occurred_at="2026-03-25T12:00:05Z", progress=10)
    gateway.report("t", progress=5, occurred_at="2026-03-25T11:00:00Z")
    gateway.report("t", state="running", occurred_at="2026-03-25T12:00:00Z", progress=10)
    assert gateway.get("/api/tasks/t")["update_time"] == before

    gateway.report("t", state="running", occurred_at="2026-03-25T12:00:06Z", progress=11)
    assert gateway.get("/api/tasks/t")["update_time"] > before


def test_a_batch_with_fewer_circuits_than_announced_is_no_success(gateway: Gateway) -> None:
    gateway.create("t", items_total=3)
    gateway.report("t", shard={"index": 0, "state": "succeeded", "item_count": 2, "result": [1, 2]})
    assert gateway.get("/api/tasks/t")["status"] == "running"

    gateway.report("t", shard={"index": 1, "state": "succeeded", "item_offset": 2, "result": 3})

    full = gateway.get("/api/tasks/t")
    assert (full["status"], full["result"]) == ("success", [1, 2, 3])


def test_hours_pass_between_submission_and_update(gateway: Gateway) -> None:
    gateway.take_in(imported("t", at=NOON, updated_at=NOON + HOUR + 1))

    full = gateway.get("/api/tasks/t")

    assert (full["submit_time"], full["update_time"]) == (
        "2026-03-25T12:00:00.000000+00:00",
        "2026-03-25T13:00:00.000001+00:00",
    )
