"""What is weak in ScanHub's own service, and is not here; each test names its weakness."""

import socket
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event

from farwork import clock
from tests.dialects.scanhub.lab import DEVICE, NOWHERE, PATIENT, Lab, Record
from tests.support.apps import served
from tests.support.server import serving

LIMITS = {
    "patient_height": 180, "patient_weight": 80, "patient_gender": "FEMALE", "patient_age": 44,
}  # fmt: skip


def test_1_a_put_of_the_other_task_type_is_refused_and_poisons_nothing(lab: Lab) -> None:
    scan = lab.scan()
    dag = lab.dag(scan["workflow_id"])
    body = {k: v for k, v in dag.items() if k != "id"}
    assert lab.refused("PUT", f"/task/{scan['id']}", body) == 409
    assert lab.get(scan["id"]) == scan
    assert len(lab.ask("GET", f"/task/all/{scan['workflow_id']}")) == 2
    assert lab.ask("GET", f"/workflow/{scan['workflow_id']}")["tasks"]
    assert lab.ask("GET", f"/all/{PATIENT}")
    assert lab.send("DELETE", f"/workflow/{scan['workflow_id']}").status_code == 204


def test_2_a_stale_form_moves_neither_state_nor_progress_backwards(lab: Lab) -> None:
    form = lab.scan()
    lab.moved(form["id"], "STARTED")
    lab.moved(form["id"], "INPROGRESS", 60)
    saved = lab.put(form, status="UPDATED", name="edited")
    assert (saved["status"], saved["progress"], saved["name"]) == ("INPROGRESS", 60, "edited")
    lab.moved(form["id"], "FINISHED", 100)
    for status, progress in (("INPROGRESS", 20), ("STARTED", 0), ("NEW", 0), ("ERROR", 5)):
        saved = lab.put(form, status=status, progress=progress)
        assert (saved["status"], saved["progress"]) == ("FINISHED", 100)
    assert lab.native(form["id"])["attempt"] == 1


def test_2_a_form_that_does_not_tell_its_age_is_known_by_its_progress(lab: Lab) -> None:
    form = lab.scan()
    lab.moved(form["id"], "INPROGRESS", 60)
    del form["datetime_updated"]
    saved = lab.put(form, status="UPDATED")
    assert (saved["status"], saved["progress"]) == ("INPROGRESS", 60)


def test_2_an_upload_that_ends_with_an_old_copy_still_finishes_its_task(lab: Lab) -> None:
    copy = lab.scan()
    lab.moved(copy["id"], "INPROGRESS", 60)
    assert lab.put(copy, status="FINISHED")["status"] == "FINISHED"


def test_2_a_version_can_be_demanded(lab: Lab) -> None:
    task = lab.scan()
    tag = lab.send("GET", f"/task/{task['id']}").headers["etag"]
    path = f"/api/v1/exam/task/{task['id']}"
    done = lab.http.put(path, json=task | {"name": "a"}, headers={"If-Match": tag})
    assert done.status_code == 200
    assert done.headers["etag"] != tag
    again = lab.http.put(path, json=task | {"name": "b"}, headers={"If-Match": tag})
    assert (again.status_code, lab.get(task["id"])["name"]) == (412, "a")
    odd = lab.http.put(path, json=task, headers={"If-Match": "W/odd"})
    assert odd.status_code == 400
    assert "if-match must be one entity tag" in odd.json()["detail"]


def test_2_no_field_is_lost_when_many_put_at_once(lab: Lab) -> None:
    ids = [lab.scan(lab.workflow()["id"])["id"] for _ in range(2)]

    def report(number: int) -> str:
        status: str = lab.moved(ids[number % 2], "INPROGRESS", number)["status"]
        return status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(report, range(40))) == {"INPROGRESS"}


def test_2_changes_have_a_history(lab: Lab) -> None:
    task = lab.scan()
    lab.put(task, name="other", status="STARTED")
    events = lab.http.get(f"/v1/tasks/{task['id']}/events").json()["items"]
    assert [one["type"] for one in events] == ["task.created", "task.changed", "task.reported"]
    assert {one["actor"] for one in events} == {"max"}


