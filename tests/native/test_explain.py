"""`explain` says, for every state, what will move a task or what ended it."""

from typing import Any

from dirty_equals import IsDatetime, IsInt, IsPartialDict, IsStr

from tests.native.api import Api

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def explain(api: Api, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/tasks/{task_id}/explain")
    return found


def test_a_created_task_waits_for_somebody_to_submit_it(api: Api) -> None:
    api.create("a", submit=False)
    assert explain(api, "a") == {
        "task_id": "a",
        "state": "created",
        "reason": None,
        "since": IsDatetime(iso_string=True),
        "waits_for": "submit",
        "summary": (
            "It is known, and nobody has let it go yet. "
            "An operator's submit moves it, or a report from outside."
        ),
        "can": ["submit", "cancel", "archive"],
        "settled_by": None,
        "inputs_open": [],
        "inputs_open_count": 0,
        "place": None,
        "shards_open": 0,
        "likely_start": None,
        "likely_finish": None,
        "last_report": None,
        "late_reports": [],
        "archived_at": None,
    }


def test_a_blocked_task_waits_for_its_inputs_and_names_them(each_api: Api) -> None:
    each_api.create("left", "right")
    each_api.create("end", inputs=["left", "right"])
    each_api.report("left", state="succeeded")
    assert explain(each_api, "end") == IsPartialDict(
        state="blocked",
        waits_for="inputs",
        summary="It waits for 1 of its 2 inputs to end: 'right' (queued).",
        inputs_open=[{"id": "right", "state": "queued", "reason": None}],
        inputs_open_count=1,
    )


def test_a_held_task_waits_for_an_operator(each_api: Api) -> None:
    each_api.create("in")
    each_api.create("out", inputs=["in"], on_input_failure="hold")
    each_api.report("in", state="failed")
    assert explain(each_api, "out") == IsPartialDict(
        state="blocked",
        reason="upstream",
        waits_for="operator",
        summary=(
            "It is held, because 'in' (failed) ended without success. "
            "It moves when the inputs are retried and succeed, or when an operator cancels it."
        ),
    )


def test_a_held_task_waits_for_its_inputs_once_they_are_tried_again(each_api: Api) -> None:
    each_api.create("in")
    each_api.create("out", inputs=["in"], on_input_failure="hold")
    each_api.report("in", state="failed")
    each_api.post("/v1/tasks/in/retry")
    assert explain(each_api, "out") == IsPartialDict(
        waits_for="inputs", summary="It waits for 1 of its 1 inputs to end: 'in' (queued)."
    )


def test_a_lost_task_says_since_when_and_until_when_it_may_come_back(each_api: Api) -> None:
    each_api.create("a", queue="gpu", policy={"grace_seconds": 600})
    each_api.post("/v1/claims", {"worker": "w1", "queues": ["gpu"], "lease_seconds": 1})
    # A claim that waits is still there when the lease runs out.
    while each_api.task("a")["reason"] != "lost":
        each_api.post("/v1/claims", {"worker": "w2", "queues": ["gpu"], "wait": 1})
    assert explain(each_api, "a")["summary"] == IsStr(
        regex=rf"It is lost since {TIME}, when its worker 'w1' fell silent; "
        rf"a sign of life until {TIME} brings it back\. .*"
    )


def test_a_task_that_its_worker_refuses_to_end_says_so(each_api: Api) -> None:
    each_api.create("a", queue="gpu")
    each_api.post("/v1/claims", {"worker": "w1", "queues": ["gpu"]})
    each_api.post("/v1/tasks/a/cancel")
    assert "It will hear with its next heartbeat" in explain(each_api, "a")["summary"]
    beat = {"task_id": "a", "lease_seq": 1, "cancel_refused": True}
    each_api.post("/v1/leases/heartbeat", {"worker": "w1", "leases": [beat]})
    assert "It was asked to end the task, and refused." in explain(each_api, "a")["summary"]


def test_a_queued_task_tells_its_place_in_the_queue(each_api: Api) -> None:
    each_api.create("first", "second", queue="gpu")
    each_api.create("third", queue="gpu")
    each_api.create("urgent", queue="gpu", priority=5)
    each_api.create("elsewhere", queue="cpu")
    each_api.report("first", state="running")
    assert explain(each_api, "third") == IsPartialDict(
        waits_for="worker",
        summary=(
            "It waits behind 2 tasks in the queue 'gpu', where 1 task runs. "
            "No worker that was seen lately takes from the queue. "
            "A worker that claims it moves it, or a report from outside."
        ),
        place={"queue": "gpu", "ahead": 2, "ahead_is_exact": True, "running": 1},
    )
    assert explain(each_api, "urgent")["place"]["ahead"] == 0
    assert explain(each_api, "urgent")["summary"] == IsStr(regex="It waits first in .*")


def test_a_running_task_tells_its_last_sign_of_life(each_api: Api) -> None:
    each_api.create("a")
    verdict = each_api.report("a", state="running", source="gpu-7", progress=3)
    assert explain(each_api, "a") == IsPartialDict(
        state="running",
        waits_for="report",
        summary=IsStr(
            regex=rf"It runs until a report says how it ended\. "
            rf"The last sign of life came at {TIME} from 'gpu-7'\."
        ),
        last_report={
            "event_id": verdict["event_id"],
            "received_at": IsDatetime(iso_string=True),
            "source": "gpu-7",
            "state": "running",
            "verdict": "applied",
        },
        can=["cancel", "archive"],
    )


def test_a_task_with_shards_runs_until_they_end(each_api: Api) -> None:
    each_api.create("a", items_total=3, shards=[{"index": 0}, {"index": 1}])
    each_api.report("a", shard={"index": 0, "state": "succeeded"})
    assert explain(each_api, "a") == IsPartialDict(
        waits_for="shards",
        shards_open=1,
        summary=IsStr(regex=r"It runs until its shards end: 1 of 2 are open\. .*"),
    )
    each_api.report("a", shard={"index": 1, "state": "succeeded"})
    assert explain(each_api, "a") == IsPartialDict(
        reason="incomplete",
        waits_for="shards",
        summary=IsStr(
            regex=r"Its 2 shards ended, but cover 2 of 3 items; "
            r"it waits for a report about the others\. .*"
        ),
    )


def test_an_ended_task_tells_on_whose_word(each_api: Api) -> None:
    each_api.create("reported", "cancelled", "input")
    each_api.create("upstream", inputs=["input"])
    each_api.create("sharded", shards=[{"index": 0}])
    each_api.report("reported", state="succeeded", source="gpu-7")
    each_api.post("/v1/tasks/cancelled/cancel", {"reason": "not needed"})
    each_api.report("input", state="failed", reason="oom")
    each_api.report("sharded", shard={"index": 0, "state": "succeeded"})
    for task_id, by, words in (
        ("reported", "report", rf"It succeeded at {TIME} on the word of a report from 'gpu-7'\."),
        (
            "cancelled",
            "operator",
            (
                rf"It was cancelled at {TIME} on the word of the operator 'tests'\. "
                r"The reason given is 'not needed'\."
            ),
        ),
        ("input", "report", r"It failed at .*\. The reason given is 'oom'\."),
        (
            "upstream",
            "server",
            (
                rf"It was cancelled at {TIME}, as the server concluded; "
                r"a report of another end corrects that\. The reason given is 'upstream'\."
            ),
        ),
        (
            "sharded",
            "shards",
            (
                rf"It succeeded at {TIME}, as follows from its shards; "
                r"a word about another shard corrects that\."
            ),
        ),
    ):
        found = explain(each_api, task_id)
        assert found == IsPartialDict(
            settled_by=by, summary=IsStr(regex=words), waits_for="nothing", can=["retry", "archive"]
        )


def test_a_late_end_can_be_adopted(each_api: Api) -> None:
    each_api.create("a")
    each_api.post("/v1/tasks/a/cancel")
    verdict = each_api.report("a", state="succeeded", source="gpu-7")
    assert verdict["verdict"] == "late"
    found = explain(each_api, "a")
    assert found == IsPartialDict(
        can=["retry", "adopt", "archive"],
        late_reports=[
            {
                "event_id": verdict["event_id"],
                "attempt": 1,
                "received_at": IsDatetime(iso_string=True),
                "source": "gpu-7",
                "state": "succeeded",
            }
        ],
    )
    assert found["summary"].endswith(
        "1 end was reported too late; an operator may adopt one of them."
    )
    each_api.post("/v1/tasks/a/adopt", {"event_id": verdict["event_id"]})
    assert each_api.task("a")["state"] == "succeeded"


def test_an_archived_task_says_so(api: Api) -> None:
    api.create("a")
    api.post("/v1/tasks/a/archive")
    found = explain(api, "a")
    assert found["archived_at"] is not None
    assert found["can"] == ["cancel", "restore"]
    assert found["summary"].endswith(
        "It is archived: lists show it only when they are asked for the archive."
    )
    assert found["place"] == IsPartialDict(ahead=IsInt)


def test_a_task_is_likely_to_fare_as_others_of_its_kind_have(each_api: Api) -> None:
    api = each_api
    worker = {"worker": "w", "queues": ["likely"]}
    for n in range(5):
        api.create(f"past-{n}", kind="k", queue="likely")
        (held,) = api.post("/v1/claims", worker)["items"]
        lease = {"task_id": held["task"]["id"], "lease_seq": held["lease_seq"]}
        api.post("/v1/leases/complete", {"leases": [lease]})
    # Whoever takes longer than all the others did is no longer likely to do anything.
    api.create("a", kind="k", queue="likely", not_before="2126-01-01T00:00:00Z")
    found = explain(api, "a")
    assert found["likely_start"] == IsPartialDict(at=IsStr(regex="2126-01-01T00:00:0.*"), samples=5)
    assert found["likely_finish"] == IsPartialDict(samples=5)
    assert "It will likely start at 2126-01-01T00:00:0" in found["summary"]
    api.create("b", kind="another", queue="likely")
    assert explain(api, "b") == IsPartialDict(likely_start=None, likely_finish=None)
