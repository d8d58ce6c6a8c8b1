"""A worker claims tasks from a real server and runs functions on them."""

import os
import threading
from pathlib import Path
from typing import Any

import httpx

from farwork.sdk import Client, Patience
from farwork.worker import Context, NotRetryable, Worker
from tests.native.api import Api, path_of
from tests.worker import works

QUEUE = "gpu"


def worker_of(client: Client, **said: Any) -> Worker:
    settings: dict[str, Any] = {"lease_s": 5.0, "drain_s": 20.0, "spool": False, **said}
    return Worker([QUEUE], client=client, **settings)


def results(api: Api, task_id: str) -> list[Any]:
    return [one["data"] for one in api.get(f"{path_of(task_id)}/results")["items"]]


def test_a_function_runs_on_each_task_and_its_result_is_the_tasks(api: Api, client: Client) -> None:
    worker = worker_of(client, concurrency=2)

    @worker.task("train")
    def train(ctx: Context, epochs: int) -> dict[str, int]:
        ctx.note(loss=0.5)
        return {"epochs": epochs, "attempt": ctx.attempt}

    for number in range(3):
        api.create(f"t{number}", queue=QUEUE, kind="train", params={"epochs": number})
    assert worker.run(tasks_max=3) == 3
    assert [results(api, f"t{n}") for n in range(3)] == [
        [{"epochs": n, "attempt": 1}] for n in range(3)
    ]
    assert api.task("t1")["metadata"] == {"loss": 0.5}
    assert train.__name__ == "train"


def test_a_function_may_be_asynchronous(api: Api, client: Client) -> None:
    worker = worker_of(client)

    @worker.task("greet")
    async def greet(_ctx: Context, name: str) -> str:
        return f"hello {name}"

    api.create("a", queue=QUEUE, kind="greet", params={"name": "ada"})
    worker.run(tasks_max=1)
    assert results(api, "a") == ["hello ada"]
    assert greet.__name__ == "greet"


def test_what_is_raised_is_tried_again_and_a_checkpoint_survives(api: Api, client: Client) -> None:
    worker = worker_of(client)

    @worker.task("flaky", retries=2)
    def flaky(ctx: Context) -> int:
        done = ctx.resumed or 0
        if done < 2:
            ctx.checkpoint(done + 1)
            raise RuntimeError(f"broke at {done}")
        return done

    policy = {"retry": {"backoff_seconds": 0}}
    api.create("a", queue=QUEUE, kind="flaky", policy=policy)
    assert worker.run(tasks_max=3) == 3
    attempts = api.get(f"{path_of('a')}/attempts")["items"]
    assert [one["state"] for one in attempts] == ["failed", "failed", "succeeded"]
    assert attempts[0]["error"]["message"] == "broke at 0"
    assert "RuntimeError" in attempts[0]["error"]["details"]["traceback"][-1]
    assert results(api, "a")[0] == 2
    assert flaky.__name__ == "flaky"


def test_what_cannot_be_mended_is_not_tried_again(api: Api, client: Client) -> None:
    worker = worker_of(client)

    @worker.task("bad", retries=5)
    def bad(_ctx: Context) -> None:
        raise NotRetryable("no such file", "missing")

    api.create("a", "unknown", queue=QUEUE, kind="bad")
    api.create("u", queue=QUEUE, kind="stranger")
    worker.run(tasks_max=3)
    assert api.task("a")["error"]["category"] == "missing"
    assert api.task("a")["attempt"] == 1
    assert api.task("u")["error"]["category"] == "unknown_kind"
    assert bad.__name__ == "bad"


