"""Exams, workflows and sequences: what the web page works with."""

from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.dialects.scanhub.lab import NOWHERE, PATIENT, Lab, Record
from tests.support.server import serving

WORKFLOW = {
    "id", "exam_id", "name", "description", "comment", "status", "is_template", "creator",
    "datetime_created", "datetime_updated", "tasks",
}  # fmt: skip
EXAM = WORKFLOW - {"exam_id", "tasks"} | {"patient_id", "indication", "workflows"}


def test_an_exam_is_a_job_of_jobs(lab: Lab) -> None:
    exam = lab.exam()
    assert exam.keys() == EXAM
    workflow = lab.workflow(exam["id"])
    assert workflow.keys() == WORKFLOW
    scan = lab.scan(workflow["id"])
    lab.moved(scan["id"], "INPROGRESS", 5)
    job = lab.http.get(f"/v1/jobs/{workflow['id']}").json()
    assert (job["parent_id"], job["state"], job["name"]) == (exam["id"], "running", "protocol")
    assert lab.http.get(f"/v1/jobs/{exam['id']}").json()["state"] == "running"
    shown = lab.ask("GET", f"/{exam['id']}")
    assert shown["workflows"][0]["tasks"] == [lab.get(scan["id"])]
    assert lab.ask("GET", f"/workflow/all/{exam['id']}") == shown["workflows"]
    assert lab.ask("GET", f"/all/{PATIENT}") == [shown]
    assert lab.ask("GET", f"/all/{NOWHERE}") == []
    # Their own states are said, never moved by tasks.
    assert (shown["status"], shown["workflows"][0]["status"]) == ("NEW", "NEW")


def test_exams_and_workflows_are_put_whole(lab: Lab) -> None:
    exam = lab.exam()
    workflow = lab.workflow(exam["id"])
    assert lab.refused("PUT", f"/{exam['id']}", exam) == 403
    assert lab.refused("PUT", f"/workflow/{workflow['id']}", workflow) == 403
    other = "123e4567-e89b-42d3-a456-426614174000"
    said = exam | {"status": "UPDATED", "name": "hip", "comment": "c", "patient_id": other}
    shown = lab.ask("PUT", f"/{exam['id']}", said)
    assert (shown["name"], shown["status"], shown["comment"]) == ("hip", "UPDATED", "c")
    assert shown["datetime_updated"] is not None
    assert lab.ask("GET", f"/all/{PATIENT}") == []
    assert [one["id"] for one in lab.ask("GET", f"/all/{other}")] == [exam["id"]]
    said = workflow | {"status": "FINISHED", "name": "n"}
    shown = lab.ask("PUT", f"/workflow/{workflow['id']}", said)
    assert (shown["name"], shown["status"]) == ("n", "FINISHED")


def test_deleting_goes_down_to_the_results(lab: Lab) -> None:
    exam = lab.exam()
    workflow = lab.workflow(exam["id"])
    scan = lab.scan(workflow["id"])
    result = lab.ask("POST", "/result", task_id=scan["id"])
    assert lab.send("DELETE", f"/{exam['id']}").status_code == 204
    for path in (
        f"/{exam['id']}", f"/workflow/{workflow['id']}", f"/task/{scan['id']}",
        f"/result/{result['id']}",
    ):  # fmt: skip
        assert lab.refused("GET", path) == 404
    assert lab.http.get("/v1/jobs").json()["items"] == []
    workflow = lab.workflow()
    lab.scan(workflow["id"])
    assert lab.send("DELETE", f"/workflow/{workflow['id']}").status_code == 204
    assert lab.ask("GET", f"/workflow/all/{workflow['exam_id']}") == []


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/new", {"status": "UPDATED"}, 400),
        ("/new", {"patient_id": None}, 400),
        ("/new", {"is_template": True}, 400),
        ("/new", {"name": 1}, 422),
        ("/workflow/new", {"status": "STARTED", "exam_id": NOWHERE}, 400),
        ("/workflow/new", {"exam_id": NOWHERE}, 400),
        ("/workflow/new", {"exam_id": None}, 400),
        ("/workflow/new", {"exam_id": "x"}, 422),
    ],
)
def test_what_cannot_be_made_is_refused(
    sqlite_lab: Lab, path: str, fields: dict[str, Any], status: int
) -> None:
    given = {
        "patient_id": PATIENT, "name": "n", "description": "d", "status": "NEW",
        "is_template": False,
    }  # fmt: skip
    assert sqlite_lab.refused("POST", path, given | fields) == status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("noun", ["", "/workflow"])
def test_malformed_ids_are_400_and_unknown_ones_404(
    sqlite_lab: Lab, noun: str, method: str
) -> None:
    for id_, status in (("notauuid", 400), (NOWHERE, 404)):
        body: Record | None = {} if method == "PUT" else None
        assert sqlite_lab.refused(method, f"{noun}/{id_}", body) == status


def test_a_noun_alone_is_no_exam(sqlite_lab: Lab) -> None:
    assert sqlite_lab.refused("GET", "/task") == 405


