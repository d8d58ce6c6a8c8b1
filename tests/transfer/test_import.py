"""`POST /v1/import`: each record for itself, a reason for each that is not taken, never a 5xx."""

import json
from typing import Any

import pytest

from farwork.service.access import Role
from tests.support.apps import Client, make_key, served

pytestmark = pytest.mark.anyio

NDJSON = {"Content-Type": "application/x-ndjson"}
NOON = "2026-01-02T12:00:00Z"
LATER = "2026-01-02T13:00:00Z"
EARLIER = "2026-01-02T11:00:00Z"


async def take(client: Client, *records: Any) -> dict[str, Any]:
    response = await client.post("/v1/import", json=list(records))
    assert response.status_code == 200, response.text
    return response.json()


async def task(client: Client, task_id: str, part: str = "") -> Any:
    return (await client.get(f"/v1/tasks/{task_id}{part}")).json()


async def report(client: Client, **said: Any) -> dict[str, Any]:
    return (await client.post("/v1/reports", json=said)).json()


async def test_only_the_id_is_required(database_url: str) -> None:
    async with served(database_url) as client:
        assert await take(client, {"id": "a"}) == {
            "created": 1,
            "replaced": 0,
            "refused": 0,
            "refusals": [],
            "jobs": 0,
        }
        found = await task(client, "a")
        assert (found["state"], found["queue"], found["version"]) == ("created", "default", 1)


async def test_times_that_are_not_given_follow_from_those_that_are(database_url: str) -> None:
    async with served(database_url) as client:
        await take(
            client, {"id": "a", "state": "failed", "started_at": NOON, "completed_at": LATER}
        )
        found = await task(client, "a")
        assert (found["created_at"], found["updated_at"]) == (NOON, LATER)


async def test_the_shape_that_is_documented_is_taken_as_it_stands(database_url: str) -> None:
    record = {
        "id": "run-1", "kind": "train", "name": "first", "queue": "gpu", "state": "failed",
        "reason": "oom", "progress": 42, "params": {"p": 1}, "metadata": {"m": 2},
        "labels": {"team": "x"}, "result": {"partial": True},
        "error": {"category": "oom", "message": "too much"}, "created_at": EARLIER,
        "updated_at": NOON, "started_at": EARLIER, "completed_at": NOON, "archived_at": LATER,
        "external_ref": "slurm/7", "job_id": "j", "inputs": ["elsewhere"],
        "extensions": {"uniqc": {"shots": 1000}},
        "shards": [{"index": 0, "external_ref": "P0", "queue": "q", "item_count": 2,
                    "item_offset": 0, "state": "failed", "result": None,
                    "error": {"message": "no"}, "created_at": EARLIER, "updated_at": NOON}],
    }  # fmt: skip
    async with served(database_url) as client:
        assert (await take(client, record))["created"] == 1
        found = await task(client, "run-1")
        same = ("kind", "name", "queue", "state", "reason", "params", "metadata", "labels",
                "created_at", "updated_at", "started_at", "completed_at", "archived_at",
                "external_ref", "job_id", "inputs", "extensions")  # fmt: skip
        assert {name: found[name] for name in same} == {name: record[name] for name in same}
        # A task with shards is as far as they are.
        assert found["progress"]["percent"] == 100
        assert (await task(client, "run-1", "/results"))["items"][0]["data"] == {"partial": True}
        (shard,) = (await task(client, "run-1", "/shards"))["items"]
        assert (shard["external_ref"], shard["item_count"], shard["state"]) == ("P0", 2, "failed")


async def test_a_record_replaces_the_task_of_its_id_with_all_that_hung_on_it(
    database_url: str,
) -> None:
    async with served(database_url) as client:
        await report(client, task_id="a", state="succeeded", result=1, metadata={"old": 1})
        taken = await take(client, {"id": "a", "state": "running", "metadata": {"new": 1}})
        assert (taken["created"], taken["replaced"]) == (0, 1)
        found = await task(client, "a")
        assert (found["state"], found["metadata"], found["has_result"]) == (
            "running",
            {"new": 1},
            False,
        )
        assert (await task(client, "a", "/results"))["items"] == []


