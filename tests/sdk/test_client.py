"""Both fronts do the same: what one sends and gives, the other sends and gives."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from farwork.sdk import (
    AsyncClient,
    BadAnswer,
    Client,
    Forbidden,
    InvalidRequest,
    NotFound,
    Overloaded,
    Problem,
    Refused,
    ReportIn,
    ServerFailed,
    TaskCreate,
    TaskPatch,
    Unauthenticated,
    Unreachable,
    VersionMismatch,
    WaitTimedOut,
)
from tests.sdk.conftest import Script, said, summary

Scripted = Callable[..., tuple[Client, Script]]
ScriptedAsync = Callable[..., tuple[AsyncClient, Script]]
NO = {"title": "No.", "status": 409, "code": "task_is_final", "detail": "It has ended."}


def test_a_call_sends_the_key_and_gives_a_typed_value(scripted: Scripted) -> None:
    client, script = scripted(said(summary("run-17")))
    task = client.cancel_task("run-17", reason="no longer needed")
    assert (task.id, task.state, task.progress.percent) == ("run-17", "running", 42.0)
    (asked,) = script.asked
    assert asked.headers["authorization"] == "Bearer fw_a_b"
    assert asked.read() == b'{"reason":"no longer needed"}'
    assert script.lines == ["POST /v1/tasks/run-17/cancel"]


def test_a_key_that_no_header_can_carry_is_refused_and_never_told() -> None:
    for key in ("fw_planted\n", "fw_planted\u00fc", "fw_planted secret"):
        with pytest.raises(Unauthenticated) as caught:
            Client(key=key)
        assert "planted" not in str(caught.value)


def test_an_id_is_quoted_whatever_it_is_made_of(scripted: Scripted) -> None:
    client, script = scripted(said({}, 204))
    client.delete_task("ä/b?c d")
    assert script.lines == ["DELETE /v1/tasks/%C3%A4%2Fb%3Fc%20d"]


def test_a_version_is_asked_for_as_an_entity_tag(scripted: Scripted) -> None:
    client, script = scripted(said(summary("a")))
    client.change_task("a", TaskPatch(name="new"), if_version=3)
    (asked,) = script.asked
    assert (asked.headers["if-match"], asked.read()) == ('"3"', b'{"name":"new"}')


def test_a_post_that_is_sent_again_has_the_same_idempotency_key(scripted: Scripted) -> None:
    client, script = scripted(httpx.ReadError("broke off"), said(summary("a"), 201))
    client.create_task(TaskCreate(kind="train"))
    first, second = (one.headers["idempotency-key"] for one in script.asked)
    assert first == second


def test_two_posts_have_different_idempotency_keys(scripted: Scripted) -> None:
    client, script = scripted(said(summary("a"), 201), said(summary("b"), 201))
    client.create_task(TaskCreate())
    client.create_task(TaskCreate())
    assert len({one.headers["idempotency-key"] for one in script.asked}) == 2


def test_reports_go_together_and_their_verdicts_come_back_in_order(scripted: Scripted) -> None:
    verdicts = [
        {
            "task_id": "a",
            "verdict": verdict,
            "reason": None,
            "event_id": 1,
            "state": "running",
            "version": 2,
        }
        for verdict in ("applied", "duplicate")
    ]
    client, _ = scripted(said({"items": verdicts}))
    found = client.send_reports([ReportIn(task_id="a"), ReportIn(task_id="a")])
    assert [one.verdict for one in found] == ["applied", "duplicate"]


def pages() -> list[Any]:
    return [
        said({"items": [summary("a"), summary("b")], "next_cursor": "p2"}),
        said({"items": [summary("c")], "next_cursor": None}),
    ]


def test_a_list_is_read_page_after_page(scripted: Scripted) -> None:
    client, script = scripted(*pages())
    found = client.list_tasks(states=["running", "queued"], labels=["team=x"], job_id=None)
    assert [task.id for task in found] == ["a", "b", "c"]
    asked = "state=running&state=queued&label=team%3Dx&order=created&direction=desc&limit=500"
    assert script.lines == [f"GET /v1/tasks?{asked}", f"GET /v1/tasks?{asked}&cursor=p2"]


def test_a_list_that_is_left_early_asks_for_no_more(scripted: Scripted) -> None:
    client, script = scripted(*pages())
    assert next(client.list_tasks()).id == "a"
    assert len(script.asked) == 1


def test_a_bounded_list_asks_for_no_more_than_its_bound(scripted: Scripted) -> None:
    client, script = scripted(pages()[0])
    assert len(list(client.list_tasks(limit=2))) == 2
    assert [one.url.params["limit"] for one in script.asked] == ["2"]


def test_the_asynchronous_front_gives_the_same(scripted_async: ScriptedAsync) -> None:
    client, script = scripted_async(
        said(summary("a")), httpx.ConnectError("refused"), *pages(), said(NO, 409)
    )

    async def play() -> list[str]:
        async with client:
            await client.cancel_task("a")
            listed = [task.id async for task in client.list_tasks()]
            with pytest.raises(Refused):
                await client.retry_task("a")
            return listed

    assert asyncio.run(play()) == ["a", "b", "c"]
    assert [line.partition("?")[0] for line in script.lines] == [
        "POST /v1/tasks/a/cancel",
        "GET /v1/tasks",
        "GET /v1/tasks",
        "GET /v1/tasks",
        "POST /v1/tasks/a/retry",
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Refused),
        (412, VersionMismatch),
        (413, InvalidRequest),
        (422, InvalidRequest),
        (429, Overloaded),
        (500, ServerFailed),
        (503, Overloaded),
    ],
)
def test_each_refusal_has_its_class(scripted: Scripted, status: int, kind: type[Problem]) -> None:
    client, _ = scripted(*[said({**NO, "status": status}, status)] * 3)
    with pytest.raises(kind) as caught:
        client.get_task("a")
    error = caught.value
    assert (type(error), error.status, error.code, str(error)) == (
        kind,
        status,
        "task_is_final",
        "It has ended.",
    )


def test_everything_that_is_wrong_with_a_request_is_told(scripted: Scripted) -> None:
    errors = [{"pointer": "/kind", "detail": "too long"}, {"pointer": "/id", "detail": "empty"}]
    client, _ = scripted(said({**NO, "status": 422, "errors": errors}, 422))
    with pytest.raises(InvalidRequest) as caught:
        client.get_task("a")
    assert [(one.pointer, one.detail) for one in caught.value.errors] == [
        ("/kind", "too long"),
        ("/id", "empty"),
    ]


def test_an_overloaded_server_says_when_to_come_back(scripted: Scripted) -> None:
    client, _ = scripted(*[said(NO, 503, retry_after="0")] * 3)
    with pytest.raises(Overloaded) as caught:
        client.get_task("a")
    assert caught.value.retry_after_s == 0.0


@pytest.mark.parametrize("status", [200, 401, 404, 405])
def test_who_answers_in_other_words_is_no_farwork_server(scripted: Scripted, status: int) -> None:
    client, _ = scripted(httpx.Response(status, text="<h1>Welcome</h1>"))
    with pytest.raises(BadAnswer):
        client.get_task("a")


@pytest.mark.parametrize(
    ("status", "kind"), [(502, ServerFailed), (503, Overloaded), (429, Overloaded)]
)
def test_a_gateway_speaks_for_the_server_that_it_cannot_reach(
    scripted: Scripted, status: int, kind: type[Problem]
) -> None:
    client, _ = scripted(*[httpx.Response(status, text="<h1>Sorry</h1>")] * 3)
    with pytest.raises(kind) as caught:
        client.get_task("a")
    assert caught.value.code == f"http_{status}"


def test_what_a_newer_server_says_more_is_no_obstacle(scripted: Scripted) -> None:
    client, _ = scripted(said(summary("a", mood="good")))
    assert client.cancel_task("a").id == "a"


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("[Errno 111] Connection refused"),
        httpx.ConnectTimeout("timed out"),
        httpx.ReadTimeout("timed out"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
)
def test_a_server_that_does_not_answer_is_unreachable(
    scripted: Scripted, error: httpx.TransportError
) -> None:
    client, script = scripted(error, error, error)
    with pytest.raises(Unreachable, match=r"http://farwork\.test"):
        client.get_task("a")
    assert len(script.asked) == 3


def waited(*, met: bool, state: str) -> httpx.Response:
    return said({"met": met, "task": summary("a", state=state)})


def test_waiting_asks_again_until_the_task_has_ended(scripted: Scripted) -> None:
    client, script = scripted(waited(met=False, state="running"), waited(met=True, state="failed"))
    assert client.wait_for_task("a").state == "failed"
    assert script.lines == ["GET /v1/tasks/a/wait?wait=60.0"] * 2


def test_waiting_ends_when_its_time_is_over(scripted: Scripted) -> None:
    client, _ = scripted(waited(met=False, state="running"))
    with pytest.raises(WaitTimedOut, match="running"):
        client.wait_for_task("a", timeout_s=0)
