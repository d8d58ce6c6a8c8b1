"""Commands about tasks, typed at a shell, against a real server."""

import json
import re
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from rich.text import Text

from farwork.sdk import Client, ErrorIn, ProgressIn, ReportIn, TaskCreate, TaskState
from tests.cli.conftest import Shell

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def settled(text: str, *names: str) -> str:
    """Text in which what differs from run to run stands still."""
    for name in names:
        text = text.replace(name, "NAME")
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d( \+00:00|Z)", "THEN", text)
    text = re.sub(r"\b\d+(\.\d)? (s|min)( \d+ s)?( ago)?\b|just now", "AGO", text)
    # Widths follow from what stands in the columns.
    return re.sub(r"(?<=\S) {2,}", "  ", text)


def test_submit_creates_a_task_and_prints_its_id_and_nothing_else(farwork: Shell) -> None:
    done = farwork("submit", "--kind", "train", "--queue", "gpu")
    assert (done.code, done.err) == (0, "")
    assert UUID.fullmatch(done.out.strip())


def test_submit_takes_texts_and_json_as_parameters(
    farwork: Shell, client: Client, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"epochs": 3, "lr": 1}')
    options = ["--params-json", f"@{file}", "--param", "version=1.10", "--param", "lr:=0.01"]
    labels = ["--label", "team=x", "--label", "note=a=b"]
    assert farwork("submit", "--id", name, "--priority", "5", *options, *labels).out == f"{name}\n"
    task = client.get_task(name)
    assert task.params == {"epochs": 3, "lr": 0.01, "version": "1.10"}
    assert (task.labels, task.priority) == ({"team": "x", "note": "a=b"}, 5)


def test_submit_creates_what_a_file_holds(farwork: Shell, client: Client, name: str) -> None:
    lines = "\n".join(json.dumps({"id": f"{name}-{n}", "queue": name}) for n in (1, 2))
    assert farwork("submit", "--file", "-", stdin=lines).out == f"{name}-1\n{name}-2\n"
    assert farwork("submit", "--file", "-", stdin=f'[{{"id": "{name}-3"}}]').code == 0
    assert {task.id for task in client.list_tasks(queues=[name])} == {f"{name}-1", f"{name}-2"}