def test_a_process_of_its_own_gives_its_result_and_its_crash_is_the_tasks(
    api: Api, client: Client
) -> None:
    worker = worker_of(client, concurrency=2)
    worker.task("add", process=True)(works.add)
    worker.task("die", process=True)(works.die)
    worker.task("hang", process=True, run_timeout=0.5)(works.hang)
    api.create("sum", queue=QUEUE, kind="add", params={"a": 1, "b": 2})
    api.create("dead", queue=QUEUE, kind="die")
    api.create("slow", queue=QUEUE, kind="hang")
    worker.run(tasks_max=3)
    (found,) = results(api, "sum")
    assert found["sum"] == 3
    assert found["pid"] != os.getpid()
    dead = api.task("dead")["error"]
    assert (dead["category"], dead["details"]) == ("crash", {"signal": "SIGKILL"})
    assert api.task("slow")["error"]["category"] == "run_timeout"


def test_a_task_that_is_cancelled_hears_of_it_and_confirms(api: Api, client: Client) -> None:
    worker = worker_of(client, lease_s=1.0)
    started = threading.Event()

    @worker.task("long")
    def long(ctx: Context) -> None:
        started.set()
        ctx.wait(30)
        ctx.check()

    api.create("a", queue=QUEUE, kind="long")
    running = threading.Thread(target=worker.run, kwargs={"tasks_max": 1})
    running.start()
    assert started.wait(20)
    api.post(f"{path_of('a')}/cancel")
    running.join(20)
    task = api.task("a")
    assert (task["state"], task["cancel"]) == ("cancelled", "confirmed")
    assert long.__name__ == "long"


def test_a_worker_that_stops_hands_back_what_it_cannot_finish(api: Api, client: Client) -> None:
    worker = worker_of(client, drain_s=0.1)
    started, let_go = threading.Event(), threading.Event()

    @worker.task("long")
    def long(_ctx: Context) -> None:
        started.set()
        let_go.wait(30)

    api.create("a", queue=QUEUE, kind="long")
    running = threading.Thread(target=worker.run)
    running.start()
    assert started.wait(20)
    worker.stop()
    running.join(20)
    let_go.set()
    task = api.task("a")
    assert (task["state"], task["reason"], task["attempt"]) == ("queued", "handed_back", 2)
    assert long.__name__ == "long"


class CutOff(httpx.BaseTransport):
    """A network that breaks before the ends get through."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport()
        self.broken = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.broken and "/leases/" in request.url.path:
            raise httpx.ConnectError("cut off")
        return self._real.handle_request(request)

    def close(self) -> None:
        self._real.close()


def test_what_is_finished_while_the_server_is_away_is_delivered_later(
    api: Api, tmp_path: Path
) -> None:
    network = CutOff()
    spool = tmp_path / "spool"
    key = api.server.key("worker", api.project)
    client = Client(api.server.url, key, transport=network, patience=Patience(attempts_max=1))
    worker = worker_of(client, spool=spool, drain_s=0.2)

    @worker.task("train")
    def train(_ctx: Context) -> int:
        network.broken = True
        return 42

    api.create("a", queue=QUEUE, kind="train")
    worker.run(tasks_max=1)
    assert api.task("a")["state"] == "running"
    network.broken = False
    # Another process, the same file.
    later = worker_of(client, spool=spool)
    threading.Timer(0.5, later.stop).start()
    later.run()
    assert api.task("a")["state"] == "succeeded"
    client.close()
    assert results(api, "a") == [42]
    assert train.__name__ == "train"


def test_a_success_without_all_shards_is_a_failure_at_once(api: Api, client: Client) -> None:
    worker = worker_of(client)

    @worker.task("batch", retries=1)
    def batch(ctx: Context) -> str:
        ctx.shard(0, "succeeded", item_count=2)
        return "half of it"

    api.create("a", queue=QUEUE, kind="batch", items_total=4)
    worker.run(tasks_max=1)
    (first, second) = api.get(f"{path_of('a')}/attempts")["items"]
    assert first["error"]["category"] == "shards_incomplete"
    assert "with 2 of its items" in first["error"]["message"]
    assert (second["state"], results(api, "a")) == ("queued", ["half of it"])
    assert batch.__name__ == "batch"
