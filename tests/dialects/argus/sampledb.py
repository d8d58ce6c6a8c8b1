"""Argus's real clients against a running server: today's in this process, an older one beside."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from farwork import clock
from farwork.service.access import Role, new_key
from farwork.storage import access_store
from farwork.storage.engine import open_engine
from tests.support.server import Server

Record = dict[str, Any]


def _client(module: str) -> Any:
    """A module of the client, whose own types are half known."""
    return import_module(f"argus_api.{module}")


job = _client("lib.sampledb.v2.job")
sample = _client("lib.sampledb.v2.sample")
servicetask = _client("lib.sampledb.v2.servicetask")
worker = _client("lib.sampledb.v2.worker")
exceptions = _client("exceptions.http")
offset_paginated = _client("pagination").offset_paginated

BASE = "/sampledb/v2"
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NOWHERE = "00000000-0000-4000-8000-000000000000"
OLD_CLIENT = Path(sys.prefix) / "argus-3.17"
_OLD = """
import json, sys
from argus_api.lib.sampledb.v2 import job
name, given = sys.argv[1], json.loads(sys.argv[2])
print(json.dumps(getattr(job, name)(**given)))
"""


def key_for(server: Server, project: str, role: Role) -> str:
    """A key of a project that exists from then on."""
    row, text = new_key(project, role, role.word, now=clock.now())
    engine = open_engine(server.database)
    with engine.begin() as connection:
        access_store.add_project(connection, project, row.created_at)
        access_store.add_key(connection, row)
    engine.dispose()
    return text


class SampleDb:
    """A project of ours as SampleDB's users see it, through `argus-api` 5.1.0."""

    def __init__(self, server: Server, project: str, role: Role = Role.ADMIN) -> None:
        self.server = server
        self.project = project
        self.key = key_for(server, project, role)
        self.session: Any = _client("session").ArgusAPISession(auth=self.key, api_url=server.url)
        self.http = server.client(self.key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    # --- the real client ---

    def call(self, function: Any, *given: Any, **named: Any) -> Any:
        """What a function of the client gives: the envelope."""
        return function(*given, api_session=self.session, **named)

    def data(self, function: Any, *given: Any, **named: Any) -> Any:
        """The data in the envelope."""
        return self.call(function, *given, **named)["data"]

    def job(self, **said: Any) -> str:
        """A new job by the native API: Argus has no call that makes one."""
        response = self.http.post("/v1/jobs", json=said)
        assert response.status_code == 201, response.text
        job_id: str = response.json()["id"]
        return job_id

    def reanalyse(self, sha256: str = SHA) -> Record:
        found: Record = self.data(sample.reanalyse_sample, sha256)
        return found

    def add(self, job_id: str, worker_name: str, **said: Any) -> Record:
        """The seed's POST, sent as it was."""
        response = self.send("POST", f"/job/{job_id}/task", {"worker": worker_name} | said)
        assert response.status_code == 201, response.text
        task: Record = response.json()["data"]
        return task

    def put(self, job_id: str, task_id: str, state: str, **said: Any) -> Record:
        task: Record = self.data(job.update_job_task, job_id, task_id, state, **said)
        return task

    def state(self, job_id: str) -> str:
        found: str = self.data(job.get_job, job_id)["state"]
        return found

    # --- the older client ---

    def old(self, function: str, **given: Any) -> Record:
        """What a function of `argus-api` 3.17.0 gives."""
        given |= {"server_url": self.server.url, "apiKey": self.key}
        done = subprocess.run(
            [sys.executable, "-S", "-c", _OLD, function, json.dumps(given)],
            env=os.environ | {"PYTHONPATH": str(OLD_CLIENT)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        envelope: Record = json.loads(done.stdout)
        return envelope

    # --- by hand ---

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        headers = {"Argus-API-Key": self.key, "Authorization": ""}
        return self.http.request(
            method, f"{BASE}{path}", json=body, params=query or None, headers=headers
        )


__all__ = [
    "NOWHERE",
    "SHA",
    "Record",
    "SampleDb",
    "exceptions",
    "job",
    "offset_paginated",
    "sample",
    "servicetask",
    "worker",
]
