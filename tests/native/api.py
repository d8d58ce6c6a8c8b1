"""The native API as tests speak to it: a real server, and a project of the test's own."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from tests.support.server import Server

NUMBERS = count(1)


@dataclass(frozen=True)
class Api:
    """A client of one project, that of an admin."""

    server: Server
    project: str
    client: httpx.Client

    def ask(self, method: str, path: str, said: Any = None, **more: Any) -> httpx.Response:
        """The response to a request; `said` is its JSON body."""
        if said is not None:
            more["content"] = json.dumps(said)
        return self.client.request(method, path, **more)

    def get(self, path: str, **query: Any) -> Any:
        """What is there."""
        return told(self.ask("GET", path, params=query or None))

    def post(self, path: str, said: Any = None, **more: Any) -> Any:
        """What was made or done."""
        return told(self.ask("POST", path, said, **more))

    def problem(self, method: str, path: str, said: Any = None, **more: Any) -> dict[str, Any]:
        """What a request is refused with."""
        return problem_of(self.ask(method, path, said, **more))

    def create(self, *ids: str, **fields: Any) -> None:
        """Tasks with these ids, all with these fields."""
        self.post("/v1/tasks", [{"id": id_, **fields} for id_ in ids])

    def report(self, task_id: str, **said: Any) -> dict[str, Any]:
        """The verdict on a report."""
        verdict: dict[str, Any] = self.post("/v1/reports", {"task_id": task_id, **said})
        return verdict

    def task(self, task_id: str) -> dict[str, Any]:
        """A task, whole."""
        shown: dict[str, Any] = self.get(path_of(task_id))
        return shown

    @contextmanager
    def as_role(self, role: str) -> Generator["Api"]:
        """The same project, to a caller with this role."""
        with self.server.client(self.server.key(role, self.project)) as client:
            yield Api(self.server, self.project, client)


def path_of(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


def told(response: httpx.Response) -> Any:
    """The JSON of an answer that is not a refusal."""
    assert response.is_success, response.text
    return json.loads(response.content) if response.content else None


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem details of a refusal."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, Any] = json.loads(response.content)
    assert problem["status"] == response.status_code
    return problem


@contextmanager
def fresh_project(server: Server) -> Generator[Api]:
    """A project that nobody else uses."""
    project = f"p{next(NUMBERS)}"
    with server.client(server.key(project=project)) as client:
        yield Api(server, project, client)
