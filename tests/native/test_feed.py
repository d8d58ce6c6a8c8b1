"""The change feed: every event once, in one order, by any filter."""

from typing import Any

import pytest

from tests.native.api import Api, fresh_project
from tests.support.server import Server


def drained(api: Api, **query: Any) -> list[dict[str, Any]]:
    """All that the feed has, page by page."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = api.get("/v1/feed", after=after, **query)
        found += page["items"]
        if page["next_after"] == after:
            return found
        after = page["next_after"]


@pytest.fixture
def busy(each_api: Api) -> Api:
    """A project where several things happened."""
    each_api.create("a", kind="train", queue="gpu", labels={"team": "x"}, job_id="j")
    each_api.create("b", kind="recon", queue="cpu", labels={"team": "y"})
    each_api.report("a", state="running")
    each_api.post("/v1/jobs", {"id": "k"})
    each_api.post("/v1/tasks/b/cancel")
    return each_api


def test_pages_of_any_size_give_the_same_events(busy: Api) -> None:
    every = drained(busy)
    assert [e["type"] for e in every] == [
        "task.created",
        "task.created",
        "task.reported",
        "job.created",
        "task.cancelled",
    ]
    assert drained(busy, limit=1) == drained(busy, limit=2) == every
    assert [e["id"] for e in every] == sorted({e["id"] for e in every})


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        pytest.param({"type": ["task.created", "job.created"]}, [0, 1, 3], id="types"),
        pytest.param({"task": "a"}, [0, 2], id="task"),
        pytest.param({"task": ["a", "b"]}, [0, 1, 2, 4], id="tasks"),
        pytest.param({"job": ["j", "k"]}, [0, 2, 3], id="jobs"),
        pytest.param({"kind": "train"}, [0, 2], id="kind"),
        pytest.param({"queue": "cpu"}, [1, 4], id="queue"),
        pytest.param({"label": "team=y"}, [1, 4], id="label"),
        pytest.param({"queue": "cpu", "type": "task.cancelled"}, [4], id="two filters"),
        pytest.param({"task": "none"}, [], id="nothing"),
    ],
)
def test_filters_leave_out_the_rest(busy: Api, query: dict[str, Any], wanted: list[int]) -> None:
    every = drained(busy)
    assert drained(busy, **query) == drained(busy, limit=1, **query) == [every[i] for i in wanted]


def test_a_page_with_nothing_in_it_still_moves_on(busy: Api) -> None:
    last = drained(busy)[-1]["id"]
    page = busy.get("/v1/feed", type="task.adopted")
    assert page["items"] == []
    assert page["next_after"] >= last


def test_a_project_sees_its_own_events_only(server: Server) -> None:
    with fresh_project(server) as mine, fresh_project(server) as theirs:
        theirs.create("theirs")
        mine.create("mine")
        assert [e["task_id"] for e in drained(mine)] == ["mine"]
