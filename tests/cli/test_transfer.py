"""Whole tasks go out as lines and come in again."""

import json
from pathlib import Path
from typing import Any

import pytest

from farwork.sdk import Client, NotFound, ReportIn, TaskCreate, TaskState
from tests.cli.conftest import Shell
from tests.transfer.test_uniqc_file import LATER, Uniqc

RECORD: dict[str, Any] = {
    "kind": "circuit",
    "state": "succeeded",
    "created_at": "2026-11-20T09:00:00Z",
    "result": {"00": 510, "11": 490},
    "extensions": {"uniqc": {"shots": 1000}},
}


def lines(*task_ids: str, **fields: Any) -> str:
    return "".join(json.dumps({"id": one, **RECORD, **fields}) + "\n" for one in task_ids)


def test_what_is_exported_can_be_imported_again(
    farwork: Shell, client: Client, name: str, tmp_path: Path
) -> None:
    client.create_tasks([TaskCreate(id=f"{name}-{n}", queue=name) for n in range(3)])
    client.send_report(ReportIn(task_id=f"{name}-1", state=TaskState.SUCCEEDED, result=[1, 2]))
    client.archive_task(f"{name}-2")
    whole = farwork("export", "--queue", name)
    assert (whole.code, whole.err) == (0, "")
    assert {task["id"] for task in whole.objects} == {f"{name}-{n}" for n in range(3)}
    for task_id in (f"{name}-{n}" for n in range(3)):
        client.delete_task(task_id)
    done = farwork("import", "-", stdin=whole.out)
    assert (done.code, done.out, done.err) == (0, "3 created, 0 replaced, 0 refused\n", "")
    assert farwork("export", "--queue", name).objects == whole.objects
    again = farwork("import", "-", "--json", stdin=whole.out)
    assert again.objects == [{"created": 0, "replaced": 3, "refused": 0, "refusals": [], "jobs": 0}]
    file = tmp_path / "tasks.ndjson"
    assert farwork("export", "--queue", name, "--state", "succeeded", "-o", str(file)).out == ""
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [f"{name}-1"]


def test_a_list_is_taken_as_well_as_lines(
    farwork: Shell, client: Client, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([{"id": f"{name}-{n}", **RECORD} for n in (1, 2)], indent=1))
    assert farwork("import", str(file)).out == "2 created, 0 replaced, 0 refused\n"
    assert client.get_task(f"{name}-2").extensions == RECORD["extensions"]


def test_what_is_refused_is_told_with_its_line_and_the_rest_is_taken(
    farwork: Shell, client: Client, name: str
) -> None:
    text = lines(f"{name}-1") + "\n" + lines(f"{name}-3", state="done") + lines(f"{name}-4")
    done = farwork("import", "-", stdin=text)
    assert (done.code, done.out) == (1, "2 created, 0 replaced, 1 refused\n")
    assert done.err.startswith(f"farwork: line 3 ({name}-3): ")
    assert client.get_task(f"{name}-4").state == "succeeded"


def test_a_large_file_goes_in_pieces_and_lines_keep_their_numbers(
    farwork: Shell, name: str
) -> None:
    count, wrong = 4_000, 3_500
    text = "".join(
        lines(
            f"{name}-{n}", state="done" if n == wrong else "queued", metadata={"pad": "x" * 2_000}
        )
        for n in range(1, count + 1)
    )
    done = farwork("import", "-", "--json", stdin=text)
    (found,) = done.objects
    assert (found["created"], found["refused"]) == (count - 1, 1)
    assert [(one["line"], one["id"]) for one in found["refusals"]] == [(wrong, f"{name}-{wrong}")]


def test_the_database_of_a_uniqc_installation_is_read_as_it_is(
    farwork: Shell, client: Client, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "tasks.sqlite"
    written = Uniqc(file)
    written.add(task_id=f"{name}-1", shots=1000, result_json='{"00": 510, "11": 490}')
    written.add("archived_tasks", task_id=f"{name}-2", status="failed", archived_at=LATER)
    done = farwork("import", "--from-uniqc", str(file))
    assert (done.code, done.out, done.err) == (0, "2 created, 0 replaced, 0 refused\n", "")
    task = client.get_task(f"{name}-1")
    assert (task.state, task.queue, task.extensions["uniqc"]["shots"]) == (
        "succeeded",
        "originq:WK_C180",
        1000,
    )
    assert client.get_task(f"{name}-2").archived_at is not None


def test_a_file_that_is_no_uniqc_database_is_refused(farwork: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tasks.sqlite"
    file.write_text("Dear database")
    done = farwork("import", "--from-uniqc", str(file))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    "arguments",
    [(), ("a.ndjson", "--from-uniqc", "b.sqlite"), ("/nowhere/a.ndjson",), ("-o", "x")],
)
def test_an_import_without_something_to_read_is_refused(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    done = shell("import", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_a_list_that_is_not_json_is_refused_and_nothing_is_taken(
    farwork: Shell, client: Client, name: str
) -> None:
    done = farwork("import", "-", stdin=f'[{{"id": "{name}"}}, oops]')
    assert (done.code, done.err.count("\n")) == (2, 1)
    with pytest.raises(NotFound):
        client.get_task(name)


def test_an_export_that_cannot_be_written_leaves_nothing_behind(
    farwork: Shell, tmp_path: Path
) -> None:
    done = farwork("export", "-o", str(tmp_path / "none" / "x.ndjson"))
    assert (done.code, done.err.count("\n")) == (2, 1)
    done = Shell().with_settings(server="http://127.0.0.1:9")("export", "-o", str(tmp_path / "x"))
    assert done.code == 3
    assert list(tmp_path.iterdir()) == []


def test_importing_needs_an_admin(farwork: Shell, server: Any, name: str) -> None:
    worker = farwork.with_settings(key=server.key("operator"))
    done = worker("import", "-", stdin=lines(name))
    assert (done.code, done.out) == (4, "")