def test_a_held_task_goes_when_it_is_submitted_by_its_id(farwork: Shell, name: str) -> None:
    assert farwork("submit", "--id", name, "--hold").out == f"{name}\n"
    assert farwork("submit", name).out == f"{name}  queued\n"
    again = farwork("submit", name)
    assert (again.code, again.out, settled(again.err, name)) == snapshot(
        (1, "", "farwork: NAME: The task is queued; only a created task is submitted.\n")
    )


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("run-1", "--kind", "train"),
        ("--kind", "train", "--file", "-"),
        ("--param", "x"),
        ("--param", "lr:=fast"),
        ("--params-json", "[1]"),
        ("--params-json", "@/nowhere"),
        ("--label", "x"),
        ("--priority", "high"),
        ("--file", "/nowhere"),
    ],
)
def test_what_cannot_be_submitted_is_refused_before_anything_is_sent(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    done = shell("submit", *arguments)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "Traceback" not in done.err


def three_tasks(client: Client, name: str) -> None:
    client.create_tasks(
        [
            TaskCreate(id=f"{name}-a", kind="train", queue=name),
            TaskCreate(id=f"{name}-b", kind="train", queue=name, name="wide"),
            TaskCreate(id=f"{name}-c", kind="eval", queue=name, submit=False),
        ]
    )
    running = ReportIn(
        task_id=f"{name}-a", state=TaskState.RUNNING, progress=ProgressIn(42.0, "epoch 4\n\x1b[31m")
    )
    failed = ReportIn(
        task_id=f"{name}-b", state=TaskState.FAILED, error=ErrorIn("oom", "out of memory")
    )
    client.send_reports([running, failed])


def test_ls_in_a_pipe_is_a_plain_table_with_whole_ids(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    done = farwork("ls", "--queue", name)
    assert (done.code, done.err) == (0, "")
    assert settled(done.out, name) == snapshot("""\
ID  STATE  DONE  KIND  QUEUE  NAME  UPDATED  MESSAGE
NAME-c  created  eval  NAME  AGO
NAME-b  failed  train  NAME  wide  AGO  oom: out of memory
NAME-a  running  42%  train  NAME  AGO  epoch 4\\n\\x1b[31m
""")


def test_ls_on_a_narrow_terminal_leaves_out_columns_but_cuts_no_id(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    shown = Text.from_ansi(farwork.on_terminal("ls", "--queue", name, width=64)).plain
    assert settled(shown, name) == snapshot("""\
ID  STATE  DONE  KIND  QUEUE  UPDATED
NAME-c  created  eval  NAME  AGO
NAME-b  failed  train  NAME  AGO
NAME-a  running  42%  train  NAME  AGO
""")


def test_ls_on_a_terminal_has_colours_unless_they_are_not_wanted(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    assert "\x1b[" in farwork.on_terminal("ls", "--queue", name)
    without = Shell(farwork.settings | {"NO_COLOR": "1"}).on_terminal("ls", "--queue", name)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", without)


def test_ls_in_json_is_one_task_a_line_as_the_api_has_it(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    tasks = farwork("ls", "--queue", name, "--json").objects
    assert [task["id"] for task in tasks] == [f"{name}-{letter}" for letter in "cba"]
    assert tasks[2]["progress"] == {"percent": 42.0, "message": "epoch 4\n\x1b[31m"}


@pytest.mark.parametrize(
    ("filters", "letters"),
    [
        (("--state", "running"), "a"),
        (("--state", "running", "--state", "failed"), "ba"),
        (("--kind", "eval"), "c"),
        (("--oldest-first",), "abc"),
        (("--order", "completed"), "b"),
        (("--created-after", "1h"), "cba"),
        (("--created-before", "1h"), ""),
        (("--archived", "only"), ""),
        (("--label", "no=such"), ""),
    ],
)
def test_ls_filters_and_orders(
    farwork: Shell, client: Client, name: str, filters: tuple[str, ...], letters: str
) -> None:
    three_tasks(client, name)
    done = farwork("ls", "--queue", name, "--json", *filters)
    assert [task["id"][-1] for task in done.objects] == list(letters)
    assert done.code == 0


def test_ls_says_that_there_is_more_and_all_shows_it(
    farwork: Shell, client: Client, name: str
) -> None:
    client.create_tasks([TaskCreate(id=f"{name}-{n}", queue=name) for n in range(600)])
    some = farwork("ls", "--queue", name, "--json")
    assert (len(some.objects), some.err) == (
        50,
        snapshot("farwork: there are more than these 50; --limit or --all shows them.\n"),
    )
    whole = farwork("ls", "--queue", name, "--all", "--json")
    assert (len({task["id"] for task in whole.objects}), whole.err) == (600, "")


def test_ls_of_nothing_says_so_and_is_no_failure(farwork: Shell, name: str) -> None:
    done = farwork("ls", "--queue", name)
    assert (done.code, done.err) == (0, "farwork: no task fits.\n")


def test_get_shows_a_page_and_in_json_the_task_with_what_hangs_on_it(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    client.send_report(ReportIn(task_id=f"{name}-a", source="gpu-7", result={"loss": 0.03}))
    done = farwork("get", f"{name}-a")
    assert (done.code, done.err) == (0, "")
    assert settled(done.out, name) == snapshot("""\
NAME-a
  state  running
  why  It runs until a report says how it ended. The last sign of life came at THEN from 'gpu-7'.
  can  cancel, archive
  progress  42%
  kind  train
  queue  NAME
  creator  tests
  created  THEN  AGO
  queued  THEN  AGO
  started  THEN  AGO
  updated  THEN  AGO
  so far  AGO
  results  result
              {"loss":0.03}
  events  THEN  queued  by tests
              THEN  queued -> running  42% epoch 4\\n\\x1b[31m by tests
              THEN  reported  by gpu-7
""")
    (task,) = farwork("get", f"{name}-a", "--json").objects
    assert task["id"] == f"{name}-a"
    assert task["explanation"]["can"] == ["cancel", "archive"]
    assert [result["data"] for result in task["results"]] == [{"loss": 0.03}]
    assert task["events"][0]["type"] == "task.created"


def test_get_of_several_shows_those_that_exist(farwork: Shell, client: Client, name: str) -> None:
    client.create_task(TaskCreate(id=name))
    done = farwork("get", name, "nobody", "--json")
    assert ([task["id"] for task in done.objects], done.code) == ([name], 1)
    assert done.err == "farwork: There is no task 'nobody' in this project.\n"


def test_a_verb_does_what_it_can_and_says_what_it_cannot(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    done = farwork("cancel", f"{name}-a", f"{name}-b", "nobody", "--reason", "wrong sample")
    assert done.code == 1
    assert settled(done.out, name) == snapshot("NAME-a  cancelled (wrong sample)\n")
    assert settled(done.err, name) == snapshot("""\
farwork: NAME-b: The task has failed; only one that has not ended is cancelled.
farwork: nobody: There is no task 'nobody' in this project.
""")


def test_verbs_take_ids_from_the_input_and_each_once(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    ids = "".join(f"{name}-{letter}\n" for letter in "aabc")
    archived = farwork("archive", "-", "--json", stdin=ids).objects
    assert [task["id"][-1] for task in archived] == ["a", "b", "c"]
    assert all(task["archived_at"] for task in archived)
    assert farwork("restore", "-", stdin=ids).code == 0
    assert farwork("retry", f"{name}-b").out == f"{name}-b  queued\n"
    assert farwork("delete", "-", stdin=ids).out.count("deleted") == 3
    assert list(client.list_tasks(queues=[name])) == []


def test_a_verb_without_any_id_is_refused(farwork: Shell) -> None:
    done = farwork("cancel", "-", stdin="\n")
    assert (done.code, done.err) == (
        2,
        snapshot("farwork: The input names no task: one id a line is expected.\n"),
    )


def test_a_late_end_is_adopted(farwork: Shell, client: Client, name: str) -> None:
    client.create_task(TaskCreate(id=name))
    client.cancel_task(name)
    client.send_report(ReportIn(task_id=name, state=TaskState.SUCCEEDED, result=1))
    assert farwork("adopt", name).out == f"{name}  succeeded (adopted)\n"


def test_wait_ends_with_0_when_all_succeeded_and_with_1_when_not(
    farwork: Shell, client: Client, name: str
) -> None:
    three_tasks(client, name)
    client.send_report(ReportIn(task_id=f"{name}-a", state=TaskState.SUCCEEDED))
    done = farwork("wait", f"{name}-a")
    assert (done.code, settled(done.out, name)) == snapshot((0, "NAME-a  succeeded  after AGO\n"))
    done = farwork("wait", f"{name}-a", f"{name}-b")
    assert (done.code, settled(done.out, name)) == snapshot(
        (
            1,
            """\
NAME-a  succeeded  after AGO
NAME-b  failed  oom: out of memory
""",
        )
    )


def test_wait_ends_with_124_when_time_runs_out(farwork: Shell, client: Client, name: str) -> None:
    client.create_task(TaskCreate(id=name))
    done = farwork("wait", name, "--timeout", "0.1")
    assert (done.code, done.out, settled(done.err, name)) == snapshot(
        (124, "", "farwork: NAME has not ended after AGO.\n")
    )


def test_wait_returns_as_soon_as_the_task_has_ended(
    farwork: Shell, client: Client, name: str
) -> None:
    client.create_task(TaskCreate(id=name))
    with farwork.started("wait", name, "--json") as waiting:
        client.send_report(ReportIn(task_id=name, state=TaskState.SUCCEEDED))
        out, _ = waiting.communicate(timeout=30)
    assert (waiting.returncode, json.loads(out)["state"]) == (0, "succeeded")


def test_submit_and_wait_is_one_command(farwork: Shell) -> None:
    done = farwork("submit", "--kind", "x", "--wait", "--timeout", "0")
    assert done.code == 124
    assert UUID.fullmatch(done.out.strip())


def test_counts_are_in_the_order_of_a_tasks_life(farwork: Shell, client: Client, name: str) -> None:
    three_tasks(client, name)
    done = farwork("counts")
    words = [line.split()[0] for line in done.out.splitlines()[1:]]
    order = ["created", "blocked", "queued", "running", "succeeded", "failed", "cancelled", "total"]
    assert words == [word for word in order if word in words]
    queues = {
        one["queue"]: one["tasks"] for one in farwork("counts", "--by", "queue", "--json").objects
    }
    assert queues[name] == 3


def test_a_reader_that_leaves_ends_the_command_without_a_word(
    farwork: Shell, client: Client, name: str
) -> None:
    client.create_tasks([TaskCreate(id=f"{name}-{n}", queue=name) for n in range(600)])
    with farwork.started("ls", "--queue", name, "--all", "--json") as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.readline()
        listing.stdout.close()
        assert (listing.wait(30), listing.stderr.read()) == (141, "")