def test_an_exam_with_workflows_and_tasks_is_made_from_templates(lab: Lab) -> None:
    template = lab.exam(is_template=True)
    workflow = lab.workflow(template["id"], is_template=True)
    scan = lab.scan(workflow["id"], is_template=True)
    lab.dag(workflow["id"], is_template=True, input_task_ids=[scan["id"]])
    (shown,) = lab.ask("GET", "/templates/all")
    assert [task["name"] for task in shown["workflows"][0]["tasks"]] == ["scout", "fft"]
    assert lab.http.get("/v1/jobs").json()["items"] == []
    said = {
        "patient_id": PATIENT, "name": "copy", "description": "", "status": "NEW",
        "is_template": False,
    }  # fmt: skip
    made = lab.ask("POST", f"/?template_id={template['id']}", said)
    scan, dag = made["workflows"][0]["tasks"]
    assert (made["name"], made["patient_id"]) == ("copy", PATIENT)
    assert dag["input_task_ids"] == [scan["id"]]
    assert lab.native(scan["id"])["state"] == "created"
    again = lab.ask(
        "POST", f"/?template_id={template['id']}", said | {"is_template": True, "patient_id": None}
    )
    assert again["workflows"][0]["is_template"] is True
    assert lab.refused("POST", f"/?template_id={NOWHERE}", said) == 404
    assert lab.refused("POST", f"/?template_id={made['id']}", said) == 400
    assert lab.send("DELETE", f"/{template['id']}").status_code == 204
    assert lab.refused("GET", f"/workflow/{workflow['id']}") == 404


def test_sorts_do_not_mix(sqlite_lab: Lab) -> None:
    lab = sqlite_lab
    template, exam = lab.exam(is_template=True), lab.exam()
    said = {"name": "n", "status": "NEW", "is_template": False, "exam_id": template["id"]}
    assert lab.refused("POST", "/workflow/new", said) == 400
    said |= {"is_template": True, "exam_id": exam["id"]}
    assert lab.refused("POST", "/workflow/new", said) == 400
    workflow = lab.workflow(is_template=True)
    assert lab.refused("POST", "/task/new", lab.scan_body(workflow["id"])) == 400
    place = lab.workflow(exam["id"])["id"]
    assert lab.refused("POST", "/task/new", lab.scan_body(place, is_template=True)) == 400


# --- sequences ---


def test_a_sequence_is_uploaded_read_and_removed(lab: Lab) -> None:
    made = lab.http.post(
        "/api/v1/exam/sequence",
        data={"name": "gre", "description": "d", "sequence_type": "3d", "tags": ["a", "b"]},
        files={"seq_file": ("gre.seq", b"[VERSION]\r\n1.4\n"), "xml_file": ("h.xml", b"<h/>")},
    )
    assert made.status_code == 201, made.text
    shown = made.json()
    assert len(shown["_id"]) == 24
    assert (shown["seq_file"], shown["seq_file_extension"]) == ("[VERSION]\r\n1.4\n", "seq")
    assert (shown["xml_file"], shown["tags"], shown["updated_at"]) == ("<h/>", ["a", "b"], None)
    place = f"/sequence/{shown['_id']}"
    assert lab.ask("GET", place) == shown
    assert lab.ask("GET", "/sequences/all") == [shown]
    assert lab.send("GET", f"{place}/file").text == shown["seq_file"]
    assert lab.send("GET", f"{place}/header").text == "<h/>"
    assert lab.ask("PUT", place, {"name": "other"})["name"] == "other"
    assert lab.send("DELETE", place).status_code == 202
    assert lab.refused("GET", place) == 404


def test_a_sequence_that_is_not_there_or_not_whole_is_refused(sqlite_lab: Lab) -> None:
    assert sqlite_lab.refused("GET", "/sequence/..x") == 404
    assert sqlite_lab.refused("POST", "/sequence", {"name": "n"}) == 422
    response = sqlite_lab.http.post(
        "/api/v1/exam/sequence", data={"name": "n"}, files={"seq_file": ("a.seq", b"\xff\xfe")}
    )
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "xml_file"]


# --- patients ---


class Patients(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path.endswith(PATIENT) and self.headers["Authorization"].startswith("Bearer ")
        self.send_response(200 if known else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""


@contextmanager
def patient_service() -> Generator[str]:
    service = HTTPServer(("127.0.0.1", 0), Patients)
    thread = Thread(target=service.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{service.server_port}/api/v1/patient"
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


def test_where_there_is_a_patient_service_it_is_asked(tmp_path: Path) -> None:
    with (
        patient_service() as url,
        serving(
            f"sqlite:///{tmp_path / 'f.db'}",
            tmp_path,
            scanhub_patients=url,
        ) as server,
        Lab(server, "clinic") as lab,
    ):
        exam = lab.exam()
        assert exam["patient_id"] == PATIENT
        body = exam | {"patient_id": NOWHERE}
        assert lab.refused("POST", "/new", body) == 400
        assert lab.refused("PUT", f"/{exam['id']}", body | {"status": "UPDATED"}) == 400
        kept = lab.ask("PUT", f"/{exam['id']}", exam | {"status": "UPDATED"})
        assert kept["status"] == "UPDATED"
