"""Tasks as ScanHub's managers and its web page use them."""

from typing import Any

import pytest

from tests.dialects.scanhub.lab import DEVICE, NOWHERE, Lab

SHARED = {
    "id", "creator", "datetime_created", "datetime_updated", "workflow_id", "name", "description",
    "task_type", "destination", "status", "progress", "is_template", "position", "results",
}  # fmt: skip
SCAN = SHARED | {
    "device_id", "sequence_id", "acquisition_parameter", "acquisition_limits", "calibration",
}  # fmt: skip
DAG = SHARED | {"dag_type", "dag_id", "input_task_ids", "input_id", "parameter"}


def test_a_new_scan_shows_every_key_and_the_user_who_made_it(lab: Lab) -> None:
    made = lab.scan()
    assert made.keys() == SCAN
    assert made == lab.get(made["id"])
    assert (made["creator"], made["status"], made["progress"]) == ("max", "NEW", 0)
    assert (made["datetime_updated"], made["results"], made["calibration"]) == (None, [], [])
    assert made["device_id"] == DEVICE
    assert "+" not in made["datetime_created"]


def test_a_new_dag_names_its_inputs_in_both_generations_words(lab: Lab) -> None:
    scan = lab.scan()
    made = lab.dag(scan["workflow_id"], input_task_ids=[scan["id"]])
    assert made.keys() == DAG
    assert (made["input_task_ids"], made["input_id"]) == ([scan["id"]], scan["id"])
    body = {k: v for k, v in made.items() if k != "input_task_ids"}
    assert lab.ask("POST", "/task/new", body)["input_task_ids"] == [scan["id"]]


def test_a_task_is_ours_too(lab: Lab) -> None:
    made = lab.scan()
    shown = lab.native(made["id"])
    assert (shown["state"], shown["kind"], shown["queue"]) == ("created", "acquisition", DEVICE)
    assert (shown["job_id"], shown["name"]) == (made["workflow_id"], "scout")
    assert shown["creator"] == "max"


def test_a_scan_goes_through_every_state_as_its_callers_move_it(lab: Lab) -> None:
    id_ = lab.scan()["id"]
    seen: list[tuple[str, int, str, int]] = []
    for status, progress in [
        ("UPDATED", None), ("STARTED", None), ("STARTED", None), ("INPROGRESS", 0),
        ("INPROGRESS", 40), ("FINISHED", 100), ("FINISHED", None), ("STARTED", None),
        ("INPROGRESS", 0), ("INPROGRESS", 30), ("ERROR", None), ("INPROGRESS", 35),
        ("FINISHED", 100), ("UPDATED", None), ("STARTED", None), ("INPROGRESS", 0),
    ]:  # fmt: skip
        shown = lab.moved(id_, status, progress)
        ours = lab.native(id_)
        seen.append((shown["status"], shown["progress"], ours["state"], ours["attempt"]))
    assert seen == [
        ("UPDATED", 0, "created", 1),
        ("STARTED", 0, "queued", 1),
        ("STARTED", 0, "queued", 1),
        ("INPROGRESS", 0, "running", 1),
        ("INPROGRESS", 40, "running", 1),
        ("FINISHED", 100, "succeeded", 1),
        ("FINISHED", 100, "succeeded", 1),
        ("STARTED", 100, "queued", 2),
        ("INPROGRESS", 0, "running", 2),
        ("INPROGRESS", 30, "running", 2),
        ("ERROR", 30, "failed", 2),
        ("INPROGRESS", 35, "running", 3),
        ("FINISHED", 100, "succeeded", 3),
        ("UPDATED", 100, "created", 4),
        ("STARTED", 100, "queued", 4),
        ("INPROGRESS", 0, "running", 4),
    ]


