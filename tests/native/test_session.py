"""The session cookie of the UI: what sets it, what it opens, and what keeps other pages out."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from dirty_equals import IsPartialDict, IsStr

from tests.native.api import Api, problem_of, told
from tests.native.test_login import PASSWORD, Person, person


@dataclass(frozen=True)
class Browser:
    """A browser on our page: it keeps the cookie, and the page has the token."""

    client: httpx.Client
    csrf: str

    def change(self, method: str = "POST", path: str = "/v1/tasks", **headers: str) -> int:
        said = {"X-CSRF-Token": self.csrf} | {n.replace("_", "-"): v for n, v in headers.items()}
        kept = {name: value for name, value in said.items() if value}
        body = "{}" if method == "POST" else None
        return self.client.request(method, path, content=body, headers=kept).status_code


@pytest.fixture
def ada(api: Api) -> Person:
    return person(api)


@pytest.fixture
def browser(ada: Person) -> Iterator[Browser]:
    with ada.api.server.client() as client:
        said = {"name": ada.name, "password": PASSWORD}
        yield Browser(client, told(client.post("/v1/session", json=said))["csrf_token"])


def test_a_sign_in_sets_a_cookie_that_no_script_reads_and_no_other_site_sends(ada: Person) -> None:
    with ada.api.server.client() as client:
        said = {"name": ada.name, "password": PASSWORD}
        response = client.post("/v1/session", json=said)
        assert response.status_code == 201
        name, *attributes = response.headers["set-cookie"].split("; ")
        assert name == IsStr(regex=r"farwork_session=fws_[a-z2-7]{47}")
        assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
        assert told(response) == IsPartialDict(
            name=ada.name, kind="user", role="operator", csrf_token=IsStr(regex="[0-9a-f]{64}")
        )


def test_behind_https_the_cookie_is_secure(ada: Person) -> None:
    with ada.api.server.client() as client:
        host = str(client.base_url.netloc, "ascii")
        said = {"name": ada.name, "password": PASSWORD}
        response = client.post("/v1/session", json=said, headers={"Origin": f"https://{host}"})
        assert response.headers["set-cookie"].endswith("; Secure")


def test_the_cookie_opens_what_the_user_may(browser: Browser, ada: Person) -> None:
    assert told(browser.client.get("/v1/session"))["csrf_token"] == browser.csrf
    assert told(browser.client.get("/v1/me"))["name"] == ada.name
    assert browser.change() == 201
    assert browser.client.get("/v1/keys").status_code == 403


def test_a_change_needs_the_token_that_only_our_page_has(browser: Browser) -> None:
    assert browser.change(X_CSRF_Token="") == 403
    assert browser.change(X_CSRF_Token="0" * 64) == 403
    assert browser.client.get("/v1/tasks").status_code == 200


def test_a_request_of_another_page_is_refused_even_with_the_token(browser: Browser) -> None:
    assert browser.change(Origin="http://evil.example") == 403
    assert browser.change(Sec_Fetch_Site="same-site") == 403
    foreign = browser.client.get("/v1/session", headers={"Origin": "null"})
    assert problem_of(foreign)["code"] == "csrf_refused"
    assert browser.change(Origin=str(browser.client.base_url).rstrip("/")) == 201


def test_another_page_cannot_sign_anybody_in(ada: Person) -> None:
    with ada.api.server.client() as client:
        said = {"name": ada.name, "password": PASSWORD}
        headers = {"Origin": "http://evil.example"}
        assert client.post("/v1/session", json=said, headers=headers).status_code == 403


def test_signing_out_takes_the_cookie_away_and_makes_it_worthless(browser: Browser) -> None:
    stolen = dict(browser.client.cookies)
    assert browser.change("DELETE", "/v1/session") == 204
    assert not browser.client.cookies
    browser.client.cookies.update(stolen)
    assert browser.client.get("/v1/session").status_code == 401


def test_an_api_key_signs_in_too_and_the_cookie_is_not_the_key(api: Api) -> None:
    made = api.post("/v1/keys", {"role": "operator", "name": "ui"})
    with api.server.client() as client:
        shown = told(client.post("/v1/session", json={"key": made["key"]}))
        assert shown == IsPartialDict(name="ui", kind="key", role="operator", user=None)
        assert made["key"] not in str(dict(client.cookies))
        assert Browser(client, shown["csrf_token"]).change() == 201
        api.ask("DELETE", f"/v1/keys/{made['id']}")
        assert client.get("/v1/session").status_code == 401
        wrong = client.post("/v1/session", json={"key": made["key"]})
        assert problem_of(wrong)["code"] == "unauthenticated"


def test_a_sign_in_says_all_that_is_missing(api: Api) -> None:
    with api.server.client() as client:
        found = problem_of(client.post("/v1/session", json={}))
    assert [one["pointer"] for one in found["errors"]] == ["/name", "/password", "/key"]


def test_a_cookie_of_another_kind_is_nobody(api: Api) -> None:
    with api.server.client() as client:
        client.cookies.set("farwork_session", api.server.key())
        assert client.get("/v1/me").status_code == 401
