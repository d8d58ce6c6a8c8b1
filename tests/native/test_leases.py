"""Claiming, renewing and ending leases over HTTP, on both engines."""

from typing import Any

from tests.native.api import Api, path_of

QUEUE = "gpu"


def claim(api: Api, worker: str = "w1", **said: Any) -> list[dict[str, Any]]:
    asked = {"worker": worker, "queues": [QUEUE], **said}
    return api.post("/v1/claims", asked)["items"]


def lease(claimed: dict[str, Any], **said: Any) -> dict[str, Any]:
    names = {"lease_seq": claimed["lease_seq"], "attempt": claimed["attempt"]}
    return {"task_id": claimed["task"]["id"], **names, **said}


def complete(api: Api, claimed: dict[str, Any], **said: Any) -> Any:
    return api.post("/v1/leases/complete", {"leases": [lease(claimed, **said)]})["items"][0]


def fail(api: Api, claimed: dict[str, Any], **said: Any) -> Any:
    return api.post("/v1/leases/fail", {"leases": [lease(claimed, **said)]})["items"][0]


def beat(api: Api, claimed: dict[str, Any], **said: Any) -> dict[str, Any]:
    body = {"worker": "w1", "leases": [lease(claimed, **said)]}
    return api.post("/v1/leases/heartbeat", body)["items"][0]


def types(api: Api, task_id: str) -> list[str]:
    events = api.get(f"{path_of(task_id)}/events")["items"]
    return [event["type"].removeprefix("task.") for event in events]


def wait_for(api: Api, task_id: str, state: str) -> dict[str, Any]:
    """The task once it is in the state."""
    waited = api.get(f"{path_of(task_id)}/wait", wait=20, state=state)
    assert waited["met"], f"{task_id} is {waited['task']['state']}, not {state}"
    return waited["task"]


def test_a_claimed_task_runs_under_a_lease_until_it_is_completed(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, params={"epochs": 3})
    (claimed,) = claim(api, lease_seconds=60)
    assert claimed["task"]["params"] == {"epochs": 3}
    assert (claimed["lease_seq"], claimed["attempt"]) == (1, 1)
    held = api.task("a")
    assert held["state"] == "running"
    assert (held["lease"]["worker"], held["lease"]["seq"]) == ("w1", 1)
    assert held["lease"]["expires_at"] == claimed["expires_at"]
    assert complete(api, claimed, result={"loss": 0.1})["state"] == "succeeded"
    ended = api.task("a")
    assert (ended["state"], ended["lease"], ended["has_result"]) == ("succeeded", None, True)
    assert types(api, "a") == ["created", "claimed", "reported"]


def test_nobody_claims_what_another_holds(each_api: Api) -> None:
    each_api.create("a", "b", queue=QUEUE)
    first = claim(each_api, "w1", max=5)
    assert sorted(one["task"]["id"] for one in first) == ["a", "b"]
    assert claim(each_api, "w2") == []


def test_what_is_urgent_goes_first_and_then_what_is_old(each_api: Api) -> None:
    for id_, priority in (("old", 0), ("new", 0), ("urgent", 5)):
        each_api.create(id_, queue=QUEUE, priority=priority)
    assert [one["task"]["id"] for one in claim(each_api, max=3)] == ["urgent", "old", "new"]


def test_a_claim_that_waits_is_answered_when_a_task_becomes_ready(each_api: Api) -> None:
    each_api.create("first", queue=QUEUE)
    each_api.create("second", queue=QUEUE, inputs=["first"])
    (first,) = claim(each_api)
    # The end of the first makes the second ready in the same transaction.
    body = {"leases": [lease(first)], "claim": {"worker": "w1", "queues": [QUEUE]}}
    answer = each_api.post("/v1/leases/complete", body)
    assert [one["task"]["id"] for one in answer["claimed"]] == ["second"]


def test_a_failure_that_may_be_retried_leads_to_another_attempt(each_api: Api) -> None:
    api = each_api
    policy = {"retry": {"backoff_seconds": 0}}
    api.create("a", queue=QUEUE, attempts_max=2, policy=policy)
    (claimed,) = claim(api)
    error = {"category": "oom", "message": "out of memory"}
    assert fail(api, claimed, error=error) == {
        "task_id": "a", "lease_seq": 1, "verdict": "applied", "state": "queued", "attempt": 2,
    }  # fmt: skip
    (again,) = claim(api)
    assert (again["attempt"], again["lease_seq"]) == (2, 3)
    assert fail(api, again, error=error)["state"] == "failed"
    attempts = api.get(f"{path_of('a')}/attempts")["items"]
    assert [(one["number"], one["state"]) for one in attempts] == [(1, "failed"), (2, "failed")]
    assert attempts[0]["error"]["category"] == "oom"


