"""Results: blank first, then filled, then read by whoever comes next."""

import pytest

from tests.dialects.scanhub.lab import NOWHERE, Lab

FILLED = {
    "type": "MRD",
    "directory": "/data/w/t/r/",
    "files": ["data.mrd"],
    "meta": {"run_id": "7"},
}


def test_a_result_begins_blank_and_is_filled_by_a_whole_record(lab: Lab) -> None:
    task = lab.scan()["id"]
    blank = lab.ask("POST", "/result", task_id=task)
    assert blank == {
        "id": blank["id"], "task_id": task, "datetime_created": blank["datetime_created"],
        "type": "NOT_SET", "directory": "", "files": [], "meta": None, "filename": "",
    }  # fmt: skip
    filled = lab.ask("PUT", f"/result/{blank['id']}", blank | FILLED)
    assert filled == blank | FILLED | {"filename": "data.mrd"}
    assert lab.ask("GET", f"/result/{blank['id']}") == filled
    assert lab.ask("GET", f"/result/all/{task}") == [filled]
    assert lab.get(task)["results"] == [filled]


def test_a_filled_result_is_the_tasks_result_everywhere(lab: Lab) -> None:
    task = lab.scan()["id"]
    result = lab.ask("POST", "/result", task_id=task)["id"]
    assert lab.native(task)["has_result"] is False
    lab.ask("PUT", f"/result/{result}", FILLED)
    assert lab.native(task)["has_result"] is True
    (shown,) = lab.http.get(f"/v1/tasks/{task}/results").json()["items"]
    assert (shown["name"], shown["type"], shown["data"]) == (result, "MRD", {"run_id": "7"})
    assert shown["files"] == [{"name": "data.mrd", "url": "/data/w/t/r/data.mrd"}]
    lab.ask("PUT", f"/result/{result}", FILLED | {"files": ["a.dcm", "b.dcm"], "type": "DICOM"})
    (shown,) = lab.http.get(f"/v1/tasks/{task}/results").json()["items"]
    assert (shown["type"], len(shown["files"])) == ("DICOM", 2)
    assert lab.send("DELETE", f"/result/{result}").status_code == 204
    assert lab.native(task)["has_result"] is False
    assert lab.http.get(f"/v1/tasks/{task}/results").json()["items"] == []


def test_the_seed_eras_file_name_is_a_file(sqlite_lab: Lab) -> None:
    task = sqlite_lab.scan()["id"]
    result = sqlite_lab.ask("POST", "/result", task_id=task)["id"]
    said = {"type": "DICOM", "directory": "/data", "filename": "a.dcm"}
    assert sqlite_lab.ask("PUT", f"/result/{result}", said)["files"] == ["a.dcm"]


def test_the_device_managers_way_to_delete_a_blank_result_works(lab: Lab) -> None:
    result = lab.ask("POST", "/result", task_id=lab.scan()["id"])["id"]
    assert lab.send("DELETE", "/result", result_id=result).status_code == 204
    assert lab.refused("GET", f"/result/{result}") == 404


def test_results_are_made_in_strictly_growing_time(lab: Lab) -> None:
    task = lab.scan()["id"]
    times = [lab.ask("POST", "/result", task_id=task)["datetime_created"] for _ in range(10)]
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/result/{NOWHERE}", 404),
        ("GET", "/result/x", 400),
        ("PUT", f"/result/{NOWHERE}", 404),
        ("PUT", "/result/x", 400),
        ("DELETE", f"/result/{NOWHERE}", 404),
        ("DELETE", "/result/x", 400),
        ("POST", "/result", 422),
        ("POST", f"/result?task_id={NOWHERE}", 400),
        ("POST", "/result?task_id=x", 422),
        ("GET", "/result/all/x", 400),
    ],
)
def test_what_is_not_there_or_malformed_is_refused(
    sqlite_lab: Lab, method: str, path: str, status: int
) -> None:
    body = FILLED if method == "PUT" else None
    assert sqlite_lab.refused(method, path, body) == status


def test_a_template_has_no_results(sqlite_lab: Lab) -> None:
    template = sqlite_lab.scan(is_template=True)["id"]
    assert sqlite_lab.refused("POST", "/result", task_id=template) == 400


def test_a_list_of_an_unknown_task_is_empty(sqlite_lab: Lab) -> None:
    assert sqlite_lab.ask("GET", f"/result/all/{NOWHERE}") == []
