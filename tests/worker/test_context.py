"""What a function may say of its task, and what becomes of it, whatever it says."""

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from farwork.sdk import Client
from farwork.worker import Context, Worker
from tests.native.api import Api, path_of
from tests.worker import works
from tests.worker.test_worker import QUEUE, results, worker_of


def messages(api: Api, task_id: str) -> list[str]:
    """What was said of a task, as its events keep it."""
    events: list[dict[str, Any]] = api.get(f"{path_of(task_id)}/events")["items"]
    reports: list[dict[str, Any]] = [event.get("report") or {} for event in events]
    progress: list[Any] = [report.get("progress") for report in reports]
    said: list[Any] = [report.get("message") for report in reports]
    return [*said, *(one["message"] for one in progress if isinstance(one, dict))]


def run(worker: Worker, api: Api, *ids: str, kind: str = "work", **fields: Any) -> None:
    api.create(*ids, queue=QUEUE, kind=kind, **fields)
    worker.run(tasks_max=len(ids))


def test_no_line_that_is_logged_is_lost(api: Api, client: Client) -> None:
    worker = worker_of(client)

    @worker.task("work")
    def work(ctx: Context) -> None:
        for number in range(3):
            ctx.log(f"line {number}")

    run(worker, api, "a")
    assert "line 0\nline 1\nline 2" in messages(api, "a")
    assert work.__name__ == "work"


def test_what_is_no_json_is_the_tasks_failure_and_nobody_elses(api: Api, client: Client) -> None:
    worker = worker_of(client, concurrency=2, lease_s=1.0)
    both = threading.Barrier(2, timeout=20)

    @worker.task("note")
    def note(ctx: Context) -> None:
        both.wait()
        ctx.note(model=object())

    @worker.task("work")
    def work(_ctx: Context) -> object:
        both.wait()
        return object()

    api.create("n", queue=QUEUE, kind="note")
    api.create("r", queue=QUEUE, kind="work")
    worker.run(tasks_max=2)
    errors = [api.task(one)["error"] for one in ("n", "r")]
    assert [error["category"] for error in errors] == ["TypeError", "TypeError"]
    assert "no JSON value" in errors[0]["message"]
    assert (note.__name__, work.__name__) == ("note", "work")


def test_what_the_server_never_takes_costs_no_lease_and_fails_its_task(
    api: Api, client: Client
) -> None:
    worker = worker_of(client, lease_s=1.0)
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]

    @worker.task("work")
    def work(ctx: Context) -> Any:
        ctx.note(deep=deep)
        ctx.wait(1.5)
        ctx.check()
        return deep

    run(worker, api, "a")
    task = api.task("a")
    assert (task["state"], task["attempt"]) == ("failed", 1)
    assert task["error"]["category"] == "refused_end"
    assert work.__name__ == "work"


def test_results_tell_of_files_by_address_size_and_digest(
    api: Api, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"weights")
    worker = worker_of(client)

    @worker.task("work")
    def work(ctx: Context) -> str:
        ctx.result({"loss": 0.5}, name="model", type="application/x-model", files=[file])
        ctx.result(name="copy", files=[ctx.file(file, "s3://models/model.bin")])
        return "done"

    run(worker, api, "a")
    told = {one["name"]: one for one in api.get(f"{path_of('a')}/results")["items"]}
    digest = f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    assert told["model"]["files"] == [
        {"name": "model.bin", "uri": file.as_uri(), "size": 7, "digest": digest}
    ]
    assert (told["model"]["data"], told["result"]["data"]) == ({"loss": 0.5}, "done")
    assert told["copy"]["files"][0]["uri"] == "s3://models/model.bin"
    assert work.__name__ == "work"


