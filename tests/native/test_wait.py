"""Long polls answer at once when what they wait for comes, and in time when it does not."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from dirty_equals import IsPartialDict

from tests.native.api import Api

Ask = Callable[..., "Future[Any]"]


@pytest.fixture
def later() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_waiting_ends_when_the_task_ends(each_api: Api, later: ThreadPoolExecutor) -> None:
    each_api.create("a")
    waiting = later.submit(each_api.get, "/v1/tasks/a/wait", wait=25)
    each_api.report("a", state="running")
    assert not waiting.done()
    each_api.report("a", state="succeeded")
    assert waiting.result(20) == {
        "met": True,
        "task": IsPartialDict(id="a", state="succeeded"),
    }


def test_waiting_ends_at_once_when_the_task_has_ended(api: Api) -> None:
    api.create("a")
    api.report("a", state="failed")
    assert api.get("/v1/tasks/a/wait", wait=60)["met"] is True


def test_waiting_ends_in_a_given_state_or_beyond_a_version(
    each_api: Api, later: ThreadPoolExecutor
) -> None:
    each_api.create("a")
    version = each_api.task("a")["version"]
    for_state = later.submit(each_api.get, "/v1/tasks/a/wait", wait=25, state=["running", "failed"])
    for_change = later.submit(each_api.get, "/v1/tasks/a/wait", wait=25, after_version=version)
    each_api.report("a", state="running")
    assert for_state.result(20)["task"]["state"] == "running"
    assert for_change.result(20)["task"]["version"] > version


def test_waiting_in_vain_answers_how_the_task_stands(api: Api) -> None:
    api.create("a")
    found = api.get("/v1/tasks/a/wait", wait=0.05)
    assert found == {"met": False, "task": IsPartialDict(state="queued")}
    assert api.get("/v1/tasks/a/wait", wait=0)["met"] is False


def test_waiting_for_a_task_that_is_deleted_ends(api: Api, later: ThreadPoolExecutor) -> None:
    api.create("a")
    waiting = later.submit(api.problem, "GET", "/v1/tasks/a/wait?wait=25")
    assert api.ask("DELETE", "/v1/tasks/a").status_code == 204
    assert waiting.result(20)["code"] == "task_not_found"


def test_many_wait_for_many_tasks(each_api: Api, later: ThreadPoolExecutor) -> None:
    ids = [f"t{number}" for number in range(8)]
    each_api.create(*ids)
    waiting = [later.submit(each_api.get, f"/v1/tasks/{id_}/wait", wait=25) for id_ in ids]
    for id_ in reversed(ids):
        each_api.report(id_, state="succeeded")
    assert [one.result(20)["task"]["id"] for one in waiting] == ids


def test_the_feed_answers_as_soon_as_something_happens(
    each_api: Api, later: ThreadPoolExecutor
) -> None:
    after = each_api.get("/v1/feed")["next_after"]
    waiting = later.submit(each_api.get, "/v1/feed", after=after, wait=25)
    each_api.create("a")
    page = waiting.result(20)
    assert [(e["type"], e["task_id"]) for e in page["items"]] == [("task.created", "a")]
    assert page["next_after"] == page["items"][-1]["id"]


def test_the_feed_waits_for_what_the_filter_means(each_api: Api, later: ThreadPoolExecutor) -> None:
    after = each_api.get("/v1/feed")["next_after"]
    waiting = later.submit(each_api.get, "/v1/feed", after=after, wait=25, task="b")
    each_api.create("a")
    each_api.create("b")
    assert [e["task_id"] for e in waiting.result(20)["items"]] == ["b"]


def test_the_feed_without_news_is_empty_and_says_where_to_go_on(api: Api) -> None:
    after = api.get("/v1/feed", limit=500)["next_after"]
    page = api.get("/v1/feed", after=after, wait=0.05)
    assert page["items"] == []
    assert page["next_after"] >= after
