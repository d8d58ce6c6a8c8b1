"""What hangs on a task: events, attempts, results, shards, and the graph of inputs."""

from typing import Any

from dirty_equals import IsInt, IsPartialDict, IsStr

from tests.native.api import Api


def kinds(page: dict[str, Any]) -> list[str]:
    return [event["type"] for event in page["items"]]


def test_events_tell_what_happened_in_order(each_api: Api) -> None:
    each_api.create("a", kind="train", queue="gpu", submit=False)
    each_api.post("/v1/tasks/a/submit")
    verdict = each_api.report("a", state="running", source="gpu-7", metadata={"loss": 0.5})
    page = each_api.get("/v1/tasks/a/events")
    assert kinds(page) == ["task.created", "task.submitted", "task.reported"]
    assert page["items"][2] == IsPartialDict(
        id=verdict["event_id"],
        task_id="a",
        kind="train",
        queue="gpu",
        attempt=1,
        state={"from": "queued", "to": "running"},
        actor="tests",
        source="gpu-7",
        verdict="applied",
        report=IsPartialDict(task_id="a", state="running", metadata={"loss": 0.5}),
    )
    assert page["next_after"] == verdict["event_id"]


def test_events_come_in_pages_in_both_directions(api: Api) -> None:
    api.create("a")
    for percent in range(4):
        api.report("a", state="running", progress=percent)
    every = [event["id"] for event in api.get("/v1/tasks/a/events")["items"]]
    assert len(every) == 5
    for direction, wanted in (("asc", every), ("desc", every[::-1])):
        found: list[int] = []
        query: dict[str, Any] = {"limit": 2, "direction": direction}
        while items := (page := api.get("/v1/tasks/a/events", **query))["items"]:
            found += [event["id"] for event in items]
            query["after"] = page["next_after"]
        assert found == wanted


def test_a_full_page_of_events_links_to_the_next(api: Api) -> None:
    api.create("a/b")
    api.report("a/b", state="running")
    response = api.ask("GET", "/v1/tasks/a%2Fb/events?limit=1&direction=asc")
    link = response.headers["link"]
    assert link == IsStr(
        regex=r'</v1/tasks/a%2Fb/events\?limit=1&direction=asc&after=\d+>; rel="next"'
    )
    assert kinds(api.get(link[1 : link.index(">")])) == ["task.reported"]


def test_attempts_are_kept_when_a_task_is_tried_again(each_api: Api) -> None:
    each_api.create("a")
    each_api.report("a", state="failed", progress=40, error={"category": "oom", "message": "full"})
    each_api.post("/v1/tasks/a/retry")
    each_api.report("a", state="running", progress=10)
    first, second = each_api.get("/v1/tasks/a/attempts")["items"]
    assert first == IsPartialDict(
        number=1,
        current=False,
        state="failed",
        progress={"percent": 40.0, "message": None},
        error={"category": "oom", "message": "full"},
    )
    assert second == IsPartialDict(number=2, current=True, state="running", error=None)


def test_results_of_the_present_attempt_come_first_and_late_ones_after_them(each_api: Api) -> None:
    each_api.create("a")
    each_api.report("a", state="failed", result={"try": 1}, occurred_at="2026-01-01T00:00:00Z")
    each_api.post("/v1/tasks/a/retry")
    each_api.report("a", state="succeeded", results=[{"name": "x", "data": 1}, {"name": "b"}])
    each_api.report("a", attempt=1, state="succeeded", result={"late": True})
    items = each_api.get("/v1/tasks/a/results")["items"]
    assert [(i["attempt"], i["name"], i["data"], i["late"]) for i in items] == [
        (2, "b", None, False),
        (2, "x", 1, False),
        (1, "result", {"try": 1}, False),
        (1, "result", {"late": True}, True),
    ]
    only = each_api.get("/v1/tasks/a/results", attempt=2)["items"]
    assert [item["name"] for item in only] == ["b", "x"]


def test_results_come_in_pages(each_api: Api) -> None:
    names = [f"r{number}" for number in range(5)]
    each_api.create("a")
    each_api.report("a", state="succeeded", results=[{"name": name} for name in names])
    each_api.report("a", attempt=1, delivery_id="x", results=[{"name": "r9"}])
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = each_api.get("/v1/tasks/a/results", **query)
        found += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == [*names, "r9"]


