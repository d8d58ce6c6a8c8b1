"""Jobs: groups of tasks, whose state follows from the tasks in them."""

from typing import Any

import pytest
from dirty_equals import IsDatetime, IsPartialDict

from tests.native.api import Api

NONE = dict.fromkeys(
    ("created", "blocked", "queued", "running", "succeeded", "failed", "cancelled"), 0
)


def test_a_job_comes_into_being_with_its_first_task(each_api: Api) -> None:
    each_api.create("a", job_id="sweep/1")
    each_api.report("b", state="running", job_id="sweep/1")
    assert each_api.get("/v1/jobs/sweep%2F1") == IsPartialDict(
        id="sweep/1", name=None, state="running", tasks=2, counts=NONE | {"queued": 1, "running": 1}
    )
    page = each_api.get("/v1/jobs/sweep%2F1/tasks", direction="asc")
    assert [task["id"] for task in page["items"]] == ["a", "b"]


def test_a_job_is_created_changed_and_deleted(each_api: Api) -> None:
    made = each_api.post("/v1/jobs", {"id": "j", "name": "n", "metadata": {"a": 1, "b": 2}})
    assert made == {
        "id": "j",
        "project": each_api.project,
        "name": "n",
        "parent_id": None,
        "state": "created",
        "counts": NONE,
        "counts_complete": True,
        "tasks": 0,
        "jobs": 0,
        "labels": {},
        "metadata": {"a": 1, "b": 2},
        "creator": "tests",
        "created_at": IsDatetime(iso_string=True),
        "updated_at": IsDatetime(iso_string=True),
        "version": 1,
    }
    said = {"labels": {"team": "x"}, "metadata": {"a": None, "c": 3}}
    response = each_api.ask("PATCH", "/v1/jobs/j", said, headers={"If-Match": '"1"'})
    assert response.headers["etag"] == '"2"'
    changed = each_api.get("/v1/jobs/j")
    assert changed == made | {
        "labels": {"team": "x"},
        "metadata": {"b": 2, "c": 3},
        "version": 2,
        "updated_at": IsDatetime(iso_string=True),
    }
    stale = each_api.problem("PATCH", "/v1/jobs/j", {}, headers={"If-Match": '"1"'})
    assert stale["code"] == "version_mismatch"
    assert each_api.ask("DELETE", "/v1/jobs/j").status_code == 204
    assert each_api.problem("GET", "/v1/jobs/j")["code"] == "job_not_found"
    events = each_api.get("/v1/feed", job="j")["items"]
    assert [(e["type"], e["version"]) for e in events] == [
        ("job.created", 1),
        ("job.changed", 2),
        ("job.deleted", 3),
    ]
    assert events[1]["data"] == {"changes": said}


def test_an_id_is_given_to_one_job_only(api: Api) -> None:
    api.post("/v1/jobs", {"id": "j"})
    assert api.problem("POST", "/v1/jobs", {"id": "j"})["code"] == "job_exists"
    assert api.post("/v1/jobs", {})["id"] != "j"


@pytest.mark.parametrize(
    ("states", "state"),
    [
        pytest.param(["created"], "created", id="nothing submitted"),
        pytest.param(["queued", "created"], "queued", id="something waits"),
        pytest.param(["queued", "running"], "running", id="something runs"),
        pytest.param(["succeeded", "queued"], "running", id="something ended"),
        pytest.param(["succeeded", "failed"], "done", id="everything ended"),
    ],
)
def test_the_state_of_a_job_follows_from_its_tasks(
    each_api: Api, states: list[str], state: str
) -> None:
    for number, task_state in enumerate(states):
        each_api.create(f"t{number}", job_id="j", submit=False)
        if task_state != "created":
            each_api.report(f"t{number}", state=task_state)
    assert each_api.get("/v1/jobs/j")["state"] == state


def nested(api: Api) -> None:
    api.post("/v1/jobs", {"id": "outer"})
    api.post("/v1/jobs", {"id": "middle", "parent_id": "outer"})
    api.post("/v1/jobs", {"id": "inner", "parent_id": "middle"})
    for job_id in ("outer", "middle", "inner"):
        api.create(f"{job_id}-1", f"{job_id}-2", job_id=job_id)


def test_a_job_sums_up_the_jobs_inside_it(each_api: Api) -> None:
    nested(each_api)
    each_api.report("inner-1", state="running")
    jobs = {job["id"]: job for job in each_api.get("/v1/jobs")["items"]}
    assert {id_: (job["tasks"], job["jobs"], job["state"]) for id_, job in jobs.items()} == {
        "outer": (6, 2, "running"),
        "middle": (4, 1, "running"),
        "inner": (2, 0, "running"),
    }
    assert each_api.get("/v1/jobs/outer")["counts"] == NONE | {"queued": 5, "running": 1}
    inside = each_api.get("/v1/jobs", parent_id="outer")["items"]
    assert [job["id"] for job in inside] == ["middle"]


