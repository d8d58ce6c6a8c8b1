"""Every call by every role and from another project: who may do what is one table.

The table is made from what the calls themselves promise, so a new call is in it from the start.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from threading import Event
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide

from farwork.http.openapi import Route, routes_of
from farwork.http.server import native_routers
from farwork.service.access import Role
from tests.native.api import Api, fresh_project, path_of
from tests.support.server import Server

NUMBERS = count(1)


def native_app() -> Litestar:
    """The routes of the native API, without anything behind them."""
    nothing = Provide(lambda: None, sync_to_thread=False)
    return Litestar(native_routers(), dependencies={"context": nothing}, openapi_config=None)


APP = native_app()
ROUTES = list(routes_of(APP))
GUARDED = [route for route in ROUTES if route.call.needs is not None]


@dataclass(frozen=True)
class House:
    """A project with one of everything in it, a client a role, and a client of another project."""

    api: Api
    clients: dict[str, httpx.Client]
    foreign: httpx.Client

    def filled(self, route: Route) -> str:
        """The path of a route, to fresh things that are there and ready for it."""
        makers = dict(MAKERS)
        if "{delivery_id}" in route.path:
            self.api.post("/v1/tasks", {})
            makers["hook_id"] = _hook_with_delivery
        if "{index}" in route.path:
            makers["task_id"] = _task_with_shards
            makers["index"] = lambda _api: "0" if route.call.id == "retryTaskShard" else "1"
        return route.path.format(
            **{name: make(self.api) for name, make in makers.items() if f"{{{name}}}" in route.path}
        )


def _task(api: Api) -> str:
    """A task that takes any verb but submit: it ended, and another end came late."""
    task_id = f"task-{next(NUMBERS)}"
    api.create(task_id)
    api.post(f"{path_of(task_id)}/cancel")
    api.report(task_id, state="succeeded", delivery_id="late")
    return task_id


def _task_with_shards(api: Api) -> str:
    """A task of whose two shards the first has failed."""
    task_id = f"task-{next(NUMBERS)}"
    api.create(task_id, shards=[{"index": 0}, {"index": 1}])
    api.report(task_id, shard={"index": 0, "state": "failed"})
    return task_id


def _job(api: Api) -> str:
    made: dict[str, str] = api.post("/v1/jobs", {})
    return made["id"]


def _key(api: Api) -> str:
    made: dict[str, str] = api.post("/v1/keys", {"role": "viewer"})
    return made["id"]


def _source(api: Api) -> str:
    made: dict[str, str] = api.post("/v1/sources", {"name": "eu"})
    return made["id"]


def _sending(api: Api) -> str:
    """A sending of the source that was made last."""
    newest = api.get("/v1/sources", limit=500)["items"][-1]["id"]
    api.post(f"/v1/sources/{newest}/events", {"task_id": f"sent-{next(NUMBERS)}"})
    found: str = api.get(f"/v1/sources/{newest}/sendings")["items"][0]["id"]
    return found


def _operation(api: Api) -> str:
    said = {"verb": "archive", "filter": {"kind": ["none"]}}
    made: dict[str, str] = api.post("/v1/bulk", said, params={"wait": 20})
    return made["id"]


HOOK = {"url": "http://hooks.invalid/"}


def _hook(api: Api) -> str:
    made: dict[str, str] = api.post("/v1/hooks", HOOK)
    return made["id"]


def _hook_with_delivery(api: Api) -> str:
    made: dict[str, str] = api.post("/v1/hooks", HOOK | {"after": 0})
    pause = Event()
    while not api.get(f"/v1/hooks/{made['id']}/deliveries")["items"]:
        pause.wait(0.05)
    return made["id"]


def _first_event(api: Api) -> str:
    found: str = str(api.get("/v1/feed", limit=1)["items"][0]["id"])
    return found


def _user(api: Api) -> str:
    name = f"user-{next(NUMBERS)}"
    api.post("/v1/users", {"name": name, "role": "viewer"})
    return name


def _session(_api: Api) -> str:
    return "never-begun"


def _project(api: Api) -> str:
    return api.project


def _queue(api: Api) -> str:
    name = f"queue-{next(NUMBERS)}"
    api.create(f"in-{name}", queue=name)
    return name


def _worker(api: Api) -> str:
    name = f"worker-{next(NUMBERS)}"
    api.post("/v1/claims", {"worker": name, "queues": ["none"]})
    return name


def _kind(api: Api) -> str:
    name = f"kind-{next(NUMBERS)}"
    assert api.ask("PUT", f"/v1/kinds/{name}", {}).is_success
    return name


def _label(api: Api) -> str:
    name = f"label-{next(NUMBERS)}"
    assert api.ask("PUT", f"/v1/limits/{name}", {"running_max": 9}).is_success
    return name


MAKERS = {
    "task_id": _task,
    "job_id": _job,
    "key_id": _key,
    "source_id": _source,
    "sending_id": _sending,
    "operation_id": _operation,
    "project_id": _project,
    "queue": _queue,
    "worker": _worker,
    "kind": _kind,
    "label": _label,
    "hook_id": _hook,
    "delivery_id": _first_event,
    "user_name": _user,
    "session_id": _session,
}

BODIES: dict[str, Any] = {
    "createTasks": {"job_id": "j"},
    "takeReports": {"task_id": "reported"},
    "createKey": {"role": "viewer"},
    "createProject": {"id": "never-made"},
    "createUser": {"name": "made-once", "role": "viewer"},
    "createSource": {"name": "eu"},
    "createHook": HOOK,
    "takeEvents": {"task_id": "sent"},
    "tryMapping": {"body": {"task_id": "tried"}},
    "claimTasks": {"worker": "w", "queues": ["none"]},
    "renewLeases": {"worker": "w"},
    "completeLeases": {"leases": [{"task_id": "nobody", "lease_seq": 1}]},
    "failLeases": {"leases": [{"task_id": "nobody", "lease_seq": 1}]},
    "handBackLeases": {"leases": [{"task_id": "nobody", "lease_seq": 1}]},
    "noteSubmission": {"task_id": "nobody", "lease_seq": 1, "platform": "p"},
    "reconcile": {"platform": "p", "jobs": [{"external_ref": "none"}]},
    "changeWorker": {"state": "active"},
    "setLimit": {"running_max": 1},
    "changePassword": {"present": "what it was before", "new": "what it shall be"},
    "bulk": {"verb": "archive", "filter": {"kind": ["none"]}},
    "addTaskShards": {"shards": [{"index": 0}], "lease_seq": 1},
    "holdTask": {"reason": "case 17"},
    "setRetention": {"kind": "none", "delete_after_seconds": "never"},
}
AT_ONCE = {
    "waitForTask": {"wait": "0"},
    "readFeed": {"wait": "0"},
    "streamFeed": {"seconds": "0"},
}
# What the default project's admins alone may do, and what a task must not have been through.
ELSEWHERE = {
    "createProject": 403,
    "submitTask": 409,
    "changePassword": 403,
    "endOneSession": 404,
    "noteSubmission": 404,
    "addTaskShards": 409,
    "deleteRetention": 404,
}
# Lists and the like: they speak of the caller's own project whichever that is.
# What is set by name is made by setting it, in the caller's own project.
OWN = {route.call.id for route in GUARDED if "{" not in route.path} | {
    *("changeQueue", "setKind", "setLimit")
}


@pytest.fixture(scope="module")
def house(server: Server) -> Iterator[House]:
    with ExitStack() as stack:
        api = stack.enter_context(fresh_project(server))
        other = stack.enter_context(fresh_project(server))
        clients = {
            role.word: stack.enter_context(server.client(server.key(role.word, api.project)))
            for role in Role
        }
        yield House(api, clients, other.client)


def ask(client: httpx.Client, route: Route, path: str) -> httpx.Response:
    said = None
    if route.call.body is not None:
        said = BODIES.get(route.call.id, {})
    query = AT_ONCE.get(route.call.id)
    return client.request(route.method.upper(), path, json=said, params=query)


def named(route: Route) -> str:
    return route.call.id


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_a_call_is_open_to_its_role_and_to_those_above_it_alone(house: House, route: Route) -> None:
    found: dict[str, int] = {}
    wanted: dict[str, int] = {}
    needs = route.call.needs
    assert needs is not None
    for role in Role:
        # Something fresh for each: what a verb did to one task must not refuse it to the next.
        path = house.filled(route)
        found[role.word] = ask(house.clients[role.word], route, path).status_code
        granted = ELSEWHERE.get(route.call.id, route.call.status)
        wanted[role.word] = granted if role >= needs else 403
    if route.call.id == "bulk":
        found = {role: 202 if status == 200 else status for role, status in found.items()}
    assert found == wanted


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_a_call_without_a_key_or_with_a_wrong_one_is_refused(house: House, route: Route) -> None:
    path = house.filled(route)
    with house.api.server.client() as nobody, house.api.server.client("fw_no_such") as stranger:
        assert [ask(one, route, path).status_code for one in (nobody, stranger)] == [401, 401]


@pytest.mark.parametrize("route", [r for r in GUARDED if r.call.id not in OWN], ids=named)
def test_an_admin_of_another_project_finds_nothing_there(house: House, route: Route) -> None:
    assert ask(house.foreign, route, house.filled(route)).status_code == 404


OPEN = [r for r in ROUTES if r.call.needs is None]


@pytest.mark.parametrize("route", [r for r in OPEN if r.method == "get"], ids=named)
def test_health_is_told_to_everybody(house: House, route: Route) -> None:
    with house.api.server.client() as nobody:
        assert ask(nobody, route, route.path).status_code == 200


def test_lists_show_the_callers_own_project_only(house: House) -> None:
    for path in (
        "/v1/tasks?archived=any",
        "/v1/jobs",
        "/v1/sources",
        "/v1/operations",
        "/v1/hooks",
        "/v1/users",
    ):
        assert house.foreign.get(path).json()["items"] == []
    assert house.foreign.get("/v1/counts").json()["total"] == 0
    assert house.foreign.get("/v1/feed").json()["items"] == []


def test_a_worker_creates_tasks_in_jobs_only(house: House) -> None:
    worker = house.clients["worker"]
    assert worker.post("/v1/tasks", json={"job_id": "j"}).status_code == 201
    refused = worker.post("/v1/tasks", json=[{"job_id": "j"}, {}])
    assert refused.status_code == 403
    assert refused.json()["detail"] == (
        "This needs the role operator; this caller has the role worker."
    )


def test_every_call_of_the_api_promises_what_it_does() -> None:
    described = {route.path for route in ROUTES}
    assert {route.path_format for route in APP.routes} - described == set()


def test_an_id_is_quoted_as_paths_want_it() -> None:
    assert path_of("a/b") == f"/v1/tasks/{quote('a/b', safe='')}" == "/v1/tasks/a%2Fb"