def test_a_result_that_shards_make_together_is_a_result(each_api: Api) -> None:
    each_api.create(
        "a", items_total=3, shards=[{"index": 0, "item_count": 2}, {"index": 1, "item_offset": 2}]
    )
    for index, result in ((1, "c"), (0, ["a", "b"])):
        each_api.report("a", shard={"index": index, "state": "succeeded", "result": result})
    assert each_api.task("a")["state"] == "succeeded"
    assert each_api.get("/v1/tasks/a/results")["items"] == [
        IsPartialDict(id=None, attempt=1, name="result", data=["a", "b", "c"], late=False)
    ]


def test_shards_come_in_pages_and_with_results_only_if_asked(each_api: Api) -> None:
    each_api.create("a", shards=[{"index": index, "queue": "qpu"} for index in range(3)])
    each_api.report("a", shard={"index": 1, "state": "succeeded", "result": {"00": 512}})
    page = each_api.get("/v1/tasks/a/shards", limit=2)
    assert [(s["index"], s["state"], s["has_result"]) for s in page["items"]] == [
        (0, "queued", False),
        (1, "succeeded", True),
    ]
    assert "result" not in page["items"][1]
    rest = each_api.get("/v1/tasks/a/shards", limit=2, cursor=page["next_cursor"])
    assert [s["index"] for s in rest["items"]] == [2]
    assert rest["next_cursor"] is None
    whole = each_api.get("/v1/tasks/a/shards", results="true")["items"]
    assert [s.get("result", "none") for s in whole] == ["none", {"00": 512}, "none"]


def diamond(api: Api) -> None:
    api.post(
        "/v1/tasks",
        [
            {"id": "end", "inputs": ["left", "right"]},
            {"id": "left", "inputs": ["start"]},
            {"id": "right", "inputs": ["start"]},
            {"id": "start", "kind": "acquire"},
            {"id": "after", "inputs": ["end"]},
        ],
    )


def test_the_graph_shows_what_a_task_waits_for_and_what_waits_for_it(each_api: Api) -> None:
    diamond(each_api)
    graph = each_api.get("/v1/tasks/left/graph")
    assert [(n["id"], n["level"], n["state"]) for n in graph["nodes"]] == [
        ("start", -1, "queued"),
        ("left", 0, "blocked"),
        ("end", 1, "blocked"),
        ("after", 2, "blocked"),
    ]
    assert graph["edges"] == [
        {"from": "end", "to": "after"},
        {"from": "left", "to": "end"},
        {"from": "start", "to": "left"},
    ]
    assert graph["truncated"] is False


def test_the_graph_is_bounded_in_depth_number_and_direction(each_api: Api) -> None:
    diamond(each_api)
    near = each_api.get("/v1/tasks/start/graph", depth=1)
    assert [n["id"] for n in near["nodes"]] == ["start", "left", "right"]
    assert near["truncated"] is True
    few = each_api.get("/v1/tasks/end/graph", limit=2)
    assert len(few["nodes"]) == 2
    assert few["truncated"] is True
    up = each_api.get("/v1/tasks/end/graph", direction="up")
    assert {n["id"] for n in up["nodes"]} == {"end", "left", "right", "start"}
    assert up["truncated"] is False
    down = each_api.get("/v1/tasks/end/graph", direction="down")
    assert [n["id"] for n in down["nodes"]] == ["end", "after"]


def test_parts_of_a_task_that_does_not_exist_are_not_found(api: Api) -> None:
    for part in ("events", "attempts", "results", "shards", "graph", "explain", "wait"):
        found = api.problem("GET", f"/v1/tasks/none/{part}")
        assert (found["status"], found["code"]) == (404, "task_not_found")


def test_counts_follow_tasks_by_state_queue_and_kind(each_api: Api) -> None:
    each_api.create("a", "b", kind="train", queue="gpu")
    each_api.create("c", kind="recon", queue="cpu")
    each_api.report("a", state="running")
    each_api.post("/v1/tasks/c/archive")
    assert each_api.get("/v1/counts") == {
        "by": "state",
        "archived": False,
        "counts": {"queued": 1, "running": 1},
        "total": 2,
    }
    assert each_api.get("/v1/counts", by="queue")["counts"] == {"gpu": 2}
    assert each_api.get("/v1/counts", by="kind", archived="true")["counts"] == {"recon": 1}


def test_an_event_of_a_task_that_is_gone_still_says_what_it_was(each_api: Api) -> None:
    each_api.create("a", kind="train", queue="gpu", job_id="j")
    each_api.ask("DELETE", "/v1/tasks/a")
    (event,) = each_api.get("/v1/feed", type="task.deleted")["items"]
    assert event == IsPartialDict(
        id=IsInt, task_id="a", job_id="j", kind="train", queue="gpu", actor="tests"
    )
