"""Signing in as ScanHub's page and managers do it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dialects.scanhub.lab import BASE, PATIENT
from tests.support.server import Server, serving

LOGIN = "/api/v1/userlogin"
PASSWORD = "maxmaxmaxmax and more"
FIRST = {
    "username": "Max", "first_name": "Maximilian", "last_name": "Muster", "email": None,
    "role": "admin", "access_token": PASSWORD, "token_type": "password",
    "last_activity_unixtime": None, "last_login_unixtime": None,
}  # fmt: skip
KEYS = set(FIRST)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose first user was made in ScanHub's way."""
    folder: Path = tmp_path_factory.mktemp("clinic")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as server:
        with server.client() as http:
            assert http.get(f"{LOGIN}/checknousers").json() is True
            refused = http.post(
                f"{LOGIN}/createfirstuser", content=json.dumps(FIRST | {"role": "medical"})
            )
            assert refused.status_code == 400
            made = http.post(f"{LOGIN}/createfirstuser", content=json.dumps(FIRST))
            assert made.status_code == 201, made.text
            assert made.json().keys() == KEYS
            assert PASSWORD not in made.text
        yield server


@pytest.fixture
def http(clinic: Server) -> Iterator[httpx.Client]:
    with clinic.client() as opened:
        yield opened


def signed_in(http: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    return http.post(f"{LOGIN}/login", data={"username": "Max", "password": password})


def bearer(token: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_first_user_is_made_once(http: httpx.Client) -> None:
    assert http.get(f"{LOGIN}/checknousers").json() is False
    assert http.post(f"{LOGIN}/createfirstuser", content=json.dumps(FIRST)).status_code == 403


def test_on_a_server_in_use_the_first_user_needs_the_key_of_everybodys_admin(
    tmp_path: Path,
) -> None:
    with serving(f"sqlite:///{tmp_path / 'farwork.db'}", tmp_path) as server:
        key, operator = server.key(), server.key("operator")
        with server.client(key) as admin, server.client() as stranger:
            other = admin.post("/v1/projects", json={"id": "other"})
            assert other.status_code == 201

            def asked(**headers: str) -> int:
                raw = json.dumps(FIRST)
                return stranger.post(
                    f"{LOGIN}/createfirstuser", content=raw, headers=headers
                ).status_code

            assert asked() == 403
            assert asked(**bearer("fw_nonsense")) == 401
            assert asked(**bearer(operator)) == 403
            assert asked(**bearer(server.key(project="other"))) == 403
            assert stranger.get(f"{LOGIN}/checknousers").json() is True
            assert asked(**bearer(key)) == 201
            # It stays so when the last user goes.
            assert admin.delete("/v1/users/Max").status_code == 204
            assert asked() == 403


def test_who_signs_in_gets_a_token_that_works_everywhere(http: httpx.Client) -> None:
    done = signed_in(http)
    assert done.status_code == 200
    user = done.json()
    assert user.keys() == KEYS
    assert (user["username"], user["first_name"], user["role"]) == ("Max", "Maximilian", "admin")
    assert user["token_type"] == "bearer"
    headers = bearer(user["access_token"])
    assert http.get(f"{BASE}/all/{PATIENT}", headers=headers).status_code == 200
    assert http.get("/v1/me", headers=headers).json()["name"] == "Max"
    shown = http.get(f"{LOGIN}/getcurrentuser", headers=headers).json()
    assert (shown["username"], shown["access_token"], shown["token_type"]) == ("Max", "", "")
    template = {"name": "n", "status": "NEW", "is_template": True}
    made = http.post(f"{BASE}/new", headers=headers, content=json.dumps(template))
    assert made.json()["creator"] == "Max"


def test_the_cookie_signs_in_again_and_serves_nothing_else(http: httpx.Client) -> None:
    cookie = signed_in(http).headers["set-cookie"]
    for said in ("HttpOnly", "SameSite=Strict", "Secure", f"Path={LOGIN}/loginfromcookie"):
        assert said in cookie
    token = cookie.partition(";")[0]
    done = http.post(f"{LOGIN}/loginfromcookie", headers={"Cookie": token})
    assert f"access_token={done.json()['access_token']}" == token
    assert http.post(f"{LOGIN}/loginfromcookie").status_code == 401
    assert http.get(f"{BASE}/all/{PATIENT}", headers={"Cookie": token}).status_code == 401


def test_a_page_of_another_site_signs_nobody_in(http: httpx.Client) -> None:
    form = {"username": "Max", "password": PASSWORD}
    done = http.post(f"{LOGIN}/login", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert (done.status_code, "set-cookie" in done.headers) == (403, False)


def test_a_token_is_worthless_after_its_logout_and_others_go_on(http: httpx.Client) -> None:
    one, other = (bearer(signed_in(http).json()["access_token"]) for _ in range(2))
    done = http.post(f"{LOGIN}/logout", headers=one)
    assert (done.status_code, done.json()) == (200, None)
    assert http.get(f"{LOGIN}/getcurrentuser", headers=one).status_code == 401
    assert http.get(f"{LOGIN}/getcurrentuser", headers=other).status_code == 200


def test_a_wrong_password_and_a_missing_field_are_told_apart(http: httpx.Client) -> None:
    done = signed_in(http, "wrong wrong wrong")
    assert (done.status_code, done.headers["www-authenticate"]) == (401, "Bearer")
    missing = http.post(f"{LOGIN}/login", data={"username": "Max"})
    assert missing.status_code == 422
    (told,) = missing.json()["detail"]
    assert (told["type"], told["loc"]) == ("missing", ["body", "password"])


def test_nobody_is_a_401_and_an_api_key_is_shown_as_a_user(
    http: httpx.Client, clinic: Server
) -> None:
    assert http.get(f"{LOGIN}/getcurrentuser").status_code == 401
    with clinic.client(clinic.key("operator", name="device-manager")) as program:
        shown = program.get(f"{LOGIN}/getcurrentuser").json()
    assert (shown["username"], shown["role"]) == ("device-manager", "medical")
    assert shown.keys() == KEYS
