"""Ids: whatever is printable can be an id and can be addressed; what is not is refused."""

import pytest
from dirty_equals import IsPartialDict

from tests.native.api import Api, path_of

GOOD = [
    "a/b",
    "/",
    "a//b/",
    "../x",
    "...",
    " padded ",
    "a b+c",
    "100%",
    "%2F",
    "%",
    "q?x=1#y",
    "ünïcödé",
    "数据/集",
    "👩‍🔬",
    "a\u00a0b",
    '"quoted"',
    "a;b,c:d@e&f=g",
    "x" * 255,
    "\N{SNOWMAN}" * 255,
]
BAD = ["", ".", "..", "x" * 256, "a\0b", "a\nb", "a\n", "\t", "a\x7f", "a\x85", "\u2028", "\x1f"]
UNSEEN = [" ", "\u00a0", "\u200b", "\u200d\ufe0f", "\ufeff", "\u2800", "\u3164", "\u00ad \u2060"]
TURNED = ["a\u202eb", "\u2066a\u2069", "\u200f", "run-\u200e17", "\u061cx"]


@pytest.mark.parametrize("task_id", GOOD, ids=ascii)
def test_any_printable_id_is_created_read_changed_and_deleted(each_api: Api, task_id: str) -> None:
    each_api.create(task_id, job_id=task_id)
    path = path_of(task_id)
    assert each_api.task(task_id)["id"] == task_id
    assert each_api.get(f"{path}/events")["items"][0]["task_id"] == task_id
    assert each_api.post(f"{path}/cancel")["state"] == "cancelled"
    job = path.replace("/v1/tasks/", "/v1/jobs/")
    assert each_api.get(job) == IsPartialDict(id=task_id, tasks=1)
    assert each_api.ask("DELETE", path).status_code == 204
    assert (
        each_api.problem("GET", path)["detail"] == f"There is no task {task_id!r} in this project."
    )


@pytest.mark.parametrize("task_id", BAD + UNSEEN + TURNED, ids=ascii)
def test_an_id_that_could_not_be_addressed_is_refused(api: Api, task_id: str) -> None:
    for path, field in (("/v1/tasks", "id"), ("/v1/jobs", "id"), ("/v1/reports", "task_id")):
        found = api.problem("POST", path, {field: task_id})
        assert (found["status"], found["code"]) == (422, "invalid_body")
        assert [one["pointer"] for one in found["errors"]] == [f"/{field}"]
    assert api.get("/v1/tasks")["items"] == []


@pytest.mark.parametrize(
    "segment", ["%00", "%1f", "%1F", "%0a", "%7f", "%ff", "%c3%28", "a%00b", "%ed%a0%80"]
)
def test_an_address_that_is_no_text_is_refused_as_one(each_api: Api, segment: str) -> None:
    """PostgreSQL breaks off at a NUL, and half characters are in no id."""
    for path in (f"/v1/tasks/{segment}", f"/v1/jobs/{segment}", f"/v1/tasks/{segment}/events"):
        found = each_api.problem("GET", path)
        assert (found["status"], found["title"]) == (400, "The address cannot be read.")
        (said,) = found["errors"]
        assert said["pointer"] == "path"
        assert said["detail"].startswith(f"{segment!r} ")


def test_what_is_wrong_with_an_id_is_said(api: Api) -> None:
    (said,) = api.problem("POST", "/v1/tasks", {"id": "run\u202e17"})["errors"]
    assert said["detail"].startswith("must have a visible character and no control character")


def test_a_slash_separates_segments_unless_it_is_encoded(api: Api) -> None:
    api.create("a")
    api.create("a/events")
    assert api.get("/v1/tasks/a%2Fevents")["id"] == "a/events"
    assert "items" in api.get("/v1/tasks/a/events")
