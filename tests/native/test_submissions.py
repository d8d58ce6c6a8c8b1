"""A worker that crashes between intent and submission does not submit twice."""

from typing import Any

from tests.native.api import Api, path_of
from tests.native.test_leases import QUEUE, claim, lease


def note(api: Api, claimed: dict[str, Any], **said: Any) -> dict[str, Any]:
    return api.post("/v1/submissions", lease(claimed, platform="quantum", **said))


def reconcile(api: Api, *jobs: dict[str, Any]) -> list[dict[str, Any]]:
    return api.post("/v1/submissions/reconcile", {"platform": "quantum", "jobs": [*jobs]})["items"]


def test_whoever_tries_next_finds_what_was_submitted(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    (first,) = claim(api)
    intended = note(api, first)
    assert (intended["state"], intended["external_ref"]) == ("intended", None)
    submitted = note(api, first, external_ref="q-1")
    assert (submitted["state"], submitted["token"]) == ("submitted", intended["token"])
    api.post("/v1/leases/hand-back", {"leases": [lease(first)]})
    (second,) = claim(api, "w2")
    found = note(api, second)
    assert (found["external_ref"], found["token"]) == ("q-1", intended["token"])
    # What the platform says from now on is about the present attempt.
    assert reconcile(api, {"external_ref": "q-1", "state": "running"})[0]["verdict"] == "applied"
    # It has failed there: whoever has looked at it may submit once more, and only once.
    anew = note(api, second, anew=True)
    assert (anew["external_ref"], anew["state"]) == (None, "intended")
    assert anew["token"] != intended["token"]
    assert note(api, second, anew=True, external_ref="q-2")["token"] == anew["token"]
    again = note(api, second, anew=True)
    assert (again["external_ref"], again["token"]) == ("q-2", anew["token"])


def test_a_platforms_list_tells_the_next_worker_what_the_last_one_submitted(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    (crashed,) = claim(api)
    token = note(api, crashed)["token"]
    reconcile(api, {"token": token, "external_ref": "q-1", "state": "running"})
    api.post("/v1/leases/hand-back", {"leases": [lease(crashed)]})
    (second,) = claim(api, "w2")
    found = note(api, second)
    assert (found["state"], found["external_ref"]) == ("submitted", "q-1")
    # Its id alone is enough from now on.
    ended = {"external_ref": "q-1", "state": "succeeded"}
    assert reconcile(api, ended)[0]["task_id"] == "a"


def test_only_the_holder_of_a_lease_notes_a_submission(each_api: Api) -> None:
    api = each_api
    api.create("a", queue=QUEUE)
    (stale,) = claim(api)
    api.post("/v1/leases/hand-back", {"leases": [lease(stale)]})
    said = lease(stale, platform="quantum")
    assert api.problem("POST", "/v1/submissions", said)["code"] == "lease_superseded"


def test_a_platforms_list_becomes_reports_about_the_tasks_concerned(each_api: Api) -> None:
    api = each_api
    api.create("whole", "sharded", "lost", queue=QUEUE)
    whole, sharded, lost = claim(api, max=3)
    note(api, whole, external_ref="q-1")
    note(api, sharded, external_ref="q-2", part="0", shard=0)
    token = note(api, lost)["token"]
    items = reconcile(
        api,
        {"external_ref": "q-1", "state": "succeeded", "result": {"00": 1}},
        {"external_ref": "q-2", "state": "succeeded", "result": [1]},
        {"token": token, "external_ref": "q-3", "state": "running"},
        {"external_ref": "q-9", "state": "failed"},
    )
    assert [(one["task_id"], one["verdict"]) for one in items] == [
        ("whole", "applied"),
        ("sharded", "applied"),
        ("lost", "applied"),
        (None, None),
    ]
    assert api.task("whole")["state"] == "succeeded"
    (shard,) = api.get(f"{path_of('sharded')}/shards")["items"]
    assert (shard["state"], shard["external_ref"]) == ("succeeded", "q-2")
    assert api.task("lost")["external_ref"] == "q-3"


def test_a_job_that_is_named_by_nothing_is_refused_with_its_place(api: Api) -> None:
    jobs = [{"external_ref": "q-1", "state": "running"}, {"state": "running"}]
    said = {"platform": "quantum", "jobs": jobs}
    refused = api.problem("POST", "/v1/submissions/reconcile", said)
    assert refused["errors"] == [
        {"pointer": "/jobs/1", "detail": "must say external_ref or token, or both"}
    ]