def test_another_attempt_does_only_the_shards_that_failed(api: Api, client: Client) -> None:
    worker = worker_of(client)
    done: list[list[int]] = []

    @worker.task("work", retries=1)
    def work(ctx: Context) -> None:
        good = {one.index for one in ctx.shards() if one.state == "succeeded"}
        todo = [index for index in range(3) if index not in good]
        done.append(todo)
        for index in todo:
            ctx.shard(index, "running", item_offset=2 - index)
            if index == 1 and ctx.attempt == 1:
                ctx.shard(index, "failed", error="no such gate")
            else:
                ctx.shard(index, "succeeded", result={"00": index})
        ctx.check_shards()

    api.create(
        "a", queue=QUEUE, kind="work", policy={"retry": {"backoff_seconds": 0}}, items_total=3
    )
    worker.run(tasks_max=2)
    assert done == [[0, 1, 2], [1]]
    first, _ = api.get(f"{path_of('a')}/attempts")["items"]
    assert first["error"] == {
        "category": "shards",
        "message": "shard 1: no such gate",
        "details": first["error"]["details"],
    }
    assert api.task("a")["state"] == "succeeded"
    assert results(api, "a") == [[{"00": 2}, {"00": 1}, {"00": 0}]]
    assert work.__name__ == "work"


def test_a_process_reaches_all_that_a_thread_does(api: Api, client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"7 bytes")
    worker = worker_of(client)
    worker.task("work", process=True)(works.everything)
    run(worker, api, "a", params={"file": str(tmp_path / "file")})
    task = api.task("a")
    assert (task["state"], task["metadata"]) == ("succeeded", {"kept": 1, "checkpoint": 2})
    told = {one["name"]: one for one in api.get(f"{path_of('a')}/results")["items"]}
    assert told["file"]["files"][0]["size"] == 7
    answer = told["result"]["data"]
    assert (answer["known"], answer["from_a_grandchild"]) == (0, 42)
    assert task["shards"]["succeeded"] == 2
    assert answer["token"].startswith("fw-")
    assert "said in a process" in messages(api, "a")


def test_asynchronous_functions_share_a_loop_and_are_cancelled(api: Api, client: Client) -> None:
    worker = worker_of(client, concurrency=2, lease_s=1.0)
    loops: list[asyncio.AbstractEventLoop] = []
    tidied = threading.Event()

    @worker.task("work", run_timeout=30)
    async def work(ctx: Context) -> None:
        loops.append(asyncio.get_running_loop())
        try:
            if ctx.task_id == "a":
                while len(loops) < 2:
                    await asyncio.wait([loops[0].create_task(asyncio.Event().wait())], timeout=0.01)
                    await asyncio.wait(
                        [asyncio.ensure_future(asyncio.Event().wait())], timeout=0.01
                    )
                return
            await asyncio.Event().wait()
        finally:
            if ctx.task_id == "b":
                tidied.set()

    api.create("a", "b", queue=QUEUE, kind="work")
    running = threading.Thread(target=worker.run, kwargs={"tasks_max": 2})
    running.start()
    client.wait_for_task("a", timeout_s=20)
    api.post(f"{path_of('b')}/cancel")
    running.join(20)
    task = api.task("b")
    assert (task["state"], task["cancel"]) == ("cancelled", "confirmed")
    assert tidied.is_set()
    assert loops[0] is loops[1]
    assert work.__name__ == "work"


@pytest.mark.parametrize("is_async", [False, True])
def test_whose_time_is_up_fails_with_that_reason(
    api: Api, client: Client, *, is_async: bool
) -> None:
    worker = worker_of(client)
    if is_async:

        @worker.task("work", run_timeout=0.05)
        async def work(_ctx: Context) -> None:
            await asyncio.Event().wait()

        assert work.__name__ == "work"
    else:

        @worker.task("work", run_timeout=0.05)
        def idle(ctx: Context) -> None:
            ctx.wait(20)
            ctx.check()

        assert idle.__name__ == "idle"
    run(worker, api, "a")
    assert api.task("a")["error"]["category"] == "run_timeout"
