"""ScanHub's clients as they are: whole records, JSON without a Content-Type, three seconds."""

import json
from types import TracebackType
from typing import Any, Self

import httpx

from farwork import clock
from farwork.service.access import Role, new_key
from farwork.storage import access_store
from farwork.storage.engine import open_engine
from tests.support.server import Server

Record = dict[str, Any]
BASE = "/api/v1/exam"
DEVICE = "0f8fad5b-d9cb-469f-a165-70867728950e"
PATIENT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NOWHERE = "00000000-0000-4000-8000-000000000000"
UNIT = {"x": 1.0, "y": 1.0, "z": 1.0}


def key_for(server: Server, project: str, role: Role, name: str | None = None) -> str:
    """A key of a project that exists from then on."""
    row, text = new_key(project, role, name, now=clock.now())
    engine = open_engine(server.database)
    with engine.begin() as connection:
        access_store.add_project(connection, project, row.created_at)
        access_store.add_key(connection, row)
    engine.dispose()
    return text


class Lab:
    """A project of ScanHub's, seen with one key."""

    def __init__(self, server: Server, project: str, role: Role = Role.OPERATOR) -> None:
        self.server = server
        self.project = project
        self.http = server.client(key_for(server, project, role, "max"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    # --- requests ---

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """A request as the managers make it: the body is JSON, and nothing says so."""
        content = None if body is None else json.dumps(body).encode()
        return self.http.request(method, f"{BASE}{path}", content=content, params=query or None)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The body of an answer that has what was asked for."""
        response = self.send(method, path, body, **query)
        assert response.is_success, f"{response.status_code} {response.text}"
        return response.json() if response.content else None

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> int:
        """The status of a refusal, which says why."""
        response = self.send(method, path, body, **query)
        assert response.status_code >= 400, response.text
        assert response.json()["detail"]
        return response.status_code

    # --- records ---

    def exam(self, **fields: Any) -> Record:
        given: Record = {
            "patient_id": None if fields.get("is_template") else PATIENT,
            "name": "knee",
            "description": "left",
            "indication": "pain",
            "comment": None,
            "status": "NEW",
            "is_template": False,
        }
        return self.ask("POST", "/new", given | fields)

    def workflow(self, exam_id: str | None = None, **fields: Any) -> Record:
        template = fields.get("is_template", False)
        given: Record = {
            "exam_id": exam_id if template else exam_id or self.exam()["id"],
            "name": "protocol",
            "description": "d",
            "comment": None,
            "status": "NEW",
            "is_template": template,
        }
        return self.ask("POST", "/workflow/new", given | fields)

    def scan(self, workflow_id: str | None = None, **fields: Any) -> Record:
        """A new acquisition task."""
        return self.ask("POST", "/task/new", self.scan_body(workflow_id, **fields))

    def scan_body(self, workflow_id: str | None = None, **fields: Any) -> Record:
        if workflow_id is None and not fields.get("is_template"):
            workflow_id = self.workflow()["id"]
        given: Record = {
            "workflow_id": workflow_id,
            "name": "scout",
            "description": "three planes",
            "task_type": "ACQUISITION",
            "destination": "",
            "status": "NEW",
            "progress": 0,
            "is_template": False,
            "device_id": DEVICE,
            "sequence_id": "64b7f0c2a1d4e5f60718293a",
            "acquisition_parameter": {
                "fov_scaling": UNIT, "fov_offset": UNIT, "fov_rotation": UNIT
            },
        }  # fmt: skip
        return given | fields

    def dag(self, workflow_id: str, **fields: Any) -> Record:
        """A new reconstruction."""
        given: Record = {
            "workflow_id": workflow_id,
            "name": "fft",
            "description": "",
            "task_type": "DAG",
            "destination": "",
            "status": "NEW",
            "progress": 0,
            "is_template": False,
            "dag_type": "RECONSTRUCTION",
            "dag_id": "location::repository::fft",
            "input_task_ids": [],
            "parameter": {"oversampling": 2},
        }
        return self.ask("POST", "/task/new", given | fields)

    def get(self, task_id: str) -> Record:
        return self.ask("GET", f"/task/{task_id}")

    def put(self, record: Record, **fields: Any) -> Record:
        """Put a record back, whole, with some fields changed."""
        return self.ask("PUT", f"/task/{record['id']}", record | fields)

    def moved(self, task_id: str, status: str, progress: int | None = None) -> Record:
        """Get a task and put it with another status, as every manager does."""
        record = self.get(task_id)
        said = record["progress"] if progress is None else progress
        return self.put(record, status=status, progress=said)

    def native(self, task_id: str) -> Record:
        """The task as the native API shows it."""
        response = self.http.get(f"/v1/tasks/{task_id}")
        assert response.status_code == 200, response.text
        shown: Record = response.json()
        return shown
