"""How to test a worker of your own: a real server, and time that passes when you say so."""

from farwork import Worker
from farwork.sdk import ClaimIn, TaskCreate
from farwork.testing import FarworkServer
from farwork.worker import Context


def test_a_task_is_done(farwork_server: FarworkServer) -> None:
    client = farwork_server.client
    worker = Worker(["adding"], client=client, spool=False)

    @worker.task("add")
    def add(_ctx: Context, a: int, b: int) -> int:
        return a + b

    client.create_task(TaskCreate(id="sum", kind="add", queue="adding", params={"a": 1, "b": 2}))
    worker.run(tasks_max=1)
    assert [result.data for result in client.list_results("sum")] == [3]
    assert add.__name__ == "add"


def test_a_worker_that_falls_silent_loses_its_task(farwork_server: FarworkServer) -> None:
    client = farwork_server.client
    client.create_task(TaskCreate(id="long", queue="adding", attempts_max=2))
    assert client.claim_tasks(ClaimIn(worker="mine", queues=["adding"], lease_seconds=30))
    farwork_server.step(31)
    assert client.get_task("long").reason == "lost"
    farwork_server.step(3_600)
    task = client.get_task("long")
    assert (task.state, task.attempt) == ("queued", 2)


def test_a_key_may_do_what_its_role_may(farwork_server: FarworkServer) -> None:
    assert farwork_server.key_for("viewer") != farwork_server.key
