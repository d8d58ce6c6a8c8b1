"""Following the feed from a shell."""

import json
import signal

import pytest
from inline_snapshot import snapshot

from farwork.sdk import Client, ReportIn, TaskCreate, TaskState
from tests.cli.conftest import SECONDS_MAX, Serving, Shell
from tests.cli.test_tasks import settled
from tests.support.server import free_port


def test_tail_shows_what_happened_one_line_an_event(
    farwork: Shell, client: Client, name: str
) -> None:
    client.create_task(TaskCreate(id=name, queue=name))
    client.send_report(ReportIn(task_id=name, source="gpu-7", state=TaskState.RUNNING))
    client.cancel_task(name, reason="enough")
    done = farwork("tail", "--from-start", "--no-follow", "--queue", name)
    assert (done.code, done.err) == (0, "")
    assert settled(done.out, name) == snapshot("""\
THEN  NAME  queued  by tests
THEN  NAME  queued -> running  by gpu-7
THEN  NAME  running -> cancelled  enough by tests
""")
    states = ["--state", "cancelled", "--json"]
    (event,) = farwork("tail", "--from-start", "--no-follow", name, *states).objects
    assert event["state"] == {"from": "running", "to": "cancelled"}
    later = ["tail", "--after", str(event["id"]), "--no-follow", "--json"]
    assert all(one["id"] > event["id"] for one in farwork(*later).objects)


def test_tail_shows_each_event_at_once_and_ends_with_ctrl_c(
    farwork: Shell, client: Client, name: str
) -> None:
    with farwork.started("tail", "--from-start", "--json", name) as tail:
        assert tail.stdout is not None
        client.create_task(TaskCreate(id=name))
        assert json.loads(tail.stdout.readline())["type"] == "task.created"
        client.cancel_task(name)
        assert json.loads(tail.stdout.readline())["type"] == "task.cancelled"
        tail.send_signal(signal.SIGINT)
        out, err = tail.communicate(timeout=SECONDS_MAX)
    assert (tail.returncode, out, err) == (130, "", "")


@pytest.mark.timeout(180)  # two servers start one after the other
def test_tail_misses_nothing_while_the_server_is_away(shell: Shell, database: str) -> None:
    given = ("--port", str(free_port()), "--database", database, "--auth", "off")
    with Serving(shell, *given) as first:
        assert shell("submit", "--id", "before", "--server", first.url).code == 0
        tail = shell.started("tail", "--from-start", "--json", "--server", first.url)
        assert tail.stdout is not None
        assert tail.stderr is not None
        assert json.loads(tail.stdout.readline())["task_id"] == "before"
        assert first.stop() == (0, "")
    with tail, Serving(shell, *given) as second:
        assert "Waiting for the server to come back" in tail.stderr.readline()
        assert shell("submit", "--id", "after", "--server", second.url).code == 0
        assert json.loads(tail.stdout.readline())["task_id"] == "after"
        assert tail.stderr.readline() == "farwork: the server is back.\n"
        tail.terminate()
