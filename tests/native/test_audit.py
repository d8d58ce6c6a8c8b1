"""The audit trail: who did what to what, when and from where; nobody can change it."""

from typing import Any

import pytest
import sqlalchemy as sa
from dirty_equals import IsDatetime, IsPartialDict, IsStr
from sqlalchemy.exc import DBAPIError

from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from tests.native.api import Api, told
from tests.native.test_login import PASSWORD, person


def trail(api: Api, **query: Any) -> list[dict[str, Any]]:
    """The rows about the project, oldest first."""
    found: list[dict[str, Any]] = api.get("/v1/audit", limit=500, **query)["items"]
    # Which keys were used from where is told in between, whenever it is written.
    return [row for row in reversed(found) if row["action"] != "key.used"]


def actions(api: Api, **query: Any) -> list[str]:
    return [row["action"] for row in trail(api, **query)]


def test_a_row_says_who_did_what_to_what_when_and_from_where(each_api: Api) -> None:
    made = each_api.post("/v1/keys", {"role": "worker", "name": "gpu-7"})
    me = trail(each_api)[-1]["actor"]
    assert trail(each_api)[-1] == {
        "id": IsStr,
        "at": IsDatetime(iso_string=True),
        "project": each_api.project,
        "actor": IsStr(regex=r"key:[a-z2-7]{16}"),
        "action": "key.create",
        "target": f"key:{made['id']}",
        "address": "127.0.0.1",
        "details": {"role": "worker", "name": "gpu-7"},
    }
    each_api.ask("DELETE", f"/v1/keys/{made['id']}")
    assert trail(each_api)[-1] == IsPartialDict(
        actor=me, action="key.revoke", target=f"key:{made['id']}"
    )


def test_what_operators_do_to_tasks_is_told(each_api: Api) -> None:
    each_api.create("a")
    each_api.create("b", "c")
    each_api.post("/v1/tasks/a/cancel")
    each_api.post("/v1/tasks/a/retry")
    each_api.problem("POST", "/v1/tasks/a/retry")
    each_api.ask("PATCH", "/v1/tasks/a", {"priority": 5})
    each_api.post("/v1/tasks/a/cancel")
    each_api.post("/v1/tasks/a/archive")
    each_api.post("/v1/tasks/a/restore")
    each_api.ask("DELETE", "/v1/tasks/a")
    assert actions(each_api, target="task:a") == [
        "task.create",
        "task.cancel",
        "task.retry",
        "task.change",
        "task.cancel",
        "task.archive",
        "task.restore",
        "task.delete",
    ]
    both = next(row for row in trail(each_api) if row["details"])
    assert (both["target"], both["details"]) == (None, {"tasks": 2, "ids": ["b", "c"]})


def test_what_is_asked_twice_is_told_once(each_api: Api) -> None:
    again = {"Idempotency-Key": "k"}
    for _ in range(2):
        each_api.post("/v1/tasks", {"id": "a"}, headers=again)
        each_api.post("/v1/jobs", {"id": "j"}, headers=again | {"Idempotency-Key": "j"})
    assert actions(each_api) == ["task.create", "job.create"]


def test_what_is_refused_is_not_told_as_done(api: Api) -> None:
    api.create("a")
    api.ask("DELETE", "/v1/tasks/a")
    api.problem("POST", "/v1/tasks/b/cancel")
    assert "task.cancel" not in actions(api)


def test_reports_are_in_the_log_of_their_task_and_not_in_the_trail(api: Api) -> None:
    api.report("a", state="running")
    assert actions(api) == []
    (event,) = api.get("/v1/tasks/a/events")["items"][-1:]
    assert event["actor"] == "tests"


def test_jobs_bulk_operations_sources_and_projects_are_told(api: Api) -> None:
    api.post("/v1/jobs", {"id": "j"})
    api.ask("PATCH", "/v1/jobs/j", {"name": "night"})
    api.ask("DELETE", "/v1/jobs/j")
    source = api.post("/v1/sources", {"name": "eu"})
    api.ask("DELETE", f"/v1/sources/{source['id']}")
    api.ask("PATCH", f"/v1/projects/{api.project}", {"unknown_tasks": "reject"})
    api.post("/v1/bulk", {"verb": "archive", "filter": {"kind": ["none"]}}, params={"wait": 20})
    assert actions(api) == [
        "job.create",
        "job.change",
        "job.delete",
        "source.create",
        "source.revoke",
        "project.change",
        "bulk.archive",
    ]