def test_a_failure_that_cannot_be_mended_is_not_retried(each_api: Api) -> None:
    each_api.create("a", queue=QUEUE, attempts_max=5)
    (claimed,) = claim(each_api)
    assert fail(each_api, claimed, retryable=False)["state"] == "failed"


def test_a_stale_lease_is_refused_by_its_number(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, attempts_max=2, policy={"retry": {"backoff_seconds": 0}})
    (stale,) = claim(api)
    api.post("/v1/leases/hand-back", {"leases": [lease(stale)]})
    (present,) = claim(api, "w2")
    assert beat(api, stale)["code"] == "lease_superseded"
    problem = api.problem("POST", "/v1/leases/complete", {"leases": [lease(stale, result=1)]})
    assert (problem["status"], problem["code"]) == (409, "lease_superseded")
    assert str(present["lease_seq"]) in problem["detail"]
    assert api.task("a")["state"] == "running"
    late = [one for one in api.get(f"{path_of('a')}/results")["items"] if one["late"]]
    assert [one["data"] for one in late] == [1]
    assert complete(api, present)["state"] == "succeeded"


def test_a_late_success_is_adopted_where_the_policy_says_so(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, policy={"late": "adopt"})
    (stale,) = claim(api)
    api.post("/v1/leases/hand-back", {"leases": [lease(stale)]})
    problem = api.problem("POST", "/v1/leases/complete", {"leases": [lease(stale, result=7)]})
    assert problem["code"] == "lease_superseded"
    task = api.task("a")
    assert (task["state"], task["reason"]) == ("succeeded", "adopted")
    results = api.get(f"{path_of('a')}/results")["items"]
    assert [one["data"] for one in results if not one["late"]] == [7]


def test_lost_is_not_failed_and_a_sign_of_life_brings_a_task_back(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, policy={"grace_seconds": 600})
    (claimed,) = claim(api, lease_seconds=1)
    position = api.get("/v1/feed", type="task.lost", wait=20)["next_after"]
    assert position
    lost = api.task("a")
    assert (lost["state"], lost["reason"]) == ("running", "lost")
    assert beat(api, claimed).get("code") is None
    found = api.task("a")
    assert (found["state"], found["reason"]) == ("running", None)
    assert complete(api, claimed)["state"] == "succeeded"


def test_a_lease_that_ended_with_the_present_number_is_just_over(api: Api) -> None:
    api.create("a", queue=QUEUE)
    (claimed,) = claim(api)
    complete(api, claimed)
    assert beat(api, claimed)["detail"] == "The lease 1 of task 'a' is over."


def test_each_attempt_names_the_worker_that_took_it(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, attempts_max=3, policy={"retry": {"backoff_seconds": 0}})
    for worker in ("w1", "w2"):
        (claimed,) = claim(api, worker)
        fail(api, claimed)
    attempts = api.get(f"{path_of('a')}/attempts")["items"]
    assert [one["worker"] for one in attempts] == ["w1", "w2", None]


def test_a_worker_that_stays_silent_gives_way_to_another_attempt(each_api: Api) -> None:
    api = each_api
    policy = {"grace_seconds": 0, "retry": {"backoff_seconds": 0}}
    api.create("a", queue=QUEUE, attempts_max=2, policy=policy)
    claim(api, lease_seconds=1)
    (again,) = claim(api, "w2", lease_seconds=1, wait=20)
    assert again["attempt"] == 2
    failed = wait_for(api, "a", "failed")
    assert (failed["reason"], failed["error"]["category"]) == ("lost", "lost")
    # A genuine late report corrects what was concluded from silence.
    assert complete(api, again, result=1)["state"] == "succeeded"