REFUSED: list[tuple[Any, str]] = [
    ({"id": "x", "state": "finished"}, "/state: must be one of created"),
    ({"id": "x", "colour": 1}, "/colour: is not known here"),
    ({"kind": "x"}, "/id: is missing"),
    ({"id": ""}, "/id: must have at least 1 character"),
    ({"id": "x" * 300}, "/id: must have at most 255 characters"),
    ({"id": "a\0b"}, "/id: "),
    ({"id": "x", "params": {"a": "\0"}}, "/params/a: must not hold a NUL character"),
    ({"id": "x", "completed_at": NOON}, "/completed_at: a task that is created has not ended"),
    ({"id": "x", "state": "running", "completed_at": NOON}, "/completed_at: a task that is"),
    ({"id": "x", "created_at": "yesterday"}, "/created_at: "),
    ({"id": "x", "created_at": "0001-01-01T00:00:00+09:00"}, ""),
    ({"id": "x", "progress": 101}, "/progress: must be between 0 and 100"),
    ({"id": "x", "state": "blocked"}, "/inputs: a blocked task must name what it waits for"),
    ({"id": "x", "inputs": ["x"]}, "/inputs: a task cannot wait for itself"),
    ({"id": "x", "shards": [{"index": 0}, {"index": 0}]}, "/shards: two shards have the same"),
    ({"id": "x", "shards": [{"index": -1}]}, "/shards/0/index: must be"),
    ({"id": "x", "attempt": 2, "attempts": [{"number": 2, "state": "failed"}]}, "/attempts/0/nu"),
    ({"id": "x", "attempt": 2, "attempts": [{"number": 1, "state": "queued"}]}, "/attempts/0/st"),
    ({"id": "x", "result": 1, "results": [{"data": 2}]}, "/results: the data of the task's own"),
    ({"id": "x", "results": [{"attempt": 2}]}, "/results/0/attempt: has not begun"),
    ({"id": "x", "results": [{"name": "a"}, {"name": "a"}]}, "/results: two results of an"),
    ({"id": "x", "pinned": ["version"]}, "/pinned: may name kind"),
    ({"id": "x", "labels": {"k": 1}}, "/labels/k: must be a string"),
    (["x"], "must be an object, not"),
    (None, "must be an object, not"),
    (17, "must be an object, not"),
]


async def test_a_record_that_cannot_be_taken_is_named_and_the_others_are_taken(
    sqlite_url: str,
) -> None:
    async with served(sqlite_url) as client:
        wrong = [record for record, _ in REFUSED]
        taken = await take(client, {"id": "first"}, *wrong, {"id": "last"})

        assert (taken["created"], taken["refused"]) == (2, len(REFUSED))
        places = [refusal["line"] for refusal in taken["refusals"]]
        assert places == list(range(2, len(REFUSED) + 2))
        for (record, reason), refusal in zip(REFUSED, taken["refusals"], strict=True):
            assert reason in refusal["reason"], (record, refusal)
            assert refusal["id"] == (record["id"] if "'id'" in repr(record) else None)
        counts = (await client.get("/v1/counts")).json()
        assert counts["total"] == 2, counts


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "truncated"),
        (b'{"id": "x"} {"id": "y"}', "Trailing characters"),
        (b'{"id": NaN}', "finite"),
        (b'{"id": "x", "progress": 1e999}', ""),
        (b'{"id": "\xff\xfe"}', "It is not UTF-8"),
        (b'{"id": "\\ud800"}', "half of a surrogate pair"),
        (b'{"id": "x", "params": ' + b'{"a":' * 100 + b"1" + b"}" * 101, "nested more than 64"),
        (b"[" * 100_000, "nested more than 64"),
        (b'{"id": "x", "name": "' + b"n" * (1 << 20) + b'"}', "a record has at most 1000000"),
    ],
)
async def test_a_line_that_is_no_record_is_named(sqlite_url: str, line: bytes, reason: str) -> None:
    async with served(sqlite_url, batch_body_bytes_max=1_000_000) as client:
        content = b'{"id": "first"}\n\n' + line + b'\n{"id": "last"}'
        response = await client.post("/v1/import", content=content, headers=NDJSON)

        taken = response.json()
        assert response.status_code == 200
        assert (taken["created"], taken["refused"]) == (2, 1), taken
        (refusal,) = taken["refusals"]
        assert refusal["line"] == 3
        assert reason in refusal["reason"], refusal


@pytest.mark.parametrize("content", [b"", b" \n ", b"id,state\nx,failed", b'"x"'])
async def test_what_is_no_list_and_no_record_is_refused_whole(
    sqlite_url: str, content: bytes
) -> None:
    async with served(sqlite_url) as client:
        response = await client.post("/v1/import", content=content)
        assert (response.status_code, response.json()["code"]) == (400, "not_json")


