"""Users sign in, refresh, sign out, and change their passwords; guessing gets slower."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
from dirty_equals import IsDatetime, IsInt, IsPartialDict, IsStr

from tests.native.api import Api, problem_of, told

NUMBERS = count(1)
PASSWORD = "correct horse battery"
ANOTHER = "staple battery horse"


@dataclass(frozen=True)
class Person:
    """A user with a password, and how it signs in."""

    api: Api
    name: str

    def ask(self, **form: Any) -> httpx.Response:
        with self.api.server.client() as nobody:
            return nobody.post("/v1/login", data=form)

    def login(self, password: str | None = None) -> dict[str, Any]:
        form = {"username": self.name, "password": password or PASSWORD}
        tokens: dict[str, Any] = told(self.ask(grant_type="password", **form))
        return tokens

    def refused(self, password: str | None = None) -> dict[str, Any]:
        return problem_of(self.ask(username=self.name, password=password or "something else"))

    def refresh(self, tokens: dict[str, Any]) -> httpx.Response:
        return self.ask(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    @contextmanager
    def signed_in(self, tokens: dict[str, Any] | None = None) -> Generator[Api]:
        access = (tokens or self.login())["access_token"]
        with self.api.server.client(access) as client:
            yield Api(self.api.server, self.api.project, client)


@pytest.fixture
def ada(api: Api) -> Person:
    return person(api)


@pytest.fixture
def each_ada(each_api: Api) -> Person:
    """The same on both engines; on PostgreSQL either of two processes may answer."""
    return person(each_api)


def person(api: Api) -> Person:
    name = f"Ada.{api.project}.{next(NUMBERS)}"
    api.post("/v1/users", {"name": name, "role": "operator", "password": PASSWORD})
    return Person(api, name)


def opens(api: Api, token: str) -> bool:
    with api.server.client(token) as client:
        return client.get("/v1/me").status_code == 200


def test_a_login_gives_tokens_that_open_the_users_own_project(each_ada: Person) -> None:
    tokens = each_ada.login()
    assert tokens == {
        "access_token": IsStr(regex=r"fwa_[a-z2-7]{47}"),
        "token_type": "Bearer",
        "expires_in": IsInt(ge=890, le=900),
        "refresh_token": IsStr(regex=r"fwr_[a-z2-7]{47}"),
        "refresh_expires_in": IsInt(ge=14 * 86_400 - 10, le=14 * 86_400),
    }
    with each_ada.signed_in(tokens) as mine:
        mine.create("a")
        assert mine.task("a")["creator"] == each_ada.name
        assert mine.task("a")["project"] == each_ada.api.project
        assert mine.problem("GET", "/v1/users")["code"] == "forbidden"


def test_a_name_is_the_same_in_small_and_capital_letters(ada: Person) -> None:
    assert told(ada.ask(username=ada.name.upper(), password=PASSWORD))["token_type"] == "Bearer"
    found = ada.api.problem("POST", "/v1/users", {"name": ada.name.lower(), "role": "viewer"})
    assert (found["status"], found["code"]) == (409, "user_exists")


def test_answers_with_tokens_are_kept_nowhere_on_the_way(ada: Person) -> None:
    response = ada.ask(username=ada.name, password=PASSWORD)
    assert response.headers["cache-control"] == "no-store"


def test_a_wrong_name_and_a_wrong_password_cannot_be_told_apart(ada: Person) -> None:
    wrong = ada.refused()
    nobody = Person(ada.api, "nobody-of-this-name").refused()
    assert wrong == nobody
    assert (wrong["status"], wrong["code"]) == (401, "wrong_password")


def test_a_user_without_a_password_and_a_disabled_one_do_not_sign_in(ada: Person) -> None:
    ada.api.post("/v1/users", {"name": f"{ada.name}-robot", "role": "worker"})
    assert Person(ada.api, f"{ada.name}-robot").refused(PASSWORD)["code"] == "wrong_password"
    told(ada.api.ask("PATCH", f"/v1/users/{ada.name}", {"disabled": True}))
    assert ada.refused(PASSWORD)["code"] == "wrong_password"
    told(ada.api.ask("PATCH", f"/v1/users/{ada.name}", {"disabled": False}))
    assert ada.login()


def test_guessing_gets_slower_with_every_wrong_password(each_ada: Person) -> None:
    for _ in range(5):
        assert each_ada.refused()["code"] == "wrong_password"
    response = each_ada.ask(username=each_ada.name, password=PASSWORD)
    assert problem_of(response)["code"] == "locked_out"
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) == 1


def test_many_guesses_at_once_get_no_further_than_one_after_the_other(api: Api) -> None:
    ada = person(api)
    with api.server.client() as nobody:
        form = {"username": ada.name, "password": "not this one"}
        with ThreadPoolExecutor(12) as pool:
            sent = [pool.submit(nobody.post, "/v1/login", data=form) for _ in range(12)]
            found = sorted(one.result().status_code for one in sent)
    assert found.count(401) <= 6
    assert set(found) == {401, 429}


def test_a_name_that_nobody_has_is_locked_like_any_other(api: Api) -> None:
    nobody = Person(api, f"nobody-{next(NUMBERS)}")
    codes = [nobody.refused()["code"] for _ in range(6)]
    assert codes == ["wrong_password"] * 5 + ["locked_out"]


def test_a_right_password_begins_the_count_anew(ada: Person) -> None:
    for _ in range(3):
        for _ in range(3):
            ada.refused()
        ada.login()


def test_a_refresh_token_gives_the_next_pair_once(each_ada: Person) -> None:
    first = each_ada.login()
    second = told(each_ada.refresh(first))
    assert second["refresh_token"] != first["refresh_token"]
    assert opens(each_ada.api, first["access_token"])
    assert opens(each_ada.api, second["access_token"])


def test_a_refresh_token_that_is_used_twice_ends_the_session(each_ada: Person) -> None:
    first = each_ada.login()
    other = each_ada.login()
    second = told(each_ada.refresh(first))
    stolen = problem_of(each_ada.refresh(first))
    assert (stolen["status"], stolen["code"]) == (401, "refresh_refused")
    assert "used before" in stolen["detail"]
    assert not opens(each_ada.api, second["access_token"])
    assert problem_of(each_ada.refresh(second))["code"] == "refresh_refused"
    assert opens(each_ada.api, other["access_token"])


def test_what_is_no_refresh_token_refreshes_nothing(ada: Person) -> None:
    tokens = ada.login()
    for text in ("", "nonsense", tokens["access_token"], tokens["refresh_token"][:-1] + "!"):
        response = ada.ask(grant_type="refresh_token", refresh_token=text)
        assert response.status_code in (401, 422)
    assert opens(ada.api, tokens["access_token"])


def test_a_refresh_token_opens_nothing_itself(ada: Person) -> None:
    assert not opens(ada.api, ada.login()["refresh_token"])


def test_a_logout_makes_both_tokens_worthless_in_every_process(each_ada: Person) -> None:
    tokens, other = each_ada.login(), each_ada.login()
    assert opens(each_ada.api, tokens["access_token"])
    with each_ada.signed_in(tokens) as mine:
        assert mine.ask("POST", "/v1/logout").status_code == 204
    assert [opens(each_ada.api, tokens["access_token"]) for _ in range(20)] == [False] * 20
    assert problem_of(each_ada.refresh(tokens))["code"] == "refresh_refused"
    assert opens(each_ada.api, other["access_token"])


def test_a_user_changes_its_password_and_its_other_sessions_end(each_ada: Person) -> None:
    here, elsewhere = each_ada.login(), each_ada.login()
    with each_ada.signed_in(here) as mine:
        said = {"present": "wrong", "new": ANOTHER}
        assert mine.problem("POST", "/v1/me/password", said)["code"] == "wrong_password"
        said = {"present": PASSWORD, "new": "too short"}
        assert mine.problem("POST", "/v1/me/password", said)["code"] == "password_unfit"
        said = {"present": PASSWORD, "new": ANOTHER}
        assert mine.ask("POST", "/v1/me/password", said).status_code == 204
    assert opens(each_ada.api, here["access_token"])
    assert not opens(each_ada.api, elsewhere["access_token"])
    assert each_ada.refused(PASSWORD)["code"] == "wrong_password"
    assert each_ada.login(ANOTHER)


def test_a_user_sees_and_ends_its_own_sessions(ada: Person) -> None:
    here, elsewhere = ada.login(), ada.login()
    with ada.signed_in(here) as mine:
        found = mine.get("/v1/me/sessions")["items"]
        assert [one["is_this"] for one in found] == [True, False]
        assert found[0] == {
            "id": IsStr,
            "created_at": IsDatetime(iso_string=True),
            "last_used_at": IsDatetime(iso_string=True),
            "expires_at": IsDatetime(iso_string=True),
            "address": "127.0.0.1",
            "is_this": True,
        }
        path = f"/v1/me/sessions/{found[1]['id']}"
        assert mine.ask("DELETE", path).status_code == 204
        assert mine.problem("DELETE", path)["code"] == "session_not_found"
    assert not opens(ada.api, elsewhere["access_token"])


def test_an_admin_sees_users_but_nothing_secret(ada: Person) -> None:
    ada.login()
    found = ada.api.get(f"/v1/users/{ada.name}")
    assert found == {
        "name": ada.name,
        "project": ada.api.project,
        "role": "operator",
        "full_name": None,
        "email": None,
        "has_password": True,
        "created_at": IsDatetime(iso_string=True),
        "password_changed_at": IsDatetime(iso_string=True),
        "last_login_at": IsDatetime(iso_string=True),
        "disabled_at": None,
    }
    assert found in ada.api.get("/v1/users")["items"]


def test_users_are_listed_in_pages_by_name(api: Api) -> None:
    names = [f"{api.project}-{letter}" for letter in "CaBd"]
    for name in names:
        api.post("/v1/users", {"name": name, "role": "viewer"})
    first = api.get("/v1/users", limit=3)
    rest = api.get("/v1/users", limit=3, cursor=first["next_cursor"])
    listed = [user["name"] for user in first["items"] + rest["items"]]
    assert listed == sorted(names, key=str.lower)
    assert rest["next_cursor"] is None


def test_a_change_of_role_holds_at_once(each_ada: Person) -> None:
    with each_ada.signed_in() as mine:
        mine.create("a")
        each_ada.api.ask("PATCH", f"/v1/users/{each_ada.name}", {"role": "viewer"})
        assert [mine.problem("POST", "/v1/tasks", {})["code"] for _ in range(5)] == (
            ["forbidden"] * 5
        )


def test_a_disabled_or_deleted_user_is_out_at_once(each_ada: Person) -> None:
    tokens = each_ada.login()
    path = f"/v1/users/{each_ada.name}"
    told(each_ada.api.ask("PATCH", path, {"disabled": True}))
    assert [opens(each_ada.api, tokens["access_token"]) for _ in range(10)] == [False] * 10
    told(each_ada.api.ask("PATCH", path, {"disabled": False, "full_name": "Ada L."}))
    assert not opens(each_ada.api, tokens["access_token"]), "its sessions have ended"
    tokens = each_ada.login()
    assert each_ada.api.ask("DELETE", path).status_code == 204
    assert not opens(each_ada.api, tokens["access_token"])
    assert each_ada.api.problem("GET", path)["code"] == "user_not_found"


def test_users_of_other_projects_are_for_admins_of_the_default_project(ada: Person) -> None:
    with ada.api.server.client(ada.api.server.key(project="elsewhere")) as client:
        other = Api(ada.api.server, "elsewhere", client)
        assert other.problem("GET", f"/v1/users/{ada.name}")["code"] == "user_not_found"
        assert other.problem("GET", f"/v1/users?project={ada.api.project}")["status"] == 403
        said = {"name": "intruder", "role": "admin", "project": ada.api.project}
        assert other.problem("POST", "/v1/users", said)["status"] == 403
    with ada.api.server.client(ada.api.server.key()) as client:
        root = Api(ada.api.server, "default", client)
        assert root.get(f"/v1/users/{ada.name}")["project"] == ada.api.project
        names = [one["name"] for one in root.get("/v1/users", project=ada.api.project)["items"]]
        assert names == [ada.name]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12"),
        ("x" * 257, "at most 256"),
        ("aaaaaaaaaaaaaaaa", "again and again"),
        ("grace.hopper123", "little more than"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(api: Api, password: str, why: str) -> None:
    said = {"name": "grace.hopper", "role": "viewer", "password": password}
    found = api.problem("POST", "/v1/users", said)
    assert (found["status"], found["code"]) == (422, "password_unfit")
    assert why in found["detail"]
    assert password not in str(found) or password == "short"


def test_a_form_is_checked_and_nothing_of_it_is_told_back(ada: Person) -> None:
    found = problem_of(ada.ask(grant_type="client_credentials", client_secret="hidden"))
    assert found["errors"] == [
        {"pointer": "/grant_type", "detail": "is not one of those that are known here"}
    ]
    found = problem_of(ada.ask(grant_type="password"))
    assert [one["pointer"] for one in found["errors"]] == ["/username", "/password"]
    with ada.api.server.client() as nobody:
        assert problem_of(nobody.post("/v1/login", json={}))["status"] == 415
        twice = f"username={ada.name}&password=a&password=b"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        found = problem_of(nobody.post("/v1/login", content=twice, headers=headers))
        assert found["errors"] == [{"pointer": "/password", "detail": "is given more than once"}]


def test_everybody_can_ask_who_they_are(ada: Person) -> None:
    assert ada.api.get("/v1/me") == {
        "name": "tests",
        "kind": "key",
        "project": ada.api.project,
        "role": "admin",
        "user": None,
        "session_id": None,
        "csrf_token": None,
    }
    with ada.signed_in() as mine:
        assert mine.get("/v1/me") == IsPartialDict(
            name=ada.name, kind="user", role="operator", csrf_token=None
        )
