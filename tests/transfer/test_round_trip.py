"""What one server gives out, another takes in, and then both give the same answers."""

import json
from typing import Any

import pytest

from tests.support.apps import Client, served

pytestmark = pytest.mark.anyio

NDJSON = {"Content-Type": "application/x-ndjson"}
TASKS: list[dict[str, Any]] = [
    {"id": "plain", "kind": "train", "queue": "gpu", "labels": {"team": "x", "äö": "ß"}},
    {"id": "wide", "name": "a name", "params": {"a": [1, 2.5, 1e300]}, "priority": 7,
     "metadata": {"deep": {"er": [None, True, "日本"]}}, "extensions": {"uniqc": {"shots": 5}}},
    {"id": "waiting", "inputs": ["plain", "wide"], "on_input_failure": "hold", "job_id": "j"},
    {"id": "kept back", "submit": False, "job_id": "j", "external_ref": "x/1"},
    {"id": "sharded", "metadata": {"batch_size": 3}, "shards": [
        {"index": 0, "item_count": 2, "external_ref": "P0", "queue": "q"},
        {"index": 1, "item_offset": 2}]},
    {"id": "half done", "items_total": 4, "shards": [{"index": 0}, {"index": 1}]},
    {"id": "ended", "job_id": "j"},
    {"id": "tried twice"},
    {"id": "out of sight"},
    {"id": "slash/ünï"},
]  # fmt: skip
REPORTS: list[dict[str, Any]] = [
    {"task_id": "plain", "state": "running", "progress": {"percent": 41.5, "message": "epoch 2"},
     "reported_status": "TRAINING", "origin": {"source": "lab", "zone": "eu"}},
    {"task_id": "sharded", "shard": {"index": 0, "state": "succeeded", "result": [{"0": 1}, {}]}},
    {"task_id": "sharded", "shard": {"index": 1, "state": "succeeded", "result": None}},
    {"task_id": "half done", "shard": {"index": 0, "state": "failed", "reason": "oom",
     "error": {"category": "oom", "message": "too much", "details": {"gb": 3}}}},
    {"task_id": "ended", "state": "succeeded", "result": {"x": [1, {"y": None}]},
     "results": [{"name": "model", "type": "onnx", "files": [{"name": "m", "url": "s3://b/m"}]}],
     "metadata": {"loss": 0.25}, "started_at": "2026-01-02T03:04:05.678901Z"},
    {"task_id": "tried twice", "state": "failed", "error": {"message": "no"}, "result": "first"},
    {"task_id": "unannounced", "kind": "webhook", "state": "failed", "result": None,
     "error": {"category": "rejected"}, "reason": "rejected"},
    {"task_id": "out of sight", "state": "cancelled"},
]  # fmt: skip
# One stands in a job that was created later.
JOBS: list[dict[str, Any]] = [
    {"id": "early", "name": "Early"},
    {"id": "outer", "name": "Outer", "labels": {"team": "x"}, "metadata": {"deep": [1, None]}},
    {"id": "j", "name": "Sweep", "parent_id": "early", "metadata": {"grid": 3}},
    {"id": "empty"},
]
IDS: list[str] = [task["id"] for task in TASKS] + ["unannounced"]


async def fill(client: Client) -> None:
    for job in JOBS:
        assert (await client.post("/v1/jobs", json=job)).status_code == 201
    moved = await client.patch("/v1/jobs/early", json={"parent_id": "outer"})
    assert moved.status_code == 200, moved.text
    created = await client.post("/v1/tasks", json=TASKS)
    assert created.status_code == 201, created.text
    for one in REPORTS:
        response = await client.post("/v1/reports", json=one)
        assert response.status_code == 200, response.text
    for path in ("tried%20twice/retry", "out%20of%20sight/archive"):
        assert (await client.post(f"/v1/tasks/{path}")).status_code == 200
    late = {"task_id": "tried twice", "attempt": 1, "state": "succeeded", "result": "late"}
    assert (await client.post("/v1/reports", json=late)).json()["verdict"] == "late"