async def test_only_so_many_refusals_are_listed_and_all_are_counted(sqlite_url: str) -> None:
    async with served(sqlite_url) as client:
        content = b"\n".join([b"{}"] * 1_500)
        taken = (await client.post("/v1/import", content=content, headers=NDJSON)).json()
        assert (taken["refused"], len(taken["refusals"])) == (1_500, 1_000)


async def test_a_stream_of_several_transactions_is_taken_in_order(database_url: str) -> None:
    records = [{"id": f"t{number % 1_200}", "name": str(number)} for number in range(1_203)]
    async with served(database_url) as client:
        content = "\n".join(map(json.dumps, records))
        response = await client.post("/v1/import", content=content, headers=NDJSON)
        taken = response.json()
        assert (taken["created"], taken["replaced"], taken["refused"]) == (1_200, 3, 0)
        assert (await task(client, "t2"))["name"] == "1202"
        assert (await client.get("/v1/counts")).json()["total"] == 1_200


async def test_reports_after_an_import_count_from_its_last_update_on(database_url: str) -> None:
    async with served(database_url) as client:
        times = {"created_at": EARLIER, "updated_at": NOON}
        await take(
            client,
            {"id": "runs", "state": "running", "progress": 50} | times,
            {"id": "ended", "state": "failed", "completed_at": NOON} | times,
        )

        old = await report(client, task_id="runs", progress=10, occurred_at=EARLIER)
        new = await report(client, task_id="runs", progress=60, occurred_at=LATER)
        late = await report(client, task_id="ended", state="running", occurred_at=LATER)
        end = await report(client, task_id="ended", state="succeeded", occurred_at=LATER)

        assert [one["verdict"] for one in (old, new, late)] == ["stale", "applied", "conflict"]
        assert (await task(client, "runs"))["progress"]["percent"] == 60
        assert (end["verdict"], end["state"]) == ("applied", "succeeded")


async def test_shards_that_were_imported_are_summed_up_further(database_url: str) -> None:
    async with served(database_url) as client:
        done = {"state": "succeeded", "item_count": 2, "updated_at": NOON, "result": [1, 2]}
        record = {"id": "batch", "state": "running", "updated_at": NOON}
        record |= {"metadata": {"batch_size": 5}, "shards": [{"index": 0} | done]}
        await take(client, record)
        assert (await task(client, "batch"))["items_total"] == 5

        shard = {"index": 1, "item_offset": 2, "item_count": 2, "state": "succeeded"}
        await report(client, task_id="batch", shard=shard | {"result": [3, 4]})
        found = await task(client, "batch")
        assert (found["state"], found["reason"]) == ("running", "incomplete")

        shard = {"index": 2, "item_offset": 4, "state": "succeeded", "result": 5}
        await report(client, task_id="batch", shard=shard)
        assert (await task(client, "batch"))["state"] == "succeeded"
        (result,) = (await task(client, "batch", "/results"))["items"]
        assert result["data"] == [1, 2, 3, 4, 5]


async def test_what_a_batch_size_says_is_overruled_by_what_the_record_says(
    sqlite_url: str,
) -> None:
    async with served(sqlite_url) as client:
        await take(
            client,
            {"id": "none", "metadata": {"batch_size": 5}, "items_total": None},
            {"id": "other", "metadata": {"batch_size": 5}, "items_total": 7},
            {"id": "no count", "metadata": {"batch_size": True}},
        )
        found = [(await task(client, i))["items_total"] for i in ("none", "other", "no%20count")]
        assert found == [None, 7, None]


async def test_a_blocked_task_whose_inputs_have_ended_is_let_go(database_url: str) -> None:
    async with served(database_url) as client:
        await take(
            client,
            {"id": "input", "state": "succeeded"},
            {"id": "after", "state": "blocked", "inputs": ["input"]},
            {"id": "before", "state": "blocked", "inputs": ["later"]},
            {"id": "later", "state": "succeeded"},
        )
        assert [(await task(client, i))["state"] for i in ("after", "before")] == ["queued"] * 2


async def test_an_import_needs_an_admin_and_an_export_a_viewer(sqlite_url: str) -> None:
    async with served(sqlite_url, auth="on") as client:
        for role, status in ((Role.OPERATOR, 403), (Role.ADMIN, 200)):
            headers = {"Authorization": f"Bearer {make_key(sqlite_url, role)}"}
            response = await client.post("/v1/import", json=[{"id": "a"}], headers=headers)
            assert response.status_code == status
        assert (await client.get("/v1/export")).status_code == 401
        viewer = {"Authorization": f"Bearer {make_key(sqlite_url, Role.VIEWER)}"}
        assert (await client.get("/v1/export", headers=viewer)).status_code == 200