def test_jobs_do_not_stand_in_themselves_nor_in_nothing_nor_too_deep(each_api: Api) -> None:
    nested(each_api)
    inside = each_api.problem("PATCH", "/v1/jobs/outer", {"parent_id": "inner"})
    assert inside["code"] == "job_parent_not_found"
    assert "outer -> inner -> middle -> outer" in inside["detail"]
    itself = each_api.problem("PATCH", "/v1/jobs/outer", {"parent_id": "outer"})
    assert itself["code"] == "job_parent_not_found"
    nowhere = each_api.problem("POST", "/v1/jobs", {"parent_id": "none"})
    assert nowhere["code"] == "job_parent_not_found"
    each_api.post("/v1/jobs", {"id": "d1"})
    for depth in range(2, 17):
        each_api.post("/v1/jobs", {"id": f"d{depth}", "parent_id": f"d{depth - 1}"})
    deep = each_api.problem("POST", "/v1/jobs", {"parent_id": "d16"})
    assert deep["code"] == "jobs_too_deep"
    moved = each_api.problem("PATCH", "/v1/jobs/d1", {"parent_id": "outer"})
    assert moved["code"] == "jobs_too_deep"


def test_jobs_come_in_pages_newest_first(each_api: Api) -> None:
    for number in range(5):
        each_api.post("/v1/jobs", {"id": f"j{number}"})
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = each_api.get("/v1/jobs", **query)
        found += [job["id"] for job in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == ["j4", "j3", "j2", "j1", "j0"]


def test_a_verb_on_a_job_reaches_the_tasks_that_it_concerns(each_api: Api) -> None:
    nested(each_api)
    each_api.report("outer-1", state="succeeded")
    done = each_api.post("/v1/jobs/outer/cancel", {"reason": "enough"})
    assert (done["done"], done["refused"], done["skipped"]) == (5, 0, 1)
    assert {(i["task_id"], i["state"]) for i in done["items"]} == {
        (f"{job_id}-{number}", "cancelled")
        for job_id in ("outer", "middle", "inner")
        for number in (1, 2)
        if (job_id, number) != ("outer", 1)
    }
    assert each_api.task("inner-2")["reason"] == "enough"
    assert each_api.get("/v1/jobs/outer")["state"] == "done"
    again = each_api.post("/v1/jobs/inner/retry")
    assert (again["done"], again["skipped"]) == (2, 0)
    assert each_api.get("/v1/jobs/inner")["counts"] == NONE | {"queued": 2}


def test_a_job_is_submitted_archived_and_restored(each_api: Api) -> None:
    each_api.create("a", "b", job_id="j", submit=False)
    assert each_api.post("/v1/jobs/j/submit")["done"] == 2
    assert each_api.post("/v1/jobs/j/archive")["done"] == 2
    assert each_api.get("/v1/tasks", job_id="j")["items"] == []
    assert len(each_api.get("/v1/jobs/j/tasks", archived="true")["items"]) == 2
    assert each_api.post("/v1/jobs/j/restore")["done"] == 2
    assert len(each_api.get("/v1/jobs/j/tasks")["items"]) == 2


def test_a_verb_on_a_large_job_goes_in_chunks(api: Api) -> None:
    api.create(*(f"t{number}" for number in range(1_201)), job_id="j")
    done = api.post("/v1/jobs/j/cancel")
    assert done["done"] == 1_201
    assert len(done["items"]) == 1_000
    assert api.get("/v1/jobs/j")["counts"]["cancelled"] == 1_201


def test_the_same_request_again_gets_the_first_answer(each_api: Api) -> None:
    each_api.create("a", job_id="j")
    key = {"Idempotency-Key": "once"}
    first = each_api.post("/v1/jobs/j/cancel", {}, headers=key)
    assert first["done"] == 1
    assert each_api.post("/v1/jobs/j/cancel", {}, headers=key) == first
    other = each_api.problem("POST", "/v1/jobs/j/cancel", {"reason": "x"}, headers=key)
    assert other["code"] == "idempotency_key_reused"
    made = each_api.post("/v1/jobs", {}, headers={"Idempotency-Key": "make"})
    assert each_api.post("/v1/jobs", {}, headers={"Idempotency-Key": "make"}) == made


def test_a_job_with_something_in_it_is_deleted_only_with_that(each_api: Api) -> None:
    nested(each_api)
    assert each_api.problem("DELETE", "/v1/jobs/inner")["code"] == "job_not_empty"
    assert each_api.problem("DELETE", "/v1/jobs/middle")["code"] == "job_not_empty"
    assert each_api.ask("DELETE", "/v1/jobs/middle?with_tasks=true").status_code == 204
    assert [job["id"] for job in each_api.get("/v1/jobs")["items"]] == ["outer"]
    assert {task["id"] for task in each_api.get("/v1/tasks")["items"]} == {"outer-1", "outer-2"}
    assert each_api.get("/v1/counts")["total"] == 2


def test_a_task_moves_from_one_job_to_another(each_api: Api) -> None:
    each_api.create("a", job_id="old")
    each_api.ask("PATCH", "/v1/tasks/a", {"job_id": "new/er"})
    assert each_api.get("/v1/jobs/old")["tasks"] == 0
    assert each_api.get("/v1/jobs/new%2Fer")["counts"] == NONE | {"queued": 1}
    each_api.ask("PATCH", "/v1/tasks/a", {"job_id": None})
    assert each_api.get("/v1/jobs/new%2Fer")["tasks"] == 0
    assert each_api.task("a")["job_id"] is None