def test_hooks_and_steering_are_told(each_api: Api) -> None:
    hook = each_api.post("/v1/hooks", {"url": "https://example.org/h?k=planted", "name": "pager"})
    path = f"/v1/hooks/{hook['id']}"
    told(each_api.ask("PATCH", path, {"state": "disabled"}))
    each_api.post(f"{path}/rotate", {})
    each_api.post(f"{path}/redeliver", {})
    told(each_api.ask("DELETE", path))
    source = each_api.post("/v1/sources", {"name": "eu"})["id"]
    told(each_api.ask("PUT", f"/v1/sources/{source}/incoming", {"scheme": "github"}))
    told(each_api.ask("PATCH", "/v1/queues/gpu", {"state": "paused"}))
    each_api.post("/v1/claims", {"worker": "w", "queues": ["gpu"]})
    told(each_api.ask("PATCH", "/v1/workers/w", {"state": "draining"}))
    told(each_api.ask("PUT", "/v1/kinds/train", {"attempts_max": 3}))
    told(each_api.ask("DELETE", "/v1/kinds/train"))
    told(each_api.ask("PUT", "/v1/limits/team", {"running_max": 2}))
    told(each_api.ask("DELETE", "/v1/limits/team"))
    each_api.problem("DELETE", "/v1/limits/team")
    found = [(row["action"], row["target"]) for row in trail(each_api)]
    name = f"hook:{hook['id']}"
    assert found == [
        ("hook.create", name),
        ("hook.change", name),
        ("hook.rotate", name),
        ("hook.redeliver", name),
        ("hook.delete", name),
        ("source.create", f"source:{source}"),
        ("source.change", f"source:{source}"),
        ("queue.change", "queue:gpu"),
        ("worker.change", "worker:w"),
        ("kind.change", "kind:train"),
        ("kind.delete", "kind:train"),
        ("limit.change", "limit:team"),
        ("limit.delete", "limit:team"),
    ]
    assert "planted" not in str(trail(each_api))


def test_what_users_do_and_what_is_tried_in_their_name_is_told(api: Api) -> None:
    ada = person(api)
    ada.refused()
    tokens = ada.login()
    with ada.signed_in(tokens) as mine:
        mine.create("a")
        mine.ask("POST", "/v1/logout")
    told(api.ask("PATCH", f"/v1/users/{ada.name}", {"role": "viewer", "password": PASSWORD * 2}))
    found = trail(api)
    assert [row["action"] for row in found] == [
        "user.create",
        "login.refused",
        "login",
        "task.create",
        "logout",
        "user.change",
    ]
    assert [row["actor"] for row in found[1:5]] == ["nobody", *[f"user:{ada.name}"] * 3]
    assert found[1]["target"] == f"user:{ada.name}"
    assert found[-1]["details"] == {"changed": ["password", "role"], "role": "viewer"}


def test_a_stolen_refresh_token_is_told(api: Api) -> None:
    ada = person(api)
    tokens = ada.login()
    ada.refresh(tokens)
    ada.refresh(tokens)
    assert actions(api, actor=f"user:{ada.name}") == ["login", "login.token_reused"]


def test_the_trail_is_asked_by_actor_action_target_and_time(api: Api) -> None:
    made = api.post("/v1/keys", {"role": "viewer"})
    api.ask("DELETE", f"/v1/keys/{made['id']}")
    api.post("/v1/jobs", {})
    assert actions(api, action="key.*") == ["key.create", "key.revoke"]
    assert actions(api, action="key.revoke") == ["key.revoke"]
    assert actions(api, actor="user:nobody") == []
    last = trail(api)[-1]["at"]
    assert actions(api, since=last) == ["job.create"]
    assert actions(api, until=last) == ["key.create", "key.revoke"]


def test_the_trail_comes_in_pages_newest_first(api: Api) -> None:
    for _ in range(3):
        api.post("/v1/jobs", {})
    first = api.get("/v1/audit", limit=2, action="job.*")
    rest = api.get("/v1/audit", limit=2, action="job.*", cursor=first["next_cursor"])
    ids = [row["id"] for row in first["items"] + rest["items"]]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert api.problem("GET", "/v1/audit?cursor=nonsense")["status"] == 400


def test_admins_read_their_own_projects_trail(api: Api) -> None:
    api.post("/v1/jobs", {})
    with api.as_role("operator") as operator:
        assert operator.problem("GET", "/v1/audit")["code"] == "forbidden"
    with api.server.client(api.server.key(project="elsewhere")) as client:
        other = Api(api.server, "elsewhere", client)
        assert other.problem("GET", f"/v1/audit?project={api.project}")["status"] == 403
        assert actions(other) == []
    with api.server.client(api.server.key()) as client:
        root = Api(api.server, "default", client)
        assert actions(root, project=api.project) == ["job.create"]


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_trail(database_url: str, change: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    row = dict.fromkeys(("id", "project", "actor", "action", "details"), "x") | {"at": 1}
    with engine.begin() as connection:
        connection.execute(t.audit.insert().values(row))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(change))
    with engine.begin() as connection:
        assert connection.execute(sa.select(t.audit.c.actor)).scalar_one() == "x"
    engine.dispose()
