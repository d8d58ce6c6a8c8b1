"""A server made of a function."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

from farwork.sdk import AsyncClient, Client, Patience

Handler = Callable[[httpx.Request], httpx.Response | Exception]
AT_ONCE = Patience(attempts_max=3, pause_s=0.0, pause_s_max=0.0)


@dataclass
class Script(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers each request with the next of its answers, and keeps what was asked."""

    answers: list[httpx.Response | Exception]
    asked: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    @property
    def lines(self) -> list[str]:
        """The requests, one line each."""
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.asked]


def said(value: Any, status: int = 200, **headers: str) -> httpx.Response:
    """An answer with a JSON body."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(status, content=msgspec.json.encode(value), headers=named)


def summary(task_id: str, **fields: Any) -> dict[str, Any]:
    """A task as a list shows it."""
    return {
        "id": task_id,
        "project": "default",
        "kind": "train",
        "name": None,
        "queue": "gpu",
        "state": "running",
        "reason": None,
        "reported_status": None,
        "progress": {"percent": 42.0, "message": None},
        "priority": 0,
        "labels": {},
        "error": None,
        "external_ref": None,
        "job_id": None,
        "inputs": [],
        "on_input_failure": "cancel",
        "attempt": 1,
        "attempts_max": 1,
        "creator": "me",
        "origin": None,
        "created_at": "2026-11-22T02:00:00Z",
        "queued_at": "2026-11-22T02:00:00Z",
        "started_at": "2026-11-22T02:00:01Z",
        "completed_at": None,
        "updated_at": "2026-11-22T02:00:02Z",
        "archived_at": None,
        "version": 3,
        "has_result": False,
        "items_total": None,
        "shards": None,
        **fields,
    }


def event(position: int) -> dict[str, Any]:
    """An event as the feed shows it."""
    return {
        "id": position,
        "type": "task.reported",
        "at": "2026-11-22T02:00:00Z",
        "task_id": "a",
        "job_id": None,
        "kind": "train",
        "queue": "gpu",
        "attempt": 1,
        "state": {"from": "queued", "to": "running"},
        "version": position,
        "actor": None,
        "source": "gpu-7",
        "verdict": "applied",
        "reason": None,
        "report": {"task_id": "a"},
        "data": None,
    }


@pytest.fixture
def scripted() -> Callable[..., tuple[Client, Script]]:
    """A client whose server answers so."""

    def build(*answers: httpx.Response | Exception) -> tuple[Client, Script]:
        script = Script(list(answers))
        return Client("http://farwork.test", "fw_a_b", patience=AT_ONCE, transport=script), script

    return build


@pytest.fixture
def scripted_async() -> Callable[..., tuple[AsyncClient, Script]]:
    """The same for an event loop."""

    def build(*answers: httpx.Response | Exception) -> tuple[AsyncClient, Script]:
        script = Script(list(answers))
        client = AsyncClient("http://farwork.test", "fw_a_b", patience=AT_ONCE, transport=script)
        return client, script

    return build
