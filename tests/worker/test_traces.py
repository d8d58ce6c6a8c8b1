"""One trace leads from whoever created a task through its worker to the webhook about it."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from farwork.sdk import Client, TaskCreate
from farwork.telemetry.traces import taken
from farwork.worker import Context, Worker
from tests.support.server import serving
from tests.worker.collector import collecting

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{CALLER}-01"
PATIENCE_S = 30
Heard = SimpleQueue[tuple[str, str | None]]


@contextmanager
def hearing() -> Generator[tuple[str, Heard]]:
    """Where webhooks may be sent, and which events came with which traceparent."""
    heard: Heard = SimpleQueue()

    class Hearer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.put((said["type"], self.headers["traceparent"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the class's own name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hearer) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/", heard
        finally:
            listening.shutdown()


def seen_by_worker(client: Client, traces: str) -> list[str | None]:
    """Under what a worker does the one task that there is."""
    worker = Worker(["gpu"], client=client, traces=traces)
    seen: list[str | None] = []

    @worker.task("train")
    def train(ctx: Context) -> None:
        seen.append(ctx.traceparent)
        client.create_task(TaskCreate(id="after", queue="none"))

    worker.run(tasks_max=1)
    assert train is not None
    return seen


def set_up(client: Any, url: str) -> None:
    wanted = {"url": url, "filter": {"types": ["task.reported"]}}
    assert client.post("/v1/hooks", json=wanted).status_code == 201
    task = {"id": "t", "kind": "train", "queue": "gpu"}
    made = client.post("/v1/tasks", json=task, headers={"traceparent": HEADER})
    assert made.status_code == 201, made.text


ALLOWED = {"auth": "off", "hook_targets_allowed": "127.0.0.0/8"}


def test_a_trace_follows_a_task_from_its_creation_through_its_worker_to_the_webhook(
    tmp_path: Path,
) -> None:
    with collecting() as collector, hearing() as (url, heard):
        settings = {**ALLOWED, "traces": collector.url}
        with serving(f"sqlite:///{tmp_path}/farwork.db", tmp_path, **settings) as server:
            with server.client() as http:
                set_up(http, url)
            with Client(server.url) as client:
                seen = seen_by_worker(client, collector.url)
            kind, told = heard.get(timeout=PATIENCE_S)
        created, work, webhook = collector.wait_for("POST /v1/tasks", "work train", "webhook")
    assert (created.trace, created.parent, created.service) == (TRACE, CALLER, "farwork")
    assert created.attributes["http.response.status_code"] == 201
    assert (work.trace, work.parent, work.service) == (TRACE, created.id, "farwork-worker")
    assert work.attributes["farwork.task"] == "t"
    assert seen == [f"00-{TRACE}-{work.id}-01"]
    assert (webhook.trace, webhook.parent) == (TRACE, created.id)
    assert (kind, told) == ("task.reported", f"00-{TRACE}-{webhook.id}-01")
    # What the function asked of the server belongs to it.
    inner = [span for span in collector.spans if span.parent == work.id]
    assert [span.name for span in inner] == ["POST /v1/tasks"]


def test_without_a_collector_a_traceparent_is_handed_on_as_it_came(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/farwork.db"
    with hearing() as (url, heard), serving(database, tmp_path, **ALLOWED) as server:
        with server.client() as http:
            set_up(http, url)
            report = {"task_id": "r", "state": "succeeded"}
            told = http.post("/v1/reports", json=report, headers={"traceparent": HEADER})
            assert told.status_code == 200
        with Client(server.url) as client:
            assert seen_by_worker(client, "") == [HEADER]
        both = [heard.get(timeout=PATIENCE_S) for _ in range(2)]
        assert both == [("task.reported", HEADER)] * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"ff-{TRACE}-{CALLER}-01",
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        HEADER.upper(),
        f"{HEADER}x",
    ],
)
def test_what_is_no_traceparent_begins_a_trace_of_its_own(text: str) -> None:
    assert taken(text) is None
    assert taken(HEADER) == HEADER