def test_a_task_is_cancelled_by_its_holder_who_is_asked_to(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    (claimed,) = claim(api)
    asked = api.post(f"{path_of('a')}/cancel", {"reason": "not needed"})
    assert (asked["state"], asked["cancel"]) == ("running", "requested")
    assert beat(api, claimed)["cancel"]
    assert api.task("a")["cancel"] == "delivered"
    assert complete(api, claimed, state="cancelled")["state"] == "cancelled"
    assert api.task("a")["cancel"] == "confirmed"
    assert types(api, "a")[-3:] == ["cancel_requested", "cancel_delivered", "reported"]


def test_a_holder_may_refuse_to_cancel(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    (claimed,) = claim(api)
    api.post(f"{path_of('a')}/cancel")
    assert "cancel" not in beat(api, claimed, cancel_refused=True)
    assert api.task("a")["cancel"] == "refused"
    assert complete(api, claimed)["state"] == "succeeded"


def test_a_cancellation_that_nobody_hears_is_orphaned(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, policy={"grace_seconds": 0})
    claim(api, lease_seconds=1)
    api.post(f"{path_of('a')}/cancel")
    ended = wait_for(api, "a", "cancelled")
    assert (ended["reason"], ended["cancel"]) == ("orphaned", "orphaned")


def test_each_limit_ends_a_task_with_a_reason_of_its_own(each_api: Api) -> None:
    api = each_api
    for limit in ("queue", "run", "silence", "total"):
        policy = {"limits": {f"{limit}_seconds": 0.2}}
        queue = "idle" if limit in ("queue", "total") else QUEUE
        api.create(limit, queue=queue, policy=policy)
    assert len(claim(api, max=5)) == 2
    found = {
        limit: wait_for(api, limit, "failed")["reason"]
        for limit in ("queue", "run", "silence", "total")
    }
    assert found == {limit: f"{limit}_timeout" for limit in found}


def test_a_task_is_not_ready_before_its_time(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE, not_before="2126-01-01T00:00:00Z")
    assert (api.task("a")["state"], api.task("a")["reason"]) == ("queued", "not_before")
    assert claim(api) == []


def test_a_bare_sign_of_life_of_a_fresh_lease_writes_nothing(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    (claimed,) = claim(api, lease_seconds=600)
    before = api.get("/v1/feed")["next_after"]
    assert beat(api, claimed).get("code") is None
    assert api.get("/v1/feed")["next_after"] == before
    assert api.task("a")["version"] == claimed["task"]["version"]


def test_progress_rides_on_a_sign_of_life(each_api: Api) -> None:
    each_api.create("a", queue=QUEUE)
    (claimed,) = claim(each_api)
    progress = {"percent": 40.0, "message": "epoch 4"}
    assert beat(each_api, claimed, progress=progress, metadata={"loss": 1})["verdict"] == "applied"
    task = each_api.task("a")
    assert (task["progress"], task["metadata"]) == (progress, {"loss": 1})


def test_the_same_claim_asked_again_gives_the_same_tasks(each_api: Api) -> None:
    each_api.create("a", "b", queue=QUEUE)
    asked = {"worker": "w1", "queues": [QUEUE]}
    twice = [
        each_api.post("/v1/claims", asked, headers={"Idempotency-Key": "k"})["items"]
        for _ in range(2)
    ]
    assert [one["task"]["id"] for one in twice[0]] == [one["task"]["id"] for one in twice[1]]
    assert twice[0][0]["lease_seq"] == twice[1][0]["lease_seq"]


def test_the_end_of_a_lease_is_taken_once_however_often_it_is_told(each_api: Api) -> None:
    each_api.create("a", queue=QUEUE)
    (claimed,) = claim(each_api)
    assert complete(each_api, claimed, result=1)["verdict"] == "applied"
    assert complete(each_api, claimed, result=1)["verdict"] == "duplicate"


def test_what_the_inputs_gave_is_handed_to_the_worker(each_api: Api) -> None:
    api = each_api
    api.create("in", queue="other")
    api.report("in", state="succeeded", result={"x": 1})
    api.create("out", queue=QUEUE, inputs=["in"])
    (claimed,) = claim(api)
    (given,) = claimed["inputs"]
    assert (given["id"], given["state"]) == ("in", "succeeded")
    assert [one["data"] for one in given["results"]] == [{"x": 1}]


def test_a_task_goes_only_to_a_worker_that_offers_what_it_requires(each_api: Api) -> None:
    each_api.create("plain", queue=QUEUE)
    each_api.create("big", queue=QUEUE, requires={"memory": "80g"}, priority=9)
    assert [one["task"]["id"] for one in claim(each_api, max=2)] == ["plain"]
    (big,) = claim(each_api, "w2", labels={"memory": "80g", "zone": "eu"})
    assert big["task"]["id"] == "big"


def test_everything_that_is_wrong_with_a_claim_is_listed(api: Api) -> None:
    said: dict[str, Any] = {"worker": "", "queues": [], "max": 0, "lease_seconds": 0.1, "wait": 61}
    problem = api.problem("POST", "/v1/claims", said)
    assert {one["pointer"] for one in problem["errors"]} == {
        "/worker", "/queues", "/max", "/lease_seconds", "/wait",
    }  # fmt: skip
