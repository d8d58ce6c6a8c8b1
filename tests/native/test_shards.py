"""Shards over HTTP, on both engines: announced, worked on, tried again, called off."""

from typing import Any

from tests.native.api import Api, path_of
from tests.native.test_leases import QUEUE, beat, claim, complete, fail

POLICY = {"retry": {"backoff_seconds": 0}}


def batch(api: Api, id_: str = "t", count: int = 2, **fields: Any) -> None:
    """A task for workers, with so many announced shards of ten items each."""
    shards = [{"index": n, "item_count": 10, "item_offset": 10 * n} for n in range(count)]
    api.create(id_, queue=QUEUE, items_total=10 * count, shards=shards, **fields)


def states(api: Api, id_: str = "t") -> list[str]:
    return [shard["state"] for shard in api.get(f"{path_of(id_)}/shards")["items"]]


def stands(task: dict[str, Any]) -> tuple[str, str | None, float]:
    return task["state"], task["reason"], task["progress"]["percent"]


def test_a_task_with_shards_is_claimed_and_ends_when_all_have_ended(each_api: Api) -> None:
    api = each_api
    batch(api)
    assert stands(api.task("t")) == ("queued", None, 0.0)
    (held,) = claim(api)
    beat(api, held, shard={"index": 0, "state": "succeeded", "result": list(range(10))})
    assert stands(api.task("t")) == ("running", None, 50.0)
    assert complete(api, held)["code"] == "shards_incomplete"
    assert api.task("t")["state"] == "running"
    beat(api, held, shard={"index": 1, "state": "succeeded", "result": list(range(10, 20))})
    assert complete(api, held)["state"] == "succeeded"
    (result,) = api.get(f"{path_of('t')}/results")["items"]
    assert result["data"] == list(range(20))


def test_the_next_attempt_does_only_what_is_left(each_api: Api) -> None:
    api = each_api
    batch(api, attempts_max=2, policy=POLICY)
    (held,) = claim(api)
    beat(api, held, shard={"index": 0, "state": "succeeded"})
    error = {"message": "the chip is warm"}
    beat(api, held, shard={"index": 1, "state": "failed", "error": error})
    fail(api, held, error=error)
    assert states(api) == ["succeeded", "queued"]
    (again,) = claim(api)
    assert beat(api, held, shard={"index": 1, "state": "succeeded"})["code"] == "lease_superseded"
    assert states(api) == ["succeeded", "queued"]
    beat(api, again, shard={"index": 1, "state": "succeeded"})
    assert complete(api, again)["state"] == "succeeded"


def test_shards_are_added_by_the_holder_and_by_operators(each_api: Api) -> None:
    api = each_api
    api.create("t", queue=QUEUE)
    path = f"{path_of('t')}/shards"
    said = {"shards": [{"index": 0}, {"index": 1, "item_count": 3, "item_offset": 1}]}
    with api.as_role("worker") as worker:
        assert worker.problem("POST", path, said)["code"] == "forbidden"
        (held,) = claim(worker)
        named = said | {"lease_seq": held["lease_seq"]}
        assert worker.post(path, named)["shards"]["items"] == 4
        stale = said | {"lease_seq": held["lease_seq"] + 1}
        assert worker.problem("POST", path, stale)["code"] == "lease_superseded"
    assert api.post(path, {"shards": [{"index": 2}]})["shards"]["total"] == 3
    other = {"shards": [{"index": 1, "item_count": 4}]}
    assert api.problem("POST", path, other)["code"] == "shard_exists"
    twice = {"shards": [{"index": 5}, {"index": 5}]}
    assert api.problem("POST", path, twice)["errors"][0]["pointer"] == "/shards/1/index"


def test_a_shard_is_tried_again_and_called_off(each_api: Api) -> None:
    api = each_api
    batch(api, count=3)
    path = f"{path_of('t')}/shards"
    api.report("t", shard={"index": 0, "state": "failed", "error": {"message": "too warm"}})
    said = api.get(f"{path}/0/explain")
    assert (said["can"], said["shard"]["state"]) == (["retry"], "failed")
    assert "too warm" in said["summary"]
    assert api.post(f"{path}/0/retry")["state"] == "running"
    assert api.post(f"{path}/1/cancel", {"reason": "too dear"})["shards"]["cancelled"] == 1
    assert states(api) == ["queued", "cancelled", "queued"]
    assert "only announced" in api.get(f"{path}/2/explain")["summary"]
    assert api.problem("POST", f"{path}/0/retry")["code"] == "shard_not_final"
    assert api.problem("POST", f"{path}/7/cancel")["code"] == "shard_not_found"
    assert api.problem("GET", f"{path}/x/explain")["code"] == "shard_not_found"
    with api.as_role("worker") as worker:
        assert worker.problem("POST", f"{path}/1/retry")["code"] == "forbidden"
    for index in (0, 2):
        api.report("t", shard={"index": index, "state": "succeeded"})
    assert stands(api.task("t")) == ("cancelled", "shards", 100.0)
    again = api.post(f"{path}/1/retry")
    assert (again["state"], again["attempt"]) == ("queued", 2)


def test_a_kind_says_with_how_many_shards_its_tasks_succeed(each_api: Api) -> None:
    api = each_api
    kind = {"policy": {"shards_needed": 2}}
    api.ask("PUT", "/v1/kinds/sweep", kind).raise_for_status()
    batch(api, count=3, kind="sweep")
    for index, state in enumerate(("succeeded", "failed")):
        api.report("t", shard={"index": index, "state": state})
    assert api.task("t")["shards"]["needed"] == 2
    assert "It succeeds with 2 of them." in api.get(f"{path_of('t')}/explain")["summary"]
    api.report("t", shard={"index": 2, "state": "succeeded"})
    assert stands(api.task("t")) == ("succeeded", None, 100.0)
