"""`farwork worker`, `exec`, `queues` and `workers`, as people type them."""

import signal
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from farwork.sdk import Client, TaskCreate
from tests.cli.conftest import Shell

PROGRAM = [sys.executable, "-c"]


@pytest.fixture
def tracked(tmp_path: Path) -> list[str]:
    """`farwork exec`, with a spool of the test's own."""
    return ["exec", "--spool", str(tmp_path / "spool"), "--id"]


def test_a_program_is_tracked_without_knowing_it(
    farwork: Shell, client: Client, tracked: list[str]
) -> None:
    script = "import sys; print('10 %'); print('oh', file=sys.stderr); print('75% done')"
    done = farwork(*tracked, "ex-1", "--", *PROGRAM, script)
    assert (done.code, done.out, done.err) == (0, "10 %\n75% done\n", "oh\n")
    task = client.get_task("ex-1")
    assert (task.state, task.kind, task.progress.percent) == ("succeeded", "exec", 100.0)
    (result,) = client.list_results("ex-1")
    assert (result.data["exit_code"], result.data["stderr_tail"]) == (0, ["oh"])
    assert result.data["stdout_tail"] == ["10 %", "75% done"]
    assert result.data["peak_memory_bytes"] > 1_000_000


@pytest.mark.parametrize(
    ("script", "code", "category"),
    [
        ("import sys; sys.exit('no disk')", 1, "exit"),
        ("import sys; sys.exit(7)", 7, "exit"),
        ("import os; os.kill(os.getpid(), 9)", 137, "signal"),
    ],
)
def test_it_ends_with_the_programs_own_code(
    farwork: Shell, client: Client, tracked: list[str], script: str, code: int, category: str
) -> None:
    done = farwork(*tracked, f"ex-{code}", "--", *PROGRAM, script)
    assert done.code == code
    task = client.get_task(f"ex-{code}")
    assert task.error is not None
    assert (task.state, task.error.category) == ("failed", category)


def test_a_program_that_is_not_there_fails_as_in_a_shell(
    farwork: Shell, client: Client, tracked: list[str]
) -> None:
    done = farwork(*tracked, "ex-none", "--", "no-such-program-anywhere")
    assert done.code == 127
    assert "no-such-program-anywhere" in done.err
    assert client.get_task("ex-none").reason == "start"


def test_a_program_runs_while_the_server_is_away_and_is_told_of_later(
    farwork: Shell, client: Client, tracked: list[str]
) -> None:
    away = farwork.with_settings(server="http://127.0.0.1:9")
    done = away(*tracked, "ex-away", "--", *PROGRAM, "print('fine')")
    assert (done.code, done.out) == (0, "fine\n")
    farwork(*tracked, "ex-next", "--", *PROGRAM, "pass")
    assert client.get_task("ex-away").state == "succeeded"


def test_cancelling_the_task_ends_the_program(
    farwork: Shell, client: Client, tracked: list[str]
) -> None:
    sleeper = "import time; print('up', flush=True); time.sleep(60)"
    with farwork.started(*tracked, "ex-stop", "--", *PROGRAM, sleeper) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        assert next(e for e in client.follow_feed(after=0) if e.task_id == "ex-stop")
        client.cancel_task("ex-stop", reason="enough")
        assert running.wait(30) == 128 + signal.SIGTERM
    assert client.get_task("ex-stop").reason == "enough"


def test_a_worker_runs_until_it_is_told_to_stop(
    farwork: Shell, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "jobs.py").write_text(
        dedent("""
        from farwork.worker import Worker

        worker = Worker(queues=["cli-queue"])

        @worker.task("double")
        def double(ctx, n):
            return 2 * n
        """)
    )
    client.create_task(TaskCreate(id="w-1", kind="double", queue="cli-queue", params={"n": 21}))
    with farwork.started("worker", "jobs:worker", "--concurrency", "2", cwd=tmp_path) as running:
        client.wait_for_task("w-1", timeout_s=30)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        assert running.stdout is not None
        assert running.stdout.read() == "1 tasks\n"
    assert [one.data for one in client.list_results("w-1")] == [42]


@pytest.mark.parametrize("where", ["jobs", "no_such_module:worker", "farwork.sdk:Client"])
def test_what_is_no_worker_is_named(farwork: Shell, where: str) -> None:
    done = farwork("worker", where)
    assert done.code == 2
    assert where.partition(":")[0].split(".")[0] in done.err


def test_a_mistake_in_the_module_is_not_taken_for_a_missing_worker(
    farwork: Shell, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("import os\nworker = os.no_such_thing\n")
    with farwork.started("worker", "broken:worker", cwd=tmp_path) as running:
        _, told = running.communicate(timeout=30)
    assert "no_such_thing" in told
    assert "has no 'worker'" not in told


def test_queues_are_shown_and_paused(farwork: Shell, client: Client) -> None:
    client.create_task(TaskCreate(id="q-1", queue="paused-queue"))
    shown = farwork("queues", "pause", "paused-queue", "--comment", "service", "--json").objects
    assert [(one["name"], one["state"], one["comment"]) for one in shown] == [
        ("paused-queue", "paused", "service")
    ]
    assert "paused-queue" in farwork("queues").out
    assert farwork("queues", "resume", "paused-queue").code == 0
    assert farwork("queues", "pause").code == 2
    assert farwork("workers", "pause", "nobody").code == 1


def test_a_worker_that_is_told_twice_hands_back_at_once(
    farwork: Shell, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(
        dedent("""
        from farwork.worker import Worker

        worker = Worker(queues=["slow-queue"])

        @worker.task("sleep")
        def sleep(ctx):
            print("up", flush=True)
            ctx.wait(60)
        """)
    )
    client.create_task(TaskCreate(id="w-slow", kind="sleep", queue="slow-queue"))
    with farwork.started("worker", "slow:worker", cwd=tmp_path) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        # Two of one kind may become one on their way.
        running.send_signal(signal.SIGINT)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert client.get_task("w-slow").reason == "handed_back"
