"""The trail tells of what dialects' users make, change and remove, not of what workers say."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from tests.dialects.argus.sampledb import SampleDb, worker
from tests.dialects.scanhub.lab import PATIENT, Lab
from tests.support.server import Server

PROJECTS = (f"told-{number}" for number in count(1))


@pytest.fixture
def project() -> str:
    return next(PROJECTS)


@pytest.fixture
def lab(sqlite_server: Server, project: str) -> Iterator[Lab]:
    with Lab(sqlite_server, project) as opened:
        yield opened


@pytest.fixture
def argus(sqlite_server: Server, project: str) -> Iterator[SampleDb]:
    with SampleDb(sqlite_server, project) as opened:
        yield opened


def trail(http: httpx.Client) -> list[tuple[str, str | None]]:
    """What was done, to what, oldest first."""
    items: list[dict[str, Any]] = http.get("/v1/audit?limit=500").json()["items"]
    rows = [row for row in reversed(items) if row["action"] != "key.used"]
    assert {row["address"] for row in rows} <= {"127.0.0.1"}
    return [(row["action"], row["target"]) for row in rows]


def test_exams_with_all_in_them_are_told(lab: Lab, argus: SampleDb) -> None:
    exam = lab.exam()
    workflow = lab.workflow(exam["id"])
    scan = lab.scan(workflow["id"])
    lab.moved(scan["id"], "INPROGRESS", 50)
    result = lab.ask("POST", "/result", task_id=scan["id"])
    filled = {"type": "NUMPY", "directory": "/data", "files": ["a.npy"]}
    lab.ask("PUT", f"/result/{result['id']}", filled)
    lab.moved(scan["id"], "FINISHED", 100)
    lab.put(lab.get(scan["id"]), name="another name")
    lab.ask("DELETE", f"/result/{result['id']}")
    changed = exam | {"status": "UPDATED", "patient_id": PATIENT, "comment": "seen"}
    lab.ask("PUT", f"/{exam['id']}", changed)
    lab.ask("DELETE", f"/{exam['id']}")
    # What goes into one transaction has no order among itself.
    assert sorted(trail(argus.http), key=str) == sorted(
        [
            ("job.create", f"job:{exam['id']}"),
            ("job.create", f"job:{workflow['id']}"),
            ("task.create", f"task:{scan['id']}"),
            ("task.change", f"task:{scan['id']}"),
            ("task.change", f"task:{scan['id']}"),
            ("document.delete", f"scanhub.result:{result['id']}"),
            ("job.change", f"job:{exam['id']}"),
            ("task.delete", f"task:{scan['id']}"),
            ("job.delete", f"job:{workflow['id']}"),
            ("job.delete", f"job:{exam['id']}"),
            ("document.delete", "scanhub.result:*"),
        ],
        key=str,
    )


def test_templates_and_registered_workers_are_told(lab: Lab, argus: SampleDb) -> None:
    template = lab.scan(is_template=True)
    lab.put(template, name="another")
    lab.ask("DELETE", f"/task/{template['id']}")
    names = ({"english": "about"}, {"english": "yara"}, "yara")
    made = argus.data(worker.add_analysis_worker, *names)["id"]
    argus.data(worker.delete_analysis_worker, "yara")
    place = f"scanhub.task_template:{template['id']}"
    assert trail(argus.http) == [
        ("document.create", place),
        ("document.change", place),
        ("document.delete", place),
        ("document.create", f"argus.worker:{made}"),
        ("document.change", f"argus.worker:{made}"),
    ]


def test_what_the_gateways_page_does_to_many_tasks_is_told(argus: SampleDb) -> None:
    http = argus.http
    http.post("/v1/tasks", json=[{"id": "a"}, {"id": "b"}, {"id": "c"}])
    http.post("/api/tasks/bulk-archive", json={"task_ids": ["a", "b", "none"]})
    http.post("/api/archive/restore/b")
    http.post("/api/tasks/bulk-delete", json={"task_ids": ["b", "c"]})
    http.post("/api/tasks/bulk-delete", json={"task_ids": ["none"]})
    assert trail(http) == [
        ("task.create", None),
        ("task.archive", None),
        ("task.restore", "task:b"),
        ("task.delete", None),
    ]
    rows = http.get("/v1/audit?action=task.archive").json()["items"]
    assert rows[0]["details"] == {"tasks": 2, "ids": ["a", "b"]}
