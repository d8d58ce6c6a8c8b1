"""Hooks as their owners meet them: over HTTP, and from a shell."""

from collections.abc import Iterator

import pytest
from dirty_equals import IsPartialDict, IsStr

from tests.cli.conftest import Shell
from tests.hooks.receiver import SECRET, Receiver
from tests.native.api import Api, fresh_project
from tests.support.postgres import Databases
from tests.support.server import Server, serving

ALLOWED = {"hook_targets_allowed": "127.0.0.1"}


@pytest.fixture(scope="session")
def hook_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may send to this machine."""
    folder = tmp_path_factory.mktemp("hooks")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, **ALLOWED) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_hook_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Two processes, one of which does the sending."""
    folder = tmp_path_factory.mktemp("hooks-postgres")
    with (
        postgres_databases.fresh() as url,
        serving(url, folder, "--processes", "2", **ALLOWED) as running,
    ):
        yield running


@pytest.fixture(
    params=["hook_server", pytest.param("postgres_hook_server", marks=pytest.mark.postgres)]
)
def each_api(request: pytest.FixtureRequest) -> Iterator[Api]:
    running: Server = request.getfixturevalue(request.param)
    with fresh_project(running) as opened:
        yield opened


@pytest.fixture
def api(hook_server: Server) -> Iterator[Api]:
    with fresh_project(hook_server) as opened:
        yield opened


def test_a_receiver_hears_of_everything_once_it_is_a_hook(
    each_api: Api, receiver: Receiver
) -> None:
    said = {"url": receiver.url, "secret": SECRET, "filter": {"labels": {"team": "x"}}}
    made = each_api.post("/v1/hooks", said)
    each_api.create("mine", labels={"team": "x"})
    each_api.create("theirs")
    each_api.report("mine", state="succeeded")
    messages = receiver.wait(2)
    assert receiver.told == [("task.created", "mine"), ("task.reported", "mine")]
    assert all(one.is_signed for one in messages)
    feed = each_api.get("/v1/feed", task="mine")["items"]
    assert [one.data for one in messages] == feed
    shown = each_api.get(f"/v1/hooks/{made['id']}")
    assert "secret" not in shown


def test_a_secret_is_made_and_shown_once(api: Api, receiver: Receiver) -> None:
    response = api.ask("POST", "/v1/hooks", {"url": receiver.url})
    made = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert made["secret"].startswith("whsec_")
    receiver.secret = made["secret"]
    tried = api.post(f"/v1/hooks/{made['id']}/test")
    assert tried == IsPartialDict(ok=True, status=204, error=None)
    (message,) = receiver.messages
    assert message.is_signed
    assert message.data["type"] == "hook.test"
    turned = api.post(f"/v1/hooks/{made['id']}/rotate", {"keep_seconds": 0})
    assert turned["secret"] != made["secret"]
    receiver.secret = turned["secret"]
    api.post(f"/v1/hooks/{made['id']}/test")
    assert receiver.messages[1].is_signed


def test_everything_that_is_wrong_with_a_hook_is_named(api: Api) -> None:
    said = {"url": "http://10.0.0.1/", "secret": "whsec_" + "A" * 33}
    problem = api.problem("POST", "/v1/hooks", said)
    assert [one["pointer"] for one in problem["errors"]] == ["/url", "/secret"]
    problem = api.problem("POST", "/v1/hooks", {"url": 1, "filter": {"kind": []}, "format": "x"})
    pointers = {one["pointer"] for one in problem["errors"]}
    assert pointers == {"/url", "/filter/kind", "/format"}


def test_everything_that_is_wrong_with_a_callback_is_named(api: Api, receiver: Receiver) -> None:
    said = [{"callback": {"url": receiver.url}}, {"callback": {"url": "ftp://x", "token": "t"}}]
    problem = api.problem("POST", "/v1/tasks", said)
    assert [one["pointer"] for one in problem["errors"]] == ["/0/callback", "/1/callback/url"]