@pytest.mark.parametrize("begin", ["NEW", "UPDATED", "STARTED", "INPROGRESS", "FINISHED", "ERROR"])
@pytest.mark.parametrize("end", ["UPDATED", "STARTED", "INPROGRESS", "FINISHED", "ERROR"])
def test_every_transition_of_the_real_callers_is_legal(
    sqlite_lab: Lab, begin: str, end: str
) -> None:
    record = sqlite_lab.scan()
    if begin != "NEW":
        record = sqlite_lab.moved(record["id"], begin, 50)
    shown = sqlite_lab.moved(record["id"], end)
    assert shown["status"] == end


def test_starting_a_running_task_again_gives_its_attempt_up_and_begins_another(lab: Lab) -> None:
    id_ = lab.scan()["id"]
    lab.moved(id_, "INPROGRESS", 60)
    assert lab.moved(id_, "STARTED")["status"] == "STARTED"
    attempts = lab.http.get(f"/v1/tasks/{id_}/attempts").json()["items"]
    first = next(one for one in attempts if one["number"] == 1)
    assert (first["state"], first["reason"]) == ("cancelled", "superseded")
    assert lab.native(id_)["attempt"] == 2


def test_put_replaces_every_field_and_ignores_what_is_only_read(lab: Lab) -> None:
    made = lab.scan()
    body = made | {
        "name": "other", "description": "", "destination": "pacs", "device_id": None,
        "sequence_id": "", "creator": "mallory", "id": NOWHERE, "unknown": 1, "results": [1],
        "datetime_created": "nonsense",
    }  # fmt: skip
    shown = lab.ask("PUT", f"/task/{made['id']}", body)
    assert (shown["id"], shown["creator"]) == (made["id"], "max")
    assert (shown["name"], shown["destination"], shown["device_id"]) == ("other", "pacs", None)
    assert shown["datetime_created"] == made["datetime_created"]
    assert shown["datetime_updated"] > made["datetime_created"]
    del body["device_id"], body["sequence_id"], body["acquisition_parameter"]
    body["datetime_updated"] = shown["datetime_updated"]
    shown = lab.ask("PUT", f"/task/{made['id']}", body)
    assert (shown["sequence_id"], shown["acquisition_parameter"]) == (None, None)


def test_ids_are_taken_however_they_are_written(sqlite_lab: Lab) -> None:
    made = sqlite_lab.scan()
    bare = made["id"].replace("-", "").upper()
    for form in (bare, f"{{{made['id']}}}", f"urn:uuid:{made['id']}"):
        assert sqlite_lab.get(form)["id"] == made["id"]
    workflow = made["workflow_id"].upper()
    assert sqlite_lab.scan(workflow)["workflow_id"] == made["workflow_id"]


def test_digits_as_text_are_a_progress(sqlite_lab: Lab) -> None:
    made = sqlite_lab.scan()
    assert sqlite_lab.put(made, status="INPROGRESS", progress="33")["progress"] == 33
    assert sqlite_lab.refused("PUT", f"/task/{made['id']}", made | {"progress": 33.5}) == 422


@pytest.mark.parametrize("path", ["/task/None", "/task/notauuid", "/task/123"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_malformed_id_is_a_400_whatever_is_asked(sqlite_lab: Lab, method: str, path: str) -> None:
    body = sqlite_lab.scan_body() if method == "PUT" else None
    assert sqlite_lab.refused(method, path, body) == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_task_is_a_404(sqlite_lab: Lab, method: str) -> None:
    body = sqlite_lab.scan_body() if method == "PUT" else None
    assert sqlite_lab.refused(method, f"/task/{NOWHERE}", body) == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "STARTED"}, 400),
        ({"workflow_id": None}, 400),
        ({"workflow_id": NOWHERE}, 400),
        ({"workflow_id": "x"}, 422),
        ({"progress": "many"}, 422),
        ({"status": "DONE"}, 422),
        ({"task_type": "OTHER"}, 422),
        ({"name": None}, 422),
        ({"acquisition_parameter": {"fov_scaling": 1}}, 422),
    ],
)
def test_a_task_that_cannot_be_made_is_refused(
    sqlite_lab: Lab, fields: dict[str, Any], status: int
) -> None:
    body = sqlite_lab.scan_body(sqlite_lab.workflow()["id"]) | fields
    assert sqlite_lab.refused("POST", "/task/new", body) == status


