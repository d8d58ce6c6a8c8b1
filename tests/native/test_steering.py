"""Operators steer queues, workers, kinds and limits, and claims follow at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.native.api import Api, path_of
from tests.native.test_leases import QUEUE, claim, complete, types


def ids(claimed: list[dict[str, Any]]) -> list[str]:
    return [one["task"]["id"] for one in claimed]


def steer(api: Api, path: str, said: dict[str, Any], method: str = "PATCH") -> Any:
    response = api.ask(method, path, said)
    assert response.is_success, response.text
    return response.json()


@pytest.mark.parametrize("state", ["paused", "draining"])
def test_nothing_is_claimed_from_a_queue_that_is_closed(each_api: Api, state: str) -> None:
    api = each_api
    api.create("a", "b", queue=QUEUE)
    (running,) = claim(api)
    shown = steer(api, f"/v1/queues/{QUEUE}", {"state": state, "comment": "service"})
    assert (shown["state"], shown["comment"], shown["drained"]) == (state, "service", False)
    assert claim(api) == []
    complete(api, running)
    closed = api.get(f"/v1/queues/{QUEUE}")
    assert closed["drained"]
    assert closed["oldest_queued_at"] == api.task("b")["created_at"]
    steer(api, f"/v1/queues/{QUEUE}", {"state": "active"})
    assert ids(claim(api)) == ["b"]


def test_opening_a_queue_wakes_those_who_wait_for_it(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    steer(api, f"/v1/queues/{QUEUE}", {"state": "paused"})
    with ThreadPoolExecutor(1) as pool, api.as_role("worker") as worker:
        waiting = pool.submit(claim, worker, wait=20)
        steer(api, f"/v1/queues/{QUEUE}", {"state": "active"})
        assert ids(waiting.result(20)) == ["a"]


def test_a_queue_runs_no_more_tasks_than_it_may(each_api: Api) -> None:
    api = each_api
    steer(api, f"/v1/queues/{QUEUE}", {"running_max": 2})
    api.create("a", "b", "c", queue=QUEUE)
    first, second = claim(api, max=5)
    assert claim(api, "w2") == []
    body = {
        "leases": [{"task_id": "a", "lease_seq": 1}],
        "claim": {"worker": "w1", "queues": [QUEUE]},
    }
    # The place that becomes free is given away in the same transaction.
    assert ids(api.post("/v1/leases/complete", body)["claimed"]) == ["c"]
    assert ids([first, second]) == ["a", "b"]


def test_a_label_runs_no_more_tasks_with_one_value_than_it_may(each_api: Api) -> None:
    api = each_api
    for number in range(3):
        api.create(f"x{number}", queue=QUEUE, labels={"licence": "x"}, priority=5)
    api.create("y", queue=QUEUE, labels={"licence": "y"})
    (running,) = claim(api)
    steer(api, "/v1/limits/licence", {"running_max": 1}, "PUT")
    assert ids(claim(api, max=5)) == ["y"]
    complete(api, running)
    assert ids(claim(api, max=5)) == ["x1"]
    assert [one["key"] for one in api.get("/v1/limits")["items"]] == ["licence"]
    assert api.ask("DELETE", "/v1/limits/licence").status_code == 204
    assert ids(claim(api, max=5)) == ["x2"]


def test_a_queue_is_shared_fairly_between_the_values_of_a_label(each_api: Api) -> None:
    api = each_api
    for team, number in (("many", 4), ("few", 2)):
        api.create(*(f"{team}{n}" for n in range(number)), queue=QUEUE, labels={"team": team})
    steer(api, f"/v1/queues/{QUEUE}", {"fair_by": "team"})
    assert ids(claim(api, max=4)) == ["many0", "few0", "many1", "few1"]


def test_a_queue_of_weight_nought_point_one_is_not_starved_nor_drawn_first(each_api: Api) -> None:
    api = each_api
    api.create(*(f"a{n}" for n in range(5)), queue="main")
    api.create(*(f"b{n}" for n in range(5)), queue="night")
    queues = [{"name": "main", "weight": 1000}, {"name": "night", "weight": 0.001}]
    asked = {"worker": "w", "queues": queues, "max": 10}
    found = ids(api.post("/v1/claims", asked)["items"])
    assert sorted(found) == [*(f"a{n}" for n in range(5)), *(f"b{n}" for n in range(5))]
    assert found[0] == "a0"


def test_a_worker_that_is_drained_claims_nothing_and_hears_of_it(each_api: Api) -> None:
    api = each_api
    api.create("a", "b", queue=QUEUE)
    claim(api, "w1", labels={"memory": "80g"})
    (shown,) = api.get("/v1/workers")["items"]
    assert (shown["name"], shown["leases"], shown["labels"]) == ("w1", 1, {"memory": "80g"})
    drained = steer(api, "/v1/workers/w1", {"state": "draining", "comment": "old"})
    assert (drained["state"], drained["comment"]) == ("draining", "old")
    api.get("/v1/workers/w1")


def test_a_kind_says_how_its_new_tasks_are_treated(api: Api) -> None:
    policy = {"retry": {"backoff_seconds": 0.0}, "limits": {"run_seconds": 60.0}}
    shown = steer(api, "/v1/kinds/train", {"attempts_max": 3, "policy": policy}, "PUT")
    assert (shown["attempts_max"], shown["policy"]) == (3, policy)
    api.create("a", queue=QUEUE, kind="train")
    api.create("b", queue=QUEUE, kind="train", attempts_max=7)
    assert [api.task(id_)["attempts_max"] for id_ in ("a", "b")] == [3, 7]
    assert api.task("a")["limits"] == {"run_seconds": 60.0}
    assert api.ask("DELETE", "/v1/kinds/train").status_code == 204
    assert api.problem("DELETE", "/v1/kinds/train")["code"] == "kind_not_found"


def test_queues_are_listed_page_by_page(api: Api) -> None:
    for queue in ("a", "b", "c"):
        api.create(f"t-{queue}", queue=queue)
    first = api.get("/v1/queues", limit=2)
    assert [one["name"] for one in first["items"]] == ["a", "b"]
    rest = api.get("/v1/queues", limit=2, cursor=first["next_cursor"])
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["c"], None)
    assert first["items"][0]["tasks"] == {"queued": 1}


def test_a_task_that_waits_says_what_keeps_it_from_a_worker(api: Api) -> None:
    def said(task_id: str) -> tuple[str, str]:
        shown = api.get(f"{path_of(task_id)}/explain")
        return shown["waits_for"], shown["summary"]

    api.create("a", "b", queue=QUEUE)
    assert "No worker that was seen lately takes from the queue." in said("a")[1]
    (held,) = claim(api)
    steer(api, f"/v1/queues/{QUEUE}", {"state": "paused", "comment": "service", "running_max": 1})
    waits_for, words = said("b")
    assert waits_for == "worker"
    assert "The queue is paused: service. The queue is at its limit of 1 task." in words
    assert "No worker" not in words
    assert (
        f"The worker 'w1' holds it, under a lease that ends at {held['expires_at'][:19]}"
        in (said("a")[1])
    )
    api.create("later", queue=QUEUE, not_before="2126-01-01T00:00:00Z")
    assert said("later") == ("time", "It waits until 2126-01-01T00:00:00Z (not_before).")


def test_a_task_says_that_a_label_or_a_stopped_worker_keeps_it_waiting(each_api: Api) -> None:
    api = each_api
    api.create("a", "b", queue=QUEUE, labels={"licence": "x"})
    claim(api)
    steer(api, "/v1/limits/licence", {"running_max": 1}, "PUT")
    told = api.get(f"{path_of('b')}/explain")
    assert "The limit of 1 task with licence=x is reached." in told["summary"]
    steer(api, "/v1/workers/w1", {"state": "paused", "comment": "too hot"})
    words = api.get(f"{path_of('b')}/explain")["summary"]
    assert "The one worker that may take it, 'w1', is paused or draining: too hot." in words
    assert "No worker" not in words


def test_a_task_that_was_claimed_tells_so_in_its_log(api: Api) -> None:
    api.create("a", queue=QUEUE)
    claim(api)
    assert types(api, "a") == ["created", "claimed"]