def test_a_callback_is_told_of_the_end(each_api: Api, receiver: Receiver) -> None:
    each_api.create("t", callback={"url": receiver.url, "secret": SECRET})
    each_api.report("t", state="failed", error={"message": "no"})
    (message,) = receiver.wait(1)
    assert message.is_signed
    assert message.data["state"] == {"from": "queued", "to": "failed"}
    (hook,) = each_api.get("/v1/hooks", task="t")["items"]
    assert hook == IsPartialDict(task_only=True, url=receiver.url)
    assert each_api.get("/v1/hooks")["items"] == []


def test_a_hook_is_changed_as_it_was_read(api: Api, receiver: Receiver) -> None:
    made = api.ask("POST", "/v1/hooks", {"url": receiver.url})
    path, tag = f"/v1/hooks/{made.json()['id']}", made.headers["etag"]
    changed = api.ask("PATCH", path, {"state": "disabled"}, headers={"If-Match": tag})
    assert changed.json() == IsPartialDict(state="disabled", reason="asked", version=2)
    problem = api.problem("PATCH", path, {"name": "x"}, headers={"If-Match": tag})
    assert (problem["status"], problem["code"]) == (412, "version_mismatch")
    assert api.ask("DELETE", path, headers={"If-Match": tag}).status_code == 412
    assert api.ask("DELETE", path).status_code == 204
    assert api.problem("GET", path)["code"] == "hook_not_found"


def test_deliveries_are_listed_latest_first_page_by_page(api: Api, receiver: Receiver) -> None:
    made = api.post("/v1/hooks", {"url": receiver.url})
    api.create("a", "b", "c")
    receiver.wait(3)
    path = f"/v1/hooks/{made['id']}/deliveries"
    first = api.get(path, limit=2)
    second = api.get(path, limit=2, cursor=first["next_cursor"])
    found = [one["subject"] for one in first["items"] + second["items"]]
    assert (found, second["next_cursor"]) == (["c", "b", "a"], None)
    delivery = api.get(f"{path}/{first['items'][0]['id']}")
    assert delivery["event"]["task_id"] == "c"
    assert api.problem("GET", f"{path}/0")["code"] == "delivery_not_found"
    assert api.problem("GET", f"{path}/x")["code"] == "delivery_not_found"


def test_hooks_from_a_shell(hook_server: Server, receiver: Receiver) -> None:
    with fresh_project(hook_server) as api:
        key = api.client.headers["Authorization"].split()[1]
        farwork = Shell().with_settings(server=hook_server.url, key=key)
        done = farwork("hooks", "create", receiver.url, "--on", "end", "--name", "ends")
        hook_id, receiver.secret = done.out.split()
        assert farwork("hooks", "test", hook_id).code == 0
        api.create("t")
        api.report("t", state="succeeded")
        receiver.wait(2)
        (hook,) = farwork("hooks", "list", "--json").objects
        assert hook == IsPartialDict(id=hook_id, name="ends", state="active")
        assert farwork("hooks", "list").out == IsStr(regex=rf"(?s).*{hook_id} +active .*")
        (delivery,) = farwork("hooks", "deliveries", hook_id, "--json").objects
        assert delivery["subject"] == "t"
        assert "task.reported" in farwork("hooks", "deliveries", hook_id).out
        again = ["hooks", "redeliver", hook_id]
        assert farwork(*again, str(delivery["id"])).out == "1 made again.\n"
        assert receiver.wait(3)[2].headers["webhook-id"] == delivery["webhook_id"]
        assert farwork(*again).out == "0 made again.\n"
        receiver.answers = [500]
        failed = farwork("hooks", "test", hook_id)
        assert (failed.code, failed.err) == (1, "farwork: The receiver answered 500.\n")
        assert farwork("hooks", "disable", hook_id).out == f"{hook_id} is disabled.\n"
        assert "disabled (asked)" in farwork("hooks", "get", hook_id).out
        assert farwork("hooks", "enable", hook_id).out == f"{hook_id} is active.\n"
        assert farwork("hooks", "rotate", hook_id, "--keep", "1h").out.startswith("whsec_")
        assert farwork("hooks", "delete", hook_id).out == f"{hook_id} is removed.\n"
        assert "there is no hook" in farwork("hooks", "list").err
