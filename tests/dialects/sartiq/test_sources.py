"""`/v1/sources`: an admin registers, lists and revokes who may sign."""

import re
from base64 import b64decode

import httpx
import pytest

from farwork.service.sources import SOURCES_LIVE_MAX
from farwork.storage.engine import open_engine
from tests.support.server import Server


def test_a_new_source_shows_its_secret_once(client: httpx.Client) -> None:
    response = client.post("/v1/sources", json={"name": "farm"})
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    source = response.json()
    secret = source.pop("secret")
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", source["id"])
    assert (source["project"], source["name"], source["revoked_at"]) == ("default", "farm", None)
    assert source in client.get("/v1/sources", params={"limit": 500}).json()["items"]


def test_two_sources_may_have_one_name_and_never_one_secret(client: httpx.Client) -> None:
    made = [client.post("/v1/sources", json={"name": "twin"}).json() for _ in range(2)]
    assert len({one["id"] for one in made}) == len({one["secret"] for one in made}) == 2


def test_an_idempotency_key_stores_no_secret(client: httpx.Client) -> None:
    headers = {"idempotency-key": "k"}
    made = [client.post("/v1/sources", json={"name": "x"}, headers=headers) for _ in range(2)]
    assert made[0].json()["id"] != made[1].json()["id"]


def test_a_list_comes_in_pages_oldest_first(server: Server) -> None:
    with server.client(server.key(project="pages")) as client:
        ids = [client.post("/v1/sources", json={"name": f"s{n}"}).json()["id"] for n in range(5)]
        client.delete(f"/v1/sources/{ids[1]}")
        seen, query = [], {"limit": "2"}
        while True:
            page = client.get("/v1/sources", params=query)
            seen += page.json()["items"]
            cursor = page.json()["next_cursor"]
            assert (cursor is not None) == ("link" in page.headers)
            if cursor is None:
                break
            query["cursor"] = cursor
    assert [one["id"] for one in seen] == ids
    assert [one["revoked_at"] is None for one in seen] == [True, False, True, True, True]


@pytest.mark.parametrize("cursor", ["nonsense", "\0", "a" * 36])
def test_a_cursor_that_is_none_is_refused(client: httpx.Client, cursor: str) -> None:
    response = client.get("/v1/sources", params={"cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "query:cursor")


def test_a_project_sees_and_revokes_its_own_sources_only(
    server: Server, client: httpx.Client
) -> None:
    source_id = client.post("/v1/sources", json={"name": "mine"}).json()["id"]
    with server.client(server.key(project="strangers")) as stranger:
        assert stranger.get("/v1/sources").json()["items"] == []
        assert stranger.delete(f"/v1/sources/{source_id}").status_code == 404
    assert client.delete(f"/v1/sources/{source_id}").status_code == 204


@pytest.mark.parametrize("source_id", ["nobody", "0" * 36, "01a2014a-4b0b-7f2e-b93e-49e9299ec932"])
def test_what_is_not_there_cannot_be_revoked(client: httpx.Client, source_id: str) -> None:
    response = client.delete(f"/v1/sources/{source_id}")
    assert (response.status_code, response.json()["code"]) == (404, "source_not_found")


@pytest.mark.parametrize("role", ["viewer", "worker", "operator"])
def test_only_an_admin_has_to_do_with_sources(server: Server, role: str) -> None:
    with server.client(server.key(role)) as client:
        answers = [
            client.post("/v1/sources", json={"name": "x"}),
            client.get("/v1/sources"),
            client.delete("/v1/sources/x"),
        ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_without_a_key_there_are_no_sources(server: Server) -> None:
    with server.client() as stranger:
        assert stranger.get("/v1/sources").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": 5},
        {"name": "a\n"},
        {"name": "x", "secret": "y"},
        [],
    ],
)
def test_a_malformed_source_is_refused(client: httpx.Client, body: object) -> None:
    response = client.post("/v1/sources", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_body")


def test_there_is_a_bound_on_live_sources(open_server: Server) -> None:
    engine = open_engine(open_server.database)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sources (id, project, name, secret, created_at) VALUES (?, ?, ?, ?, 0)",
            [(f"many-{n}", "default", "many", b"\0") for n in range(SOURCES_LIVE_MAX)],
        )
    engine.dispose()
    with open_server.client() as anybody:
        response = anybody.post("/v1/sources", json={"name": "one too many"})
    assert (response.status_code, response.json()["code"]) == (409, "too_many_sources")
