"""`farwork.track` makes a task of a stretch of any script, whatever becomes of the script."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import farwork
from farwork.sdk import Client
from farwork.worker import Cancelled
from tests.native.api import Api, path_of
from tests.support.waiting import until

AWAY = "http://127.0.0.1:9"


def environment(api: Api, folder: Path, **more: str) -> dict[str, str]:
    mine = {k: v for k, v in os.environ.items() if not k.startswith("FARWORK_")}
    key = api.server.key("worker", api.project)
    told = {"FARWORK_SERVER": api.server.url, "FARWORK_KEY": key, "FARWORK_SPOOL": str(folder)}
    return mine | told | more


def run(api: Api, folder: Path, script: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", dedent(script)],
        env=environment(api, folder, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_loop_is_a_task_in_one_line(api: Api, tmp_path: Path) -> None:
    script = """
    import farwork
    for n in farwork.track([1, 2, 3], "train", task_id="t", labels={"gpu": "3"}): print(n)
    """
    done = run(api, tmp_path, script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n2\n3\n", "")
    task = api.task("t")
    assert (task["state"], task["name"], task["kind"]) == ("succeeded", "train", "track")
    assert (task["labels"], task["progress"]["percent"]) == ({"gpu": "3"}, 100.0)
    assert task["origin"]["source"] == "farwork track"
    assert list(tmp_path.rglob("*.db")) == []


@pytest.mark.parametrize(
    ("script", "state", "error"),
    [
        ("for n in tracked([1, 2]): 1 / 0", "failed", "ZeroDivisionError"),
        ("for n in tracked(map(int, 'x')): pass", "failed", "ValueError"),
        ("with tracked(): 1 / 0", "failed", "ZeroDivisionError"),
        ("with tracked(): raise SystemExit(3)", "failed", "SystemExit"),
        ("with tracked(): raise SystemExit(0)", "succeeded", None),
        ("with tracked(): raise KeyboardInterrupt", "cancelled", None),
        ("for n in tracked([1, 2]):\n  if n == 2: break", "succeeded", None),
    ],
)
def test_what_ends_the_script_is_what_became_of_the_task(
    api: Api, tmp_path: Path, script: str, state: str, error: str | None
) -> None:
    made = "import farwork\ntracked = lambda *a: farwork.track(*a, task_id='t')\n"
    run(api, tmp_path, made + script)
    task = api.task("t")
    assert task["state"] == state
    assert (task["error"] or {"category": None})["category"] == error
    if "break" in script:
        assert task["progress"]["message"] == "left after 1 of 2"


def test_a_loop_that_is_left_does_not_run_on_with_the_script(
    client: Client, tmp_path: Path
) -> None:
    for number in farwork.track(range(10), task_id="t", client=client, spool=tmp_path, bar=False):
        if number == 4:
            break
    until(lambda: [one.id for one in client.list_tasks(states=["succeeded"])], "it is over")
    assert client.get_task("t").progress.message == "left after 4 of 10"


def test_a_block_says_what_it_likes(api: Api, client: Client, tmp_path: Path) -> None:
    with farwork.track(name="block", task_id="t", client=client, spool=tmp_path, bar=False) as task:
        task.progress(40, "half way")
        task.note(loss=0.5)
        task.log("a line")
        task.result({"accuracy": 0.9})
    shown = api.task("t")
    assert (shown["metadata"]["loss"], shown["progress"]["percent"]) == (0.5, 100.0)
    (result,) = api.get(f"{path_of('t')}/results")["items"]
    assert result["data"] == {"accuracy": 0.9}
    assert shown["progress"]["message"] == "a line\nhalf way"


def test_cancelling_the_task_ends_the_loop(api: Api, client: Client, tmp_path: Path) -> None:
    def steps() -> Iterator[int]:
        yield 1
        until(lambda: tracking.cancelled, "the script hears of it")
        yield 2

    tracking = farwork.track(steps(), task_id="t", client=client, spool=tmp_path, bar=False)
    done: list[int] = []

    def loop() -> None:
        for number in tracking:
            done.append(number)
            until(lambda: api.ask("GET", path_of("t")).is_success, "the task is known")
            api.post(f"{path_of('t')}/cancel", {"reason": "enough"})

    with pytest.raises(Cancelled):
        loop()
    assert done == [1]
    assert api.task("t")["reason"] == "enough"


def test_a_script_runs_while_the_server_is_away_and_is_told_of_later(
    api: Api, tmp_path: Path
) -> None:
    script = """
    import farwork
    for n in farwork.track([1, 2], task_id="away", spool=SPOOL): print(n)
    """.replace("SPOOL", repr(str(tmp_path)))
    done = run(api, tmp_path, script, FARWORK_SERVER=AWAY)
    assert (done.returncode, done.stdout) == (0, "1\n2\n")
    assert "reports wait for the server" in done.stderr
    run(api, tmp_path, script.replace("away", "next"))
    assert api.task("away")["state"] == "succeeded"


def test_a_bar_is_drawn_at_a_terminal(api: Api, tmp_path: Path) -> None:
    script = "import farwork\nfor n in farwork.track([1, 2], 'fitting'): pass"
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment(api, tmp_path), stderr=theirs
    ) as running:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:
            pass  # so ends a terminal that nobody holds any more
        assert running.wait(30) == 0
    os.close(ours)
    assert "fitting" in shown.decode()
    assert "100%" in shown.decode()
