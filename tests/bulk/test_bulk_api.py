"""`POST /v1/bulk` and `/v1/operations` over HTTP."""

from typing import Any

import pytest

from farwork.service.access import Role
from tests.support.apps import Client, make_key, served

pytestmark = pytest.mark.anyio


async def create(client: Client, *ids: str, **fields: Any) -> None:
    response = await client.post("/v1/tasks", json=[{"id": id_} | fields for id_ in ids])
    assert response.status_code == 201, response.text


async def state_of(client: Client, task_id: str) -> Any:
    return (await client.get(f"/v1/tasks/{task_id}")).json().get("state")


async def test_an_operation_is_accepted_followed_and_listed(database_url: str) -> None:
    async with served(database_url) as client:
        await create(client, "a", "b", queue="gpu")

        begun = await client.post("/v1/bulk", json={"verb": "cancel", "filter": {"queue": ["gpu"]}})
        path = begun.headers["location"]
        ended = (await client.get(path, params={"wait": 20})).json()

        assert begun.status_code == 202
        assert begun.json()["filter"] == {"queue": ["gpu"]}
        assert path == f"/v1/operations/{begun.json()['id']}"
        assert (ended["state"], ended["total"], ended["done"]) == ("done", 2, 2)
        assert await state_of(client, "a") == "cancelled"
        listed = (await client.get("/v1/operations")).json()
        assert [one["id"] for one in listed["items"]] == [ended["id"]]
        assert listed["next_cursor"] is None


async def test_an_operation_that_ends_while_it_is_waited_for_is_answered_with_200(
    database_url: str,
) -> None:
    async with served(database_url) as client:
        await create(client, "a")

        response = await client.post(
            "/v1/bulk", params={"wait": 20}, json={"verb": "delete", "ids": ["a", "b"]}
        )

        operation = response.json()
        assert response.status_code == 200
        assert (operation["state"], operation["done"], operation["refused"]) == ("done", 1, 1)
        assert operation["refusals"] == [
            {
                "id": "b",
                "code": "task_not_found",
                "detail": "There is no task 'b' in this project.",
            }
        ]


async def test_a_dry_run_tells_what_would_be_done(database_url: str) -> None:
    async with served(database_url) as client:
        await create(client, "a")

        response = await client.post(
            "/v1/bulk", json={"verb": "delete", "filter": {}, "dry_run": True}
        )

        assert response.status_code == 200
        assert response.json() == {"verb": "delete", "total": 1, "sample": ["a"], "dry_run": True}
        assert await state_of(client, "a") == "queued"


async def test_the_same_request_again_finds_the_operation_of_the_first_time(
    database_url: str,
) -> None:
    async with served(database_url) as client:
        await create(client, "a")
        headers = {"Idempotency-Key": "once"}
        said = {"verb": "retry", "ids": ["a"]}

        first = await client.post("/v1/bulk", json=said, headers=headers)
        await client.get(first.headers["location"], params={"wait": 20})
        again = await client.post("/v1/bulk", json=said, headers=headers)
        other = await client.post("/v1/bulk", json=said | {"ids": ["b"]}, headers=headers)

        assert again.json()["id"] == first.json()["id"]
        assert again.json()["state"] == "done"
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len((await client.get("/v1/operations")).json()["items"]) == 1


async def test_operations_are_paged_newest_first(sqlite_url: str) -> None:
    async with served(sqlite_url) as client:
        ids = [
            (await client.post("/v1/bulk", json={"verb": "archive", "ids": ["a"]})).json()["id"]
            for _ in range(5)
        ]
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            answer = (await client.get("/v1/operations", params=page)).json()
            seen += [one["id"] for one in answer["items"]]
            cursor = answer["next_cursor"]

        assert sorted(seen) == sorted(ids)
        assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("said", "pointers"),
    [
        ({"verb": "archive"}, [""]),
        ({"verb": "archive", "ids": ["a"], "filter": {}, "all": True}, [""]),
        ({"verb": "delete", "filter": {}}, ["/filter"]),
        ({"verb": "delete", "filter": {"kind": ["a"]}, "all": True}, ["/all"]),
        ({"verb": "archive", "ids": []}, ["/ids"]),
        ({"verb": "explode", "ids": ["a"]}, ["/verb"]),
        ({"verb": "archive", "ids": ["a"], "reason": "because"}, ["/reason"]),
        ({"verb": "archive", "filter": {"state": ["lost"], "colour": 1}}, None),
        ({"verb": "archive", "filter": {"label": ["team"]}}, ["/filter/label/0"]),
    ],
)
async def test_what_cannot_be_taken_is_named_and_nothing_begins(
    sqlite_url: str, said: dict[str, Any], pointers: list[str] | None
) -> None:
    async with served(sqlite_url) as client:
        response = await client.post("/v1/bulk", json=said)

        assert response.status_code == 422
        named = [one["pointer"] for one in response.json()["errors"]]
        assert named
        assert pointers is None or named == pointers
        assert (await client.get("/v1/operations")).json()["items"] == []


async def test_a_worker_may_not_begin_operations_and_a_viewer_may_see_them(
    sqlite_url: str,
) -> None:
    async with served(sqlite_url, auth="on") as client:
        said = {"verb": "archive", "ids": ["a"]}

        def bearer(role: Role) -> dict[str, str]:
            return {"Authorization": f"Bearer {make_key(sqlite_url, role)}"}

        worker, operator = bearer(Role.WORKER), bearer(Role.OPERATOR)
        assert (await client.post("/v1/bulk", json=said)).status_code == 401
        assert (await client.post("/v1/bulk", json=said, headers=worker)).status_code == 403
        dry = said | {"dry_run": True}
        assert (await client.post("/v1/bulk", json=dry, headers=worker)).status_code == 403
        begun = await client.post("/v1/bulk", json=said, headers=operator)
        assert begun.status_code == 202
        path = begun.headers["location"]
        assert (await client.get(path, headers=bearer(Role.VIEWER))).status_code == 200
        missing = await client.get("/v1/operations/nothing", headers=operator)
        assert (missing.status_code, missing.json()["code"]) == (404, "operation_not_found")
