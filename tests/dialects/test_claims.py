"""Tasks that a dialect has made are claimed and done like any others, and its clients see that."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from tests.dialects.argus.sampledb import SampleDb, job
from tests.dialects.scanhub.lab import DEVICE, Lab
from tests.support.server import Server

Record = dict[str, Any]
PROJECTS = (f"shared-{number}" for number in count(1))
DAG = "location::repository::fft"


@pytest.fixture
def lab(server: Server) -> Iterator[Lab]:
    with Lab(server, next(PROJECTS)) as opened:
        yield opened


@pytest.fixture
def argus(server: Server) -> Iterator[SampleDb]:
    with SampleDb(server, next(PROJECTS)) as opened:
        yield opened


def asked(http: httpx.Client, path: str, said: Record) -> Any:
    response = http.post(path, json=said)
    assert response.is_success, response.text
    return response.json()["items"]


def claims(http: httpx.Client, queue: str, worker: str = "w1") -> list[Record]:
    """What a worker is given."""
    said = {"worker": worker, "queues": [queue], "lease_seconds": 60}
    found: list[Record] = asked(http, "/v1/claims", said)
    return found


def say(http: httpx.Client, verb: str, claimed: Record, **said: Any) -> Record:
    """Say something of a claimed task; what became of that."""
    answer: Record = asked(http, f"/v1/leases/{verb}", about(verb, claimed, said))[0]
    return answer


def about(verb: str, claimed: Record, said: Record) -> Record:
    names = {"lease_seq": claimed["lease_seq"], "attempt": claimed["attempt"]}
    lease = {"task_id": claimed["task"]["id"], **names, **said}
    body: Record = {"leases": [lease]}
    if verb == "heartbeat":
        body["worker"] = "w1"
    return body


def shown(lab: Lab, task_id: str) -> tuple[str, int]:
    """A task as ScanHub's clients see it."""
    record = lab.get(task_id)
    return record["status"], record["progress"]


def test_a_scan_that_was_started_is_claimed_and_done(lab: Lab) -> None:
    scan = lab.scan()
    assert claims(lab.http, DEVICE) == [], "it is NEW: nobody has asked for it"
    lab.moved(scan["id"], "STARTED")
    (claimed,) = claims(lab.http, DEVICE)
    assert claimed["task"]["id"] == scan["id"]
    assert shown(lab, scan["id"]) == ("INPROGRESS", 0)
    say(lab.http, "heartbeat", claimed, progress={"percent": 40})
    assert shown(lab, scan["id"]) == ("INPROGRESS", 40)
    assert say(lab.http, "complete", claimed, result={"lines": 256})["state"] == "succeeded"
    assert shown(lab, scan["id"]) == ("FINISHED", 100)


def test_a_reconstruction_that_fails_shows_its_error(lab: Lab) -> None:
    workflow = lab.workflow()
    scan = lab.scan(workflow["id"])
    dag = lab.dag(workflow["id"], input_task_ids=[scan["id"]])
    lab.moved(dag["id"], "STARTED")
    (claimed,) = claims(lab.http, DAG)
    assert claimed["task"]["extensions"]["scanhub"]["input_task_ids"] == [scan["id"]]
    error = {"category": "oom", "message": "out of memory"}
    assert say(lab.http, "fail", claimed, error=error)["state"] == "failed"
    assert shown(lab, dag["id"])[0] == "ERROR"
    lab.moved(dag["id"], "STARTED")
    (again,) = claims(lab.http, DAG)
    assert (again["task"]["id"], again["attempt"]) == (dag["id"], 2)


def test_a_device_may_speak_of_a_scan_that_a_worker_holds(lab: Lab) -> None:
    scan = lab.scan()
    lab.moved(scan["id"], "STARTED")
    (claimed,) = claims(lab.http, DEVICE)
    assert lab.moved(scan["id"], "INPROGRESS", 70)["progress"] == 70
    assert lab.moved(scan["id"], "FINISHED", 100)["status"] == "FINISHED"
    assert say(lab.http, "complete", claimed)["state"] == "succeeded"
    assert shown(lab, scan["id"]) == ("FINISHED", 100)


def test_a_scan_that_is_triggered_again_while_it_is_held_begins_anew(lab: Lab) -> None:
    scan = lab.scan()
    lab.moved(scan["id"], "STARTED")
    (held,) = claims(lab.http, DEVICE)
    assert lab.moved(scan["id"], "STARTED")["status"] == "STARTED"
    (again,) = claims(lab.http, DEVICE, "w2")
    assert (again["task"]["id"], again["attempt"]) == (scan["id"], held["attempt"] + 1)
    late = lab.http.post("/v1/leases/complete", json=about("complete", held, {}))
    assert (late.status_code, late.json()["code"]) == (409, "lease_superseded")
    assert say(lab.http, "complete", again)["state"] == "succeeded"
    assert shown(lab, scan["id"]) == ("FINISHED", 100)


def test_templates_are_never_claimed(lab: Lab) -> None:
    """Whatever status a template is put to, it is not a task."""
    template = lab.scan(is_template=True)
    for status in ("STARTED", "INPROGRESS"):
        lab.put(template, status=status)
        for queue in (DEVICE, "acquisition"):
            assert claims(lab.http, queue) == []
    assert lab.http.get("/v1/tasks").json()["items"] == []
    assert lab.http.get("/v1/queues").json()["items"] == []


def test_a_worker_of_argus_may_claim_its_task(argus: SampleDb) -> None:
    begun = argus.job()
    task = argus.add(begun, "yara")
    (claimed,) = claims(argus.http, "yara")
    assert claimed["task"]["id"] == task["id"]
    (seen,) = argus.data(job.list_job_tasks, begun)
    assert (seen["state"], argus.state(begun)) == ("executing", "executing")
    say(argus.http, "heartbeat", claimed, progress={"percent": 10, "message": "unpacking"})
    say(argus.http, "complete", claimed)
    seen = argus.data(job.get_job_task, begun, task["id"])
    assert (seen["state"], argus.state(begun)) == ("success", "done")
    assert seen["endTimestamp"] >= seen["startTimestamp"]


def test_of_two_who_end_a_task_of_argus_the_later_counts(argus: SampleDb) -> None:
    """As of any task: the latest of the ends that are reported is the task's."""
    begun = argus.job()
    task = argus.add(begun, "entropy")
    (claimed,) = claims(argus.http, "entropy")
    assert argus.put(begun, task["id"], "failed", message="odd")["state"] == "failed"
    assert argus.state(begun) == "done"
    say(argus.http, "complete", claimed)
    assert argus.data(job.get_job_task, begun, task["id"])["state"] == "success"
    assert argus.state(begun) == "done"
    assert claims(argus.http, "entropy") == []
