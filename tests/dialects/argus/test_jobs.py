"""Jobs and their tasks, driven by the real clients."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from farwork.service.access import Role
from tests.dialects.argus.sampledb import NOWHERE, SHA, SampleDb, exceptions, job, offset_paginated

FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
TASK = {
    "id", "worker", "state", "message", "analyses", "analysis", "enqueuedTimestamp",
    "startTimestamp", "endTimestamp",
}  # fmt: skip
JOB = {
    "id", "state", "analysedSample", "customer", "enqueuedTimestamp", "startTimestamp",
    "endTimestamp",
}  # fmt: skip


def test_a_worker_of_today_goes_through_a_job(argus: SampleDb) -> None:
    place = argus.reanalyse()["id"]
    task = argus.add(place, "yara")
    assert task.keys() == TASK
    assert (task["worker"], task["state"], task["analyses"]) == ("yara", "enqueued", [])
    assert argus.state(place) == "enqueued"
    task = argus.put(place, task["id"], "executing", message="unpacking")
    assert (task["state"], task["message"]) == ("executing", "unpacking")
    assert task["startTimestamp"] is not None
    assert argus.state(place) == "executing"
    task = argus.put(place, task["id"], "success", analyses=[FIRST, SECOND])
    assert [one["id"] for one in task["analyses"]] == [FIRST, SECOND]
    assert task["analyses"][0] == {"id": FIRST, "analysisScore": None, "userAgent": None}
    assert task["endTimestamp"] >= task["startTimestamp"]
    assert argus.call(job.get_job_task, place, task["id"])["data"] == task
    done = argus.data(job.get_job, place)
    assert done.keys() == JOB
    assert (done["state"], done["analysedSample"]) == ("done", {"id": SHA, "size": None})
    assert done["endTimestamp"] == task["endTimestamp"]


def test_the_older_client_adds_tasks_and_names_one_analysis(argus: SampleDb) -> None:
    place = argus.job()
    envelope = argus.old("add_job_task", jobID=place, worker="strings", state="executing")
    assert (envelope["responseCode"], envelope["data"]["state"]) == (201, "executing")
    task_id = envelope["data"]["id"]
    envelope = argus.old(
        "update_job_task", jobID=place, taskID=task_id, state="success", analysisID=FIRST
    )
    assert envelope["data"]["analysis"]["id"] == FIRST
    assert [one["id"] for one in envelope["data"]["analyses"]] == [FIRST]
    assert argus.state(place) == "done"


def test_the_seeds_body_is_taken_byte_for_byte(argus: SampleDb) -> None:
    place = argus.job()
    response = argus.http.post(
        f"/sampledb/v2/job/{place}/task",
        content=b'{\n\t"worker": "analysis-worker-name",\n\t"state": "enqueued"\n}',
        headers={"Argus-API-Key": argus.key, "Content-Type": "application/json"},
    )
    assert response.status_code == 201
    assert response.json()["data"]["worker"] == "analysis-worker-name"


def test_a_task_is_ours_too(argus: SampleDb) -> None:
    place = argus.job()
    task = argus.add(place, "yara")
    argus.put(place, task["id"], "failed", message="no rules")
    shown = argus.http.get(f"/v1/tasks/{task['id']}").json()
    assert (shown["queue"], shown["kind"], shown["state"]) == ("yara", "analysis", "failed")
    assert (shown["job_id"], shown["error"]["message"]) == (place, "no rules")
    assert shown["has_result"] is False


@pytest.mark.parametrize("state", ["executing", "success", "failed", "cancelled"])
def test_a_task_can_be_added_in_any_state_that_a_worker_may_say(
    sqlite_argus: SampleDb, state: str
) -> None:
    task = sqlite_argus.add(sqlite_argus.job(), "w", state=state)
    assert task["state"] == state
    assert (task["endTimestamp"] is None) == (state == "executing")


def test_a_success_from_the_queue_has_a_start(sqlite_argus: SampleDb) -> None:
    place = sqlite_argus.job()
    task = sqlite_argus.put(place, sqlite_argus.add(place, "w")["id"], "success")
    assert task["startTimestamp"] == task["endTimestamp"]


# --- repetition ---


def test_one_task_per_worker_and_job_however_often_it_is_asked_for(argus: SampleDb) -> None:
    place, other = argus.job(), argus.job()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(argus.add, place, "yara") for _ in range(16)]
        ids = {one.result()["id"] for one in asked}
    (task,) = ids
    argus.put(place, task, "executing")
    assert argus.add(place, "yara", state="enqueued")["state"] == "executing"
    assert argus.add(other, "yara")["id"] not in ids
    assert argus.call(job.list_job_tasks, place)["count"] == 1


def test_a_native_task_of_a_worker_is_its_task(sqlite_argus: SampleDb) -> None:
    argus = sqlite_argus
    place = argus.job()
    made = argus.http.post("/v1/tasks", json={"job_id": place, "queue": "yara", "kind": "k"})
    assert argus.add(place, "yara")["id"] == made.json()["id"]


def test_a_repeated_update_changes_nothing(argus: SampleDb) -> None:
    place = argus.job()
    task = argus.add(place, "w")
    once = argus.put(place, task["id"], "success", analyses=[FIRST], message="m")
    version = argus.http.get(f"/v1/tasks/{task['id']}").json()["version"]
    assert argus.put(place, task["id"], "success", analyses=[FIRST], message="m") == once
    assert argus.put(place, task["id"], "success") == once
    assert argus.http.get(f"/v1/tasks/{task['id']}").json()["version"] == version


def test_later_analyses_stand_in_place_of_earlier_ones(argus: SampleDb) -> None:
    place = argus.job()
    task = argus.add(place, "w")["id"]
    argus.put(place, task, "success", analyses=[FIRST])
    assert [a["id"] for a in argus.put(place, task, "success", analyses=SECOND)["analyses"]] == [
        SECOND
    ]


@pytest.mark.parametrize("end", ["success", "failed", "cancelled"])
@pytest.mark.parametrize("then", ["executing", "success", "failed", "cancelled"])
def test_an_end_that_was_reported_stands(sqlite_argus: SampleDb, end: str, then: str) -> None:
    argus = sqlite_argus
    place = argus.job()
    task = argus.add(place, "w")["id"]
    argus.put(place, task, end)
    if then != end:
        with pytest.raises(exceptions.ValidationErrorException, match="has ended as"):
            argus.put(place, task, then)
    assert argus.data(job.get_job_task, place, task)["state"] == end
    assert argus.state(place) == "done"


def test_a_done_job_stays_done_whatever_comes_into_it(argus: SampleDb) -> None:
    place = argus.job()
    task = argus.add(place, "a", state="success")
    assert argus.state(place) == "done"
    late = argus.add(place, "b")
    assert argus.add(place, "a") == task
    assert argus.state(place) == "done"
    assert argus.put(place, late["id"], "executing")["state"] == "executing"
    assert argus.state(place) == "done"
    assert [one["id"] for one in argus.data(job.list_jobs, state=["done"])] == [place]
    assert argus.put(place, late["id"], "success")["state"] == "success"


def test_what_a_worker_says_of_a_task_that_was_cancelled_is_kept(argus: SampleDb) -> None:
    place = argus.job()
    task = argus.add(place, "w", state="executing")["id"]
    assert argus.http.post(f"/v1/tasks/{task}/cancel").is_success
    assert argus.put(place, task, "success", analyses=[FIRST])["state"] == "cancelled"
    results = argus.http.get(f"/v1/tasks/{task}/results").json()["items"]
    assert [one["late"] for one in results] == [True]


# --- finding ---


def test_jobs_are_listed_newest_first_and_searched_oldest_first(argus: SampleDb) -> None:
    ids = [argus.job() for _ in range(3)]
    envelope = argus.call(job.list_jobs)
    assert [one["id"] for one in envelope["data"]] == ids[::-1]
    assert {k: envelope[k] for k in ("responseCode", "limit", "offset", "count", "size")} == {
        "responseCode": 200, "limit": 25, "offset": 0, "count": 3, "size": 3,
    }  # fmt: skip
    assert (envelope["messages"], envelope["metaData"]) == ([], {})
    assert [one["id"] for one in argus.data(job.search_jobs)] == ids


def test_the_clients_pager_sees_every_job_once(argus: SampleDb) -> None:
    ids = {argus.job() for _ in range(7)}
    pages = list(offset_paginated(job.list_jobs)(limit=3, api_session=argus.session))
    assert [page["size"] for page in pages] == [3, 3, 1]
    assert {one["id"] for page in pages for one in page["data"]} == ids
    everything = argus.call(job.list_jobs, limit=0)
    assert (everything["limit"], everything["size"]) == (0, 7)


def test_jobs_are_found_by_state_sample_customer_and_time(argus: SampleDb) -> None:
    idle, busy = argus.reanalyse()["id"], argus.job()
    argus.add(busy, "w", state="executing")
    over = argus.job(labels={"sha256": "ab" * 32}, metadata={"size_bytes": 7})
    argus.add(over, "w", state="failed")

    def found(**said: Any) -> list[str]:
        return [one["id"] for one in argus.data(job.search_jobs, **said)]

    assert found(state=["done"]) == [over]
    assert found(state=["enqueued", "executing"]) == [idle, busy]
    assert found(state=["timeout"]) == []
    assert argus.data(job.list_jobs, state=["executing", "done"], sortBy=["state"])[0]["id"] == busy
    assert found(sampleSha256=[SHA]) == [idle]
    assert found(sampleSha256=[SHA, "AB" * 32]) == [idle, over]
    assert argus.data(job.get_job, over)["analysedSample"] == {"id": "ab" * 32, "size": 7}
    assert found(customer=[argus.project]) == [idle, busy, over]
    assert found(customer=["somebody"]) == []
    assert found(startTimestamp="now - 1 hour", endTimestamp="now") == [idle, busy, over]
    assert found(endTimestamp="-1 day") == []
    assert found(startTimestamp="now - 1 week", timeFieldStrategy=["endTimestamp"]) == [over]
    assert found(startTimestamp=0, timeMatchStrategy="all") == [over]
    at = argus.data(job.get_job, idle)["enqueuedTimestamp"]
    fields = ["enqueuedTimestamp"]
    assert idle in found(startTimestamp=at, endTimestamp=at, timeFieldStrategy=fields)
    assert found(sortBy=["-endTimestamp", "startTimestamp"]) == [over, busy, idle]


def test_an_empty_search_is_an_empty_list(sqlite_argus: SampleDb) -> None:
    envelope = sqlite_argus.call(job.search_jobs, sampleSha256=["00" * 32])
    assert (envelope["data"], envelope["count"], envelope["size"]) == ([], 0, 0)


def test_tasks_are_listed_by_worker_and_in_other_orders(argus: SampleDb) -> None:
    place = argus.job()
    for name, state in (("c", "enqueued"), ("a", "success"), ("b", "executing")):
        argus.add(place, name, state=state)

    def listed(**said: Any) -> list[str]:
        return [one["worker"] for one in argus.data(job.list_job_tasks, place, **said)]

    assert listed() == ["a", "b", "c"]
    assert listed(sortBy=["-worker"]) == ["c", "b", "a"]
    assert listed(sortBy=["state"]) == ["c", "b", "a"]
    assert listed(sortBy=["-enqueuedTimestamp"]) == ["b", "a", "c"]
    assert listed(limit=1, offset=1) == ["b"]
    assert argus.call(job.list_job_tasks, place, limit=1)["count"] == 3


def test_a_job_that_holds_jobs_is_none_of_argus(sqlite_argus: SampleDb) -> None:
    outer = sqlite_argus.job()
    inner = sqlite_argus.job(parent_id=outer)
    assert [one["id"] for one in sqlite_argus.data(job.list_jobs)] == [inner]


# --- samples ---


def test_a_sample_is_analysed_by_every_registered_worker(argus: SampleDb) -> None:
    for name in ("yara", "strings"):
        body = {"shortName": name, "localizedNames": {"english": name}}
        assert argus.send("POST", "/worker", body).status_code == 201
    begun = argus.reanalyse(SHA.upper())
    assert (begun["state"], begun["analysedSample"]["id"]) == ("enqueued", SHA)
    tasks = argus.data(job.list_job_tasks, begun["id"])
    assert [task["worker"] for task in tasks] == ["strings", "yara"]


def test_a_repeated_request_for_a_sample_gives_the_job_that_is_open(argus: SampleDb) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(argus.reanalyse) for _ in range(16)]
        ids = {one.result()["id"] for one in asked}
    assert len(ids) == 1
    (place,) = ids
    argus.add(place, "w", state="success")
    assert argus.reanalyse()["id"] != place


# --- refusals ---


def test_nobody_without_a_key_learns_what_exists(sqlite_argus: SampleDb) -> None:
    for key in (None, "nonsense"):
        with pytest.raises(exceptions.AuthenticationFailedException):
            job.get_job(NOWHERE, server_url=sqlite_argus.server.url, apiKey=key)


def test_what_is_not_there_is_told_by_the_clients_own_exception(sqlite_argus: SampleDb) -> None:
    argus = sqlite_argus
    place, other = argus.job(), argus.job()
    task = argus.add(other, "w")["id"]
    missing = exceptions.ObjectNotFoundException
    for function, given in (
        (job.get_job, (NOWHERE,)),
        (job.get_job, ("no-uuid",)),
        (job.list_job_tasks, (NOWHERE,)),
        (job.get_job_task, (place, NOWHERE)),
        (job.get_job_task, (place, task)),
        (job.update_job_task, (place, task, "nonsense")),
    ):
        with pytest.raises(missing):
            argus.call(function, *given)


@pytest.mark.parametrize(
    ("state", "said", "field"),
    [
        ("enqueued", {}, "state"),
        ("timeout", {}, "state"),
        ("running", {}, "state"),
        ("success", {"analyses": ["x"]}, "analyses"),
        ("success", {"message": "x" * 10_001}, "message"),
    ],
)
def test_every_mistake_is_a_field_error_with_its_field(
    sqlite_argus: SampleDb, state: str, said: dict[str, Any], field: str
) -> None:
    place = sqlite_argus.job()
    task = sqlite_argus.add(place, "w")["id"]
    with pytest.raises(exceptions.ValidationErrorException, match=rf"FIELD_ERROR \({field}\)"):
        sqlite_argus.put(place, task, state, **said)


@pytest.mark.parametrize(
    "said",
    [
        {"state": ["running"]},
        {"sortBy": ["size"]},
        {"sampleSha256": ["short"]},
        {"startTimestamp": "yesterday"},
        {"endTimestamp": "2016-11-30T15:47:00+01:00"},
        {"limit": -1},
        {"timeFieldStrategy": ["never"]},
    ],
)
def test_a_search_that_cannot_be_made_is_refused(
    sqlite_argus: SampleDb, said: dict[str, Any]
) -> None:
    with pytest.raises(exceptions.ValidationErrorException):
        sqlite_argus.call(job.search_jobs, **said)


@pytest.mark.parametrize("query", ["limit=x", "offset=-1", "state=running", "sortBy=id"])
def test_a_query_that_cannot_be_taken_is_refused(sqlite_argus: SampleDb, query: str) -> None:
    response = sqlite_argus.send("GET", f"/job?{query}")
    assert response.status_code == 412
    (said,) = response.json()["messages"]
    assert (said["type"], said["field"]) == ("FIELD_ERROR", query.partition("=")[0])


@pytest.mark.parametrize("name", ["", "has space", "ü", "x" * 256])
def test_a_worker_needs_a_well_formed_name(sqlite_argus: SampleDb, name: str) -> None:
    place = sqlite_argus.job()
    assert sqlite_argus.send("POST", f"/job/{place}/task", {"worker": name}).status_code == 412
    assert sqlite_argus.send("POST", f"/job/{place}/task", {}).status_code == 412
    body = {"analyzerName": "old"}
    assert sqlite_argus.send("POST", f"/job/{place}/task", body).status_code == 201


def test_roles_are_those_of_the_key(sqlite_argus: SampleDb) -> None:
    place = sqlite_argus.job()
    task = sqlite_argus.add(place, "w")["id"]
    with SampleDb(sqlite_argus.server, sqlite_argus.project, Role.VIEWER) as viewer:
        assert viewer.state(place) == "enqueued"
        with pytest.raises(exceptions.AccessDeniedException):
            viewer.put(place, task, "executing")
        with pytest.raises(exceptions.AccessDeniedException):
            viewer.reanalyse()
    with SampleDb(sqlite_argus.server, sqlite_argus.project, Role.WORKER) as analyzer:
        assert analyzer.put(place, task, "executing")["state"] == "executing"
        assert analyzer.reanalyse()["state"] == "enqueued"


def test_the_session_can_be_checked(sqlite_argus: SampleDb) -> None:
    sqlite_argus.session.authenticate(check=True)