async def exported(client: Client, **filters: str) -> bytes:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    response = await client.get(f"/v1/export?{query}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return response.content


async def answers(client: Client) -> dict[str, Any]:
    """Everything that the native API tells of the tasks and that an import is to keep."""
    found: dict[str, Any] = {}
    for id_ in IDS:
        path = f"/v1/tasks/{id_}".replace("/ü", "%2Fü")
        task = await client.get(path)
        assert task.status_code == 200, path
        found[id_] = task.json()
        for part in ("shards?results=true", "results", "attempts"):
            found[f"{id_} {part}"] = (await client.get(f"{path}/{part}")).json()
    for query in ("tasks?limit=500", "tasks?archived=true", "tasks?label=team=x&order=updated",
                  "tasks?job_id=j", "counts?by=state", "counts?by=queue", "counts?by=kind",
                  "counts?archived=true", "jobs", "jobs?parent_id=outer"):  # fmt: skip
        found[query] = (await client.get(f"/v1/{query}")).json()
    return found


@pytest.fixture(
    params=[
        "sqlite to sqlite",
        pytest.param("postgresql to sqlite", marks=pytest.mark.postgres),
        pytest.param("sqlite to postgresql", marks=pytest.mark.postgres),
    ]
)
def urls(request: pytest.FixtureRequest, tmp_path: Any) -> list[str]:
    """A database to export from and one to import into."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    words = request.param.split(" to ")
    fixtures = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}
    found = {w: request.getfixturevalue(fixtures[w]) for w in dict.fromkeys(words)}
    return [found[words[0]], other if words[0] == words[1] else found[words[1]]]


async def test_export_import_export_is_the_same_to_the_byte_and_so_are_the_answers(
    urls: list[str],
) -> None:
    async with served(urls[0]) as client:
        await fill(client)
        first = await exported(client)
        told = await answers(client)

    async with served(urls[1]) as client:
        taken = await client.post("/v1/import", content=first, headers=NDJSON)
        assert taken.json() == {
            "created": len(IDS),
            "replaced": 0,
            "refused": 0,
            "refusals": [],
            "jobs": len(JOBS),
        }
        assert await exported(client) == first
        assert await answers(client) == told
        again = await client.post("/v1/import", content=first, headers=NDJSON)
        assert (again.json()["created"], again.json()["replaced"]) == (0, len(IDS))
        assert len((await exported(client)).splitlines()) == len(JOBS) + len(IDS)


async def test_jobs_come_in_with_what_they_stand_in_and_never_in_circles(sqlite_url: str) -> None:
    lines = [
        {"job": {"id": "a", "parent_id": "b", "labels": {"team": "x"}}},
        {"job": {"id": "b", "parent_id": "a"}},
        {"job": {"id": "c", "parent_id": "c"}},
        {"job": {"id": "d", "colour": "red"}},
        {"job": {"id": "a", "name": "Again"}},
    ]
    async with served(sqlite_url) as client:
        taken = (await client.post("/v1/import", json=lines)).json()
        refusals = {refusal["line"]: refusal["reason"] for refusal in taken["refusals"]}
        assert (taken["jobs"], taken["refused"], set(refusals)) == (2, 3, {2, 3, 4})
        assert "stands in the job 'b' itself" in refusals[2]
        assert "colour" in refusals[4]
        jobs = (await client.get("/v1/jobs")).json()["items"]
        assert {(job["id"], job["name"], job["parent_id"]) for job in jobs} == {
            ("a", "Again", None),
            ("b", None, None),
        }


async def test_a_waiting_task_that_was_imported_goes_on_when_its_inputs_end(
    urls: list[str],
) -> None:
    async with served(urls[0]) as client:
        await fill(client)
        lines = (await exported(client)).splitlines()

    async with served(urls[1]) as client:
        # In whatever order they come: what waits may come before what it waits for.
        await client.post("/v1/import", content=b"\n".join(reversed(lines)), headers=NDJSON)
        assert (await client.get("/v1/tasks/waiting")).json()["state"] == "blocked"
        for id_ in ("plain", "wide"):
            await client.post("/v1/reports", json={"task_id": id_, "state": "succeeded"})
        assert (await client.get("/v1/tasks/waiting")).json()["state"] == "queued"


async def test_filters_say_what_is_exported(sqlite_url: str) -> None:
    async with served(sqlite_url) as client:
        await fill(client)

        async def ids(**filters: str) -> list[str]:
            lines = (await exported(client, **filters)).splitlines()
            return [json.loads(line)["id"] for line in lines]

        sweep = (await exported(client, job_id="j")).splitlines()
        assert json.loads(sweep[0])["job"]["name"] == "Sweep"
        assert {json.loads(line)["id"] for line in sweep[1:]} == {"waiting", "kept back", "ended"}

        assert await ids(archived="true") == ["out of sight"]
        assert await ids(job_id="j", state="succeeded") == ["ended"]
        assert await ids(label="team=x") == ["plain"]
        assert (await client.get("/v1/export", params={"colour": "red"})).status_code == 400