def test_3_a_write_that_its_client_no_longer_waits_for_is_not_made(tmp_path: Path) -> None:
    database = tmp_path / "farwork.db"
    with serving(f"sqlite:///{database}", tmp_path) as server, Lab(server, "clinic") as lab:
        task = lab.scan()
        other = sqlite3.connect(database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begun = clock.ticks()
        response = lab.send("PUT", f"/task/{task['id']}", task | {"name": "late"})
        took = clock.ticks() - begun
        assert response.status_code == 503
        assert took < 3.0
        assert int(response.headers["retry-after"]) >= 1
        other.execute("ROLLBACK")
        other.close()
        # This write waits behind the other one: when it is made, that one has had its turn.
        lab.scan(task["workflow_id"])
        assert lab.get(task["id"]) == task


@contextmanager
def silent_service() -> Generator[str]:
    """A service that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/patient"


def test_4_a_neighbour_that_does_not_answer_holds_up_nobody_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'farwork.db'}"
    with (
        silent_service() as patients,
        serving(url, tmp_path, scanhub_patients=patients) as server,
        Lab(server, "clinic") as lab,
        Lab(server, "clinic") as other,
        ThreadPoolExecutor(1) as pool,
    ):
        body = {"patient_id": PATIENT, "name": "n", "status": "NEW", "is_template": False}
        slow = pool.submit(lab.send, "POST", "/new", body)
        answered = 0
        while not slow.done():
            assert other.ask("GET", "/health/readiness") == {"status": "ok"}
            answered += 1
        # A neighbour's silence is no mistake of the caller, and no reason to sign in again.
        assert slow.result().status_code == 503
        assert answered > 10


def test_6_acquisition_limits_are_kept_and_returned(lab: Lab) -> None:
    task = lab.scan()
    saved = lab.put(task, acquisition_limits=LIMITS, status="STARTED")
    assert saved["acquisition_limits"] == LIMITS
    assert lab.get(task["id"])["acquisition_limits"] == LIMITS


@pytest.mark.parametrize(
    "fields",
    [
        {"progress": -5},
        {"progress": 1000},
        {"progress": 2**40},
        {"name": "nul \0"},
        {"input_id": "no"},
        {"device_id": "x"},
        {"acquisition_limits": {"patient_height": -1}},
    ],
)
def test_7_values_that_make_no_sense_are_refused(sqlite_lab: Lab, fields: Record) -> None:
    task = sqlite_lab.scan()
    if "input_id" in fields:
        dag = sqlite_lab.dag(task["workflow_id"])
        body = {k: v for k, v in dag.items() if k != "input_task_ids"} | fields
        assert sqlite_lab.refused("PUT", f"/task/{dag['id']}", body) == 422
        return
    assert sqlite_lab.refused("PUT", f"/task/{task['id']}", task | fields) == 422
    assert sqlite_lab.get(task["id"]) == task


def test_7_an_input_that_is_no_task_is_refused(lab: Lab) -> None:
    scan = lab.scan()
    dag = lab.dag(scan["workflow_id"], input_task_ids=[scan["id"]])
    body = dag | {"input_task_ids": [scan["id"], NOWHERE]}
    assert lab.refused("PUT", f"/task/{dag['id']}", body) == 400
    assert lab.refused("POST", "/task/new", body) == 400


@pytest.mark.parametrize("path", ["../../etc", "/data/../../etc", "..", "a\\..\\b"])
def test_7_a_result_does_not_lead_out_of_the_data_lake(sqlite_lab: Lab, path: str) -> None:
    result = sqlite_lab.ask("POST", "/result", task_id=sqlite_lab.scan()["id"])
    for fields in ({"directory": path}, {"directory": "/data", "files": ["ok", path]}):
        said: dict[str, Any] = {"type": "DICOM"} | fields
        assert sqlite_lab.refused("PUT", f"/result/{result['id']}", said) == 422
    assert sqlite_lab.ask("GET", f"/result/{result['id']}") == result


@pytest.mark.parametrize("path", ["/etc/passwd", "\\etc\\passwd", "C:\\secret", "//host/share"])
def test_7_a_file_of_a_result_is_named_from_its_directory(sqlite_lab: Lab, path: str) -> None:
    result = sqlite_lab.ask("POST", "/result", task_id=sqlite_lab.scan()["id"])
    said: dict[str, Any] = {"type": "DICOM", "directory": "/data/x/", "files": ["a/b.dcm", path]}
    assert sqlite_lab.refused("PUT", f"/result/{result['id']}", said) == 422
    assert sqlite_lab.ask("GET", f"/result/{result['id']}") == result


@pytest.mark.parametrize("status", ["STARTED", "INPROGRESS", "FINISHED", "ERROR"])
def test_8_what_has_begun_does_not_become_new_again(sqlite_lab: Lab, status: str) -> None:
    id_ = sqlite_lab.scan()["id"]
    record = sqlite_lab.moved(id_, status, 50)
    assert sqlite_lab.refused("PUT", f"/task/{id_}", record | {"status": "NEW"}) == 409
    assert sqlite_lab.get(id_) == record


def test_9_what_hangs_can_be_ended_and_run_again(lab: Lab) -> None:
    id_ = lab.scan()["id"]
    lab.moved(id_, "STARTED")
    explained = lab.http.get(f"/v1/tasks/{id_}/explain")
    assert explained.is_success
    assert lab.http.post(f"/v1/tasks/{id_}/cancel", json={"reason": "device away"}).is_success
    assert lab.get(id_)["status"] == "ERROR"
    assert lab.moved(id_, "STARTED")["status"] == "STARTED"
    assert lab.native(id_)["attempt"] == 2


def test_10_a_blank_result_is_not_the_newest_that_the_next_step_takes(lab: Lab) -> None:
    task = lab.scan()["id"]
    filled = lab.ask("POST", "/result", task_id=task)
    said = {"type": "MRD", "directory": "/data/x", "files": ["data.mrd"]}
    filled = lab.ask("PUT", f"/result/{filled['id']}", said)
    orphan = lab.ask("POST", "/result", task_id=task)
    newest = max(lab.get(task)["results"], key=lambda one: one["datetime_created"])
    assert newest == filled
    assert orphan in lab.ask("GET", f"/result/all/{task}")


def test_12_a_record_is_changed_whole_or_not_at_all(lab: Lab) -> None:
    scan = lab.scan()
    body = scan | {"name": "half", "workflow_id": NOWHERE, "status": "STARTED"}
    assert lab.refused("PUT", f"/task/{scan['id']}", body) == 400
    assert lab.get(scan["id"]) == scan


def test_13_copies_begin_anew_and_are_answered_whole(lab: Lab) -> None:
    template = lab.workflow(is_template=True)
    scan = lab.scan(template["id"], is_template=True)
    dag = lab.dag(template["id"], is_template=True, input_task_ids=[scan["id"]])
    lab.put(scan, status="UPDATED", progress=33)
    exam = lab.exam()
    made = lab.ask(
        "POST", "/workflow", exam_id=exam["id"], template_id=template["id"],
        new_workflow_is_template=False,
    )  # fmt: skip
    first, second = made["tasks"]
    assert (first["status"], first["progress"]) == ("NEW", 0)
    assert second["input_task_ids"] == [first["id"]]
    assert lab.ask("GET", f"/workflow/{made['id']}") == made
    # The same one by one: the inputs are those copies that stand in the new workflow.
    place = lab.workflow(exam["id"])["id"]
    copies = [
        lab.ask(
            "POST", "/task", workflow_id=place, template_id=one["id"], new_task_is_template=False
        )
        for one in (scan, dag)
    ]
    assert copies[1]["input_task_ids"] == [copies[0]["id"]]
    assert (copies[0]["status"], copies[0]["progress"]) == ("NEW", 0)


def test_14_deletions_need_a_role_and_leave_a_trail(lab: Lab) -> None:
    task = lab.scan()
    assert lab.send("DELETE", f"/task/{task['id']}").status_code == 204
    feed = lab.http.get("/v1/feed").json()["items"]
    gone = [one for one in feed if one["type"] == "task.deleted"]
    assert [(one["task_id"], one["actor"]) for one in gone] == [(task["id"], "max")]


def test_17_the_polled_tree_is_tagged_and_in_order(lab: Lab) -> None:
    exams = [lab.exam(name=str(number)) for number in range(3)]
    workflow = lab.workflow(exams[0]["id"])
    task = lab.scan(workflow["id"])
    first = lab.send("GET", f"/all/{PATIENT}")
    assert [one["name"] for one in first.json()] == ["0", "1", "2"]
    tag = first.headers["etag"]
    assert tag.startswith('"')
    headers = {"If-None-Match": tag}
    again = lab.http.get(f"/api/v1/exam/all/{PATIENT}", headers=headers)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    lab.moved(task["id"], "INPROGRESS", 1)
    changed = lab.http.get(f"/api/v1/exam/all/{PATIENT}", headers=headers)
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


def test_19_inputs_that_are_gone_are_not_named(lab: Lab) -> None:
    scan = lab.scan()
    other = lab.scan(lab.workflow()["id"])
    inputs = [scan["id"], other["id"]]
    dag = lab.dag(scan["workflow_id"], input_task_ids=inputs)
    assert dag["input_task_ids"] == inputs
    assert lab.send("DELETE", f"/task/{scan['id']}").status_code == 204
    assert lab.get(dag["id"])["input_task_ids"] == [other["id"]]
    assert lab.send("DELETE", f"/workflow/{other['workflow_id']}").status_code == 204
    shown = lab.ask("GET", f"/workflow/{scan['workflow_id']}")["tasks"]
    assert shown[0]["input_task_ids"] == []
    assert lab.put(shown[0], name="n")["name"] == "n"


def test_19_a_task_that_is_worked_on_is_not_deleted(lab: Lab) -> None:
    task = lab.scan()
    lab.moved(task["id"], "INPROGRESS", 1)
    exam = lab.ask("GET", f"/workflow/{task['workflow_id']}")["exam_id"]
    for path in (f"/task/{task['id']}", f"/workflow/{task['workflow_id']}", f"/{exam}"):
        assert lab.refused("DELETE", path) == 409
    lab.moved(task["id"], "ERROR")
    assert lab.send("DELETE", f"/{exam}").status_code == 204


@pytest.mark.anyio
async def test_17_the_polled_tree_costs_the_same_queries_however_large_it_is(
    sqlite_url: str,
) -> None:
    async with served(sqlite_url) as client:
        provide: Any = cast("Any", client).app.dependencies["context"]
        context: Any = await provide()
        engine = context.ledger.store.reader_engine
        asked: list[str] = []

        def note(*given: Any) -> None:
            # A new connection of the pool is set up by the way.
            if not given[2].startswith("PRAGMA"):
                asked.append(given[2])

        event.listen(engine, "before_cursor_execute", note)

        async def post(path: str, **body: Any) -> str:
            made = await client.post(f"/api/v1/exam{path}", json=body)
            assert made.status_code == 201, made.text
            id_: str = made.json()["id"]
            return id_

        async def cost() -> int:
            asked.clear()
            response = await client.get(f"/api/v1/exam/all/{PATIENT}")
            assert response.status_code == 200
            return len(asked)

        shared = {"name": "n", "description": "", "status": "NEW", "is_template": False}
        task = shared | {
            "task_type": "ACQUISITION", "destination": "", "progress": 0, "device_id": DEVICE,
        }  # fmt: skip
        costs: list[int] = []
        for _ in range(3):
            exam = await post("/new", patient_id=PATIENT, **shared)
            for _ in range(2):
                workflow = await post("/workflow/new", exam_id=exam, **shared)
                for _ in range(3):
                    await post("/task/new", workflow_id=workflow, **task)
            # Now and then one request asks whether its key is still good.
            costs.append(min([await cost() for _ in range(3)]))
        assert len(set(costs)) == 1
        assert costs[0] <= 8


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"