def test_everything_that_is_wrong_is_told_at_once(sqlite_lab: Lab) -> None:
    response = sqlite_lab.send("POST", "/task/new", {"task_type": "DAG", "progress": -1})
    flaws = response.json()["detail"]
    places = {flaw["loc"][-1]: flaw["type"] for flaw in flaws}
    assert places["progress"] == "value_error"
    assert places["dag_id"] == places["name"] == "missing"


def test_tasks_stand_in_the_order_of_their_positions(lab: Lab) -> None:
    workflow = lab.workflow()["id"]
    ids = [lab.scan(workflow, name=str(number))["id"] for number in range(3)]
    assert [task["position"] for task in lab.ask("GET", f"/task/all/{workflow}")] == [0, 1, 2]
    order = [ids[2], NOWHERE, ids[0], ids[1]]
    assert lab.send("PUT", "/task/reorder", {"task_ids": order}).status_code == 204
    listed = lab.ask("GET", f"/task/all/{workflow}")
    assert [task["id"] for task in listed] == [ids[2], ids[0], ids[1]]
    shown = lab.ask("GET", f"/workflow/{workflow}")["tasks"]
    assert [task["id"] for task in shown] == [ids[2], ids[0], ids[1]]


def test_a_list_of_an_unknown_workflow_is_empty(sqlite_lab: Lab) -> None:
    assert sqlite_lab.ask("GET", f"/task/all/{NOWHERE}") == []


def test_a_deleted_task_is_gone_with_its_results(lab: Lab) -> None:
    id_ = lab.scan()["id"]
    result = lab.ask("POST", "/result", task_id=id_)["id"]
    assert lab.send("DELETE", f"/task/{id_}").status_code == 204
    assert lab.refused("GET", f"/task/{id_}") == 404
    assert lab.refused("GET", f"/result/{result}") == 404
    assert lab.http.get(f"/v1/tasks/{id_}").status_code == 404


# --- templates ---


def test_templates_are_no_tasks_and_nobody_can_claim_them(lab: Lab) -> None:
    template = lab.scan(is_template=True)
    assert (template["is_template"], template["workflow_id"]) == (True, None)
    assert lab.get(template["id"]) == template
    assert lab.ask("GET", "/task/templates/all") == [template]
    assert lab.http.get("/v1/tasks").json()["items"] == []
    changed = lab.put(template, name="better")
    assert changed["name"] == "better"
    assert lab.send("DELETE", f"/task/{template['id']}").status_code == 204
    assert lab.refused("GET", f"/task/{template['id']}") == 404


def test_a_task_is_made_from_a_template(lab: Lab) -> None:
    template, workflow = lab.scan(is_template=True), lab.workflow()["id"]
    made = lab.ask(
        "POST", "/task", workflow_id=workflow, template_id=template["id"],
        new_task_is_template=False,
    )  # fmt: skip
    assert (made["is_template"], made["workflow_id"]) == (False, workflow)
    assert made["name"] == template["name"]
    assert made["id"] != template["id"]


def test_what_cannot_be_copied_is_refused(sqlite_lab: Lab) -> None:
    lab = sqlite_lab
    task, template = lab.scan(), lab.scan(is_template=True)
    place = task["workflow_id"]

    def copied(template_id: str, workflow_id: str, *, template: bool = False) -> int:
        return lab.refused(
            "POST", "/task", workflow_id=workflow_id, template_id=template_id,
            new_task_is_template=template,
        )  # fmt: skip

    assert copied(NOWHERE, place) == 404
    assert copied(task["id"], place) == 400
    assert copied(template["id"], NOWHERE) == 400
    assert copied(template["id"], place, template=True) == 400
    assert copied("x", place) == 422
    assert lab.refused("POST", "/task") == 422
