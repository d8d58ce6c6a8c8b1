"""The client side: a task is read, changed and put back, whatever happens on the way."""

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from farwork.sdk import Patience, scanhub
from farwork.sdk.scanhub import AcquisitionTaskOut, DAGTaskOut, Settings, TaskRefused
from tests.dialects.scanhub.lab import NOWHERE, Lab


@pytest.fixture
def lab_(sqlite_lab: Lab) -> Iterator[tuple[Lab, str]]:
    """A lab that the client is pointed at, and the token it shows there."""
    before = scanhub.TASK_URI
    scanhub.TASK_URI = f"{sqlite_lab.server.url}/api/v1/exam/task"
    quick = Patience(attempts_max=4, pause_s=0.01)
    scanhub.configure(Settings(timeout_s=3.0, patience=quick))
    yield sqlite_lab, sqlite_lab.http.headers["authorization"].removeprefix("Bearer ")
    scanhub.TASK_URI = before
    scanhub.configure(Settings())


def test_a_scan_is_read_changed_and_put_back(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    task = scanhub.get_task(lab.scan()["id"], token)
    assert isinstance(task, AcquisitionTaskOut)
    task.status, task.progress = "INPROGRESS", 40
    saved = scanhub.set_task(task.id, task, token)
    assert (saved.status, saved.progress) == ("INPROGRESS", 40)
    assert lab.get(task.id)["progress"] == 40


def test_a_dag_is_of_its_own_type_and_plain_records_are_taken(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    made = lab.dag(lab.workflow()["id"])
    assert isinstance(scanhub.get_task(made["id"], token), DAGTaskOut)
    saved = scanhub.set_task(made["id"], made | {"status": "STARTED"}, token)
    assert saved.status == "STARTED"


def test_the_async_twins_do_the_same(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_

    async def work() -> str:
        task = await scanhub.get_task_async(lab.scan()["id"], token)
        task.status = "STARTED"
        saved = await scanhub.set_task_async(task.id, task, token)
        await scanhub.close_async()
        return saved.status

    assert asyncio.run(work()) == "STARTED"


def test_refusals_have_the_status_that_the_document_names(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    made = lab.scan()

    def status(call: Callable[..., Any], *given: Any) -> int:
        with pytest.raises(TaskRefused) as caught:
            call(*given)
        return caught.value.status_code

    assert status(scanhub.get_task, NOWHERE, token) == 404
    assert status(scanhub.get_task, None, token) == 404
    assert status(scanhub.get_task, f"../task/{made['id']}", token) == 404
    assert status(scanhub.get_task, made["id"], "nonsense") == 401
    assert status(scanhub.set_task, made["id"], made | {"progress": 101}, token) == 400
    assert status(scanhub.set_task, NOWHERE, made, token) == 400


@pytest.mark.parametrize("token", ["fw_planted\n", "fw_planted\u00fc", "fw_planted secret", ""])
def test_a_token_that_cannot_be_sent_is_refused_at_once_and_never_told(token: str) -> None:
    async def twin() -> None:
        await scanhub.get_task_async(NOWHERE, token)

    calls: list[Callable[[], object]] = [
        lambda: scanhub.get_task(NOWHERE, token),
        lambda: scanhub.set_task(NOWHERE, {}, token),
        lambda: scanhub.create_blank_result(NOWHERE, token),
        lambda: scanhub.set_result(NOWHERE, {}, token),
        lambda: asyncio.run(twin()),
    ]
    for call in calls:
        with pytest.raises(TaskRefused) as caught:
            call()
        assert caught.value.status_code == 401
        assert "planted" not in str(caught.value)


# --- what the network does ---


class Relay(BaseHTTPRequestHandler):
    """Hands requests on, and loses what it is told to lose."""

    target = ""
    lost: list[str] = []  # noqa: RUF012 - each test sets its own
    between: list[Callable[[], object]] = []  # noqa: RUF012 - as above

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        said = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        plan = self.lost.pop(0) if self.command != "GET" and self.lost else ""
        if plan == "request":
            self.close_connection = True
            return
        url = f"{self.target}{self.path}"
        answer = httpx.request(self.command, url, content=body, headers=said)
        if plan == "answer":
            if self.between:
                self.between.pop()()
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        for name in ("content-type", "etag"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_PUT = do_POST = do_DELETE = _relay  # noqa: N815 - the names they have there

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""


@contextmanager
def relayed(lab: Lab, *lost: str, between: Callable[[], object] | None = None) -> Generator[None]:
    plan = {
        "target": lab.server.url,
        "lost": list(lost),
        "between": [between] if between else [],
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Planned", (Relay,), plan))
    thread = Thread(target=server.serve_forever)
    thread.start()
    scanhub.TASK_URI = f"http://127.0.0.1:{server.server_port}/api/v1/exam/task"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("lost", [("request",), ("answer",), ("request", "answer")])
def test_a_lost_request_or_answer_is_made_good(
    lab_: tuple[Lab, str], lost: tuple[str, ...]
) -> None:
    lab, token = lab_
    task = scanhub.get_task(lab.scan()["id"], token)
    task.status, task.progress = "INPROGRESS", 10
    with relayed(lab, *lost):
        assert scanhub.set_task(task.id, task, token).progress == 10
    reports = [
        one
        for one in lab.http.get(f"/v1/tasks/{task.id}/events").json()["items"]
        if one["type"] == "task.reported"
    ]
    assert len(reports) == 1


def test_a_write_that_is_repeated_does_not_undo_what_another_wrote(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    task = scanhub.get_task(lab.scan()["id"], token)
    task.status, task.progress = "INPROGRESS", 10

    def other() -> None:
        lab.moved(task.id, "FINISHED", 100)

    with relayed(lab, "answer", between=other), pytest.raises(TaskRefused) as caught:
        scanhub.set_task(task.id, task, token)
    assert caught.value.status_code == 400
    assert lab.get(task.id)["status"] == "FINISHED"


def result_of(lab: Lab, token: str) -> tuple[str, scanhub.ResultOut]:
    """A scan with a blank result."""
    task_id: str = lab.scan()["id"]
    return task_id, scanhub.create_blank_result(task_id, token)


def test_a_result_is_made_filled_read_and_removed(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    task_id, result = result_of(lab, token)
    assert scanhub.get_task(task_id, token).results == []
    result.type, result.directory, result.files = "NUMPY", "/data/x/", ["kspace.npy"]
    assert scanhub.set_result(result.id, result, token).meta is None
    (shown,) = scanhub.get_task(task_id, token).results
    assert shown == scanhub.get_result(result.id, token)
    assert (shown.type, shown.files) == ("NUMPY", ["kspace.npy"])
    scanhub.delete_result(result.id, token)
    assert scanhub.get_task(task_id, token).results == []

    async def again() -> list[str]:
        made = await scanhub.create_blank_result_async(task_id, token)
        made.type = "MRD"
        await scanhub.set_result_async(made.id, made, token)
        found = await scanhub.get_result_async(made.id, token)
        await scanhub.delete_result_async(made.id, token)
        await scanhub.close_async()
        return [made.id, found.id]

    first, second = asyncio.run(again())
    assert first == second


def test_refusals_about_results_have_their_status(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    _, result = result_of(lab, token)
    outside: dict[str, Any] = {"type": "NUMPY", "directory": "../../etc", "files": []}
    found: list[int] = []
    for call in (
        lambda: scanhub.create_blank_result(NOWHERE, token),
        lambda: scanhub.get_result(NOWHERE, token),
        lambda: scanhub.delete_result(NOWHERE, token),
        lambda: scanhub.set_result(result.id, outside, token),
        lambda: scanhub.get_result(result.id, "nonsense"),
    ):
        with pytest.raises(TaskRefused) as caught:
            call()
        found.append(caught.value.status_code)
    assert found == [404, 404, 404, 400, 401]


def test_what_is_said_of_a_result_again_does_no_harm(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    task_id, result = result_of(lab, token)
    filled = scanhub.ResultOut(id=result.id, type="NUMPY", directory="/data", files=["a.npy"])
    with relayed(lab, "answer", "request"):
        assert scanhub.set_result(result.id, filled, token).files == ["a.npy"]
    with relayed(lab, "answer"):
        scanhub.delete_result(result.id, token)
    with relayed(lab, "answer"), pytest.raises(TaskRefused) as caught:
        scanhub.create_blank_result(task_id, token)
    assert caught.value.status_code == 503
    assert len(lab.ask("GET", f"/result/all/{task_id}")) == 1


def test_when_nobody_answers_that_is_said(lab_: tuple[Lab, str]) -> None:
    lab, token = lab_
    task = scanhub.get_task(lab.scan()["id"], token)
    scanhub.TASK_URI = "http://127.0.0.1:9/api/v1/exam/task"
    with pytest.raises(TaskRefused, match="no answer") as caught:
        scanhub.set_task(task.id, task, token)
    assert caught.value.status_code == 503
