"""Jobs whose time runs out: open tasks end in `timeout`, and `done` never flips back."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from farwork.service.job_deadlines import JobDeadlines, Swept
from farwork.service.ledger import Ledger
from tests.support.apps import Client, served

DAY_US = 86_400_000_000
BASE = "/sampledb/v2/job"
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(database_url: str) -> AsyncGenerator[tuple[Client, JobDeadlines, int]]:
    """A server, its keeper of deadlines, and a time at which every deadline has come."""
    async with served(database_url) as client:
        provide: Any = cast("Any", client).app.dependencies["context"]
        # The application works on a loop of its own.
        context: Any = await provide()
        ledger = Ledger(context.ledger.store)
        yield client, JobDeadlines(ledger), ledger.now() + 2 * DAY_US


async def added(client: Client, job_id: str, worker: str, state: str = "enqueued") -> str:
    body = {"worker": worker, "state": state}
    response = await client.post(f"{BASE}/{job_id}/task", json=body)
    assert response.status_code == 201, response.text
    task_id: str = response.json()["data"]["id"]
    return task_id


async def data(client: Client, path: str) -> Any:
    return (await client.get(f"{BASE}/{path}")).json()["data"]


async def test_open_tasks_end_in_timeout_and_say_which_limit_ran_out(database_url: str) -> None:
    async with opened(database_url) as (client, keeper, then):
        await client.post("/v1/jobs", json={"id": "j"})
        waiting, busy = await added(client, "j", "b"), await added(client, "j", "c", "executing")
        done = await added(client, "j", "a", "success")
        assert await keeper.run_once(then - 3 * DAY_US) == Swept()
        assert await keeper.run_once(then) == Swept(2)
        states = {one["id"]: one["state"] for one in await data(client, "j/tasks")}
        assert states == {done: "success", waiting: "timeout", busy: "timeout"}
        assert "limit of 86400 seconds" in (await data(client, f"j/task/{busy}"))["message"]
        assert (await data(client, "j"))["state"] == "timeout"
        assert (await client.get(f"/v1/tasks/{busy}")).json()["reason"] == "timeout"
        assert await keeper.run_once(then) == Swept()


async def test_a_job_in_timeout_stays_so_and_its_late_results_are_kept(database_url: str) -> None:
    async with opened(database_url) as (client, keeper, then):
        await client.post("/v1/jobs", json={"id": "j"})
        task = await added(client, "j", "a", "executing")
        await keeper.run_once(then)
        refused = await client.put(f"{BASE}/j/task/{task}", json={"state": "executing"})
        assert refused.status_code == 412
        late = await client.put(f"{BASE}/j/task/{task}", json={"state": "success"})
        assert late.json()["data"]["state"] == "success"
        assert (await data(client, "j"))["state"] == "timeout"
        refused = await client.post(f"{BASE}/j/task", json={"worker": "b"})
        assert refused.status_code == 412


async def test_a_job_that_had_ended_stays_done(database_url: str) -> None:
    async with opened(database_url) as (client, keeper, then):
        await client.post("/v1/jobs", json={"id": "j"})
        await added(client, "j", "a", "failed")
        assert await keeper.run_once(then) == Swept()
        assert (await data(client, "j"))["state"] == "done"


async def test_a_task_that_came_into_a_done_job_runs_out_and_the_job_stays_done(
    database_url: str,
) -> None:
    async with opened(database_url) as (client, keeper, then):
        await client.post("/v1/jobs", json={"id": "j"})
        await added(client, "j", "a", "success")
        late = await added(client, "j", "b")
        assert await keeper.run_once(then) == Swept(1)
        assert (await data(client, f"j/task/{late}"))["state"] == "timeout"
        assert (await data(client, "j"))["state"] == "done"


async def test_a_job_in_which_nobody_did_anything_runs_out_too(database_url: str) -> None:
    async with opened(database_url) as (client, keeper, then):
        sha = "00" * 32
        begun = await client.put(f"/sampledb/v2/sample/{sha}/reanalyse", json={})
        place = begun.json()["data"]["id"]
        assert await keeper.run_once(then) == Swept()
        assert (await data(client, place))["state"] == "timeout"
        again = await client.put(f"/sampledb/v2/sample/{sha}/reanalyse", json={})
        assert again.json()["data"]["id"] != place
