"""Keys and projects."""

from collections.abc import Iterator

import pytest
from dirty_equals import IsDatetime, IsPartialDict, IsStr

from tests.native.api import Api, fresh_project, problem_of, told
from tests.support.server import Server


@pytest.fixture
def root(server: Server) -> Iterator[Api]:
    """The API to an admin of the default project."""
    with server.client(server.key()) as client:
        yield Api(server, "default", client)


def test_a_key_works_until_it_is_revoked(api: Api) -> None:
    made = api.post("/v1/keys", {"role": "worker", "name": "gpu-7"})
    assert made == {
        "id": IsStr,
        "project": api.project,
        "name": "gpu-7",
        "role": "worker",
        "created_at": IsDatetime(iso_string=True),
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        "last_used_from": None,
        "rate_limit": None,
        "key": IsStr(regex=rf"fw_{made['id']}_[a-z2-7]+"),
    }
    with api.server.client(made["key"]) as worker:
        said = {"task_id": "a", "state": "running"}
        assert told(worker.post("/v1/reports", json=said))["verdict"] == "applied"
        assert api.ask("DELETE", f"/v1/keys/{made['id']}").status_code == 204
        assert problem_of(worker.post("/v1/reports", json=said))["code"] == "unauthenticated"
    assert api.problem("DELETE", f"/v1/keys/{made['id']}")["code"] == "key_not_found"


def test_keys_are_listed_without_their_texts(api: Api) -> None:
    made = api.post("/v1/keys", {"role": "viewer", "expires_at": "2100-01-01T00:00:00+01:00"})
    listed = api.get("/v1/keys")["items"]
    assert listed[-1] == {k: v for k, v in made.items() if k != "key"}
    assert listed[-1]["expires_at"] == "2099-12-31T23:00:00Z"


def test_a_key_that_has_expired_opens_nothing(api: Api) -> None:
    made = api.post("/v1/keys", {"role": "viewer", "expires_at": "2020-01-01T00:00:00Z"})
    with api.server.client(made["key"]) as late:
        found = problem_of(late.get("/v1/tasks"))
    assert (found["status"], found["detail"]) == (401, "The API key has expired.")


def test_the_text_of_a_key_is_given_once(api: Api) -> None:
    again = {"Idempotency-Key": "k"}
    made = api.post("/v1/keys", {"role": "viewer"}, headers=again)
    assert api.post("/v1/keys", {"role": "viewer"}, headers=again) == made | {"key": None}


def test_an_admin_of_the_default_project_makes_projects_and_their_first_keys(root: Api) -> None:
    made = root.post("/v1/projects", {"id": "vision-2", "unknown_tasks": "reject"})
    assert made == {
        "id": "vision-2",
        "unknown_tasks": "reject",
        "created_at": IsDatetime(iso_string=True),
    }
    assert made in root.get("/v1/projects")["items"]
    assert root.problem("POST", "/v1/projects", {"id": "vision-2"})["code"] == "project_exists"
    key = root.post("/v1/keys", {"role": "admin", "project": "vision-2"})
    with root.server.client(key["key"]) as client:
        theirs = Api(root.server, "vision-2", client)
        assert theirs.get("/v1/projects")["items"] == [made]
        assert theirs.report("a")["verdict"] == "unknown_task"
    keys = root.get("/v1/keys", project="vision-2")["items"]
    assert [one["id"] for one in keys] == [key["id"]]
    missing = root.problem("POST", "/v1/keys", {"role": "admin", "project": "nowhere"})
    assert missing["code"] == "project_not_found"


def test_what_becomes_of_unknown_tasks_changes_at_once(api: Api) -> None:
    assert api.report("a")["verdict"] == "applied"
    path = f"/v1/projects/{api.project}"
    assert told(api.ask("PATCH", path, {"unknown_tasks": "reject"})) == IsPartialDict(
        unknown_tasks="reject"
    )
    assert api.report("b")["verdict"] == "unknown_task"
    assert api.report("a", state="running")["verdict"] == "applied"
    told(api.ask("PATCH", path, {"unknown_tasks": "register"}))
    assert api.report("b")["verdict"] == "applied"
    assert api.get(path)["unknown_tasks"] == "register"


def test_others_administer_their_own_project_only(server: Server) -> None:
    with fresh_project(server) as mine, fresh_project(server) as theirs:
        refused = mine.problem("POST", "/v1/projects", {"id": "more"})
        assert (refused["status"], refused["code"]) == (403, "forbidden")
        assert mine.problem("GET", f"/v1/projects/{theirs.project}")["status"] == 404
        found = mine.problem("PATCH", f"/v1/projects/{theirs.project}", {})
        assert found["code"] == "project_not_found"
        assert [p["id"] for p in mine.get("/v1/projects")["items"]] == [mine.project]
        key = {"role": "viewer", "project": theirs.project}
        assert mine.problem("POST", "/v1/keys", key)["status"] == 403
        assert mine.problem("GET", f"/v1/keys?project={theirs.project}")["status"] == 403
        their_key = theirs.get("/v1/keys")["items"][0]["id"]
        assert mine.problem("DELETE", f"/v1/keys/{their_key}")["code"] == "key_not_found"
