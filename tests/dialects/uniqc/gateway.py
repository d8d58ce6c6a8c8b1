"""A project as the gateway's clients see it, and the ways in which tasks come into it."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from farwork import clock
from farwork.domain import commands as c
from farwork.domain.values import Instant
from farwork.service.access import Role, new_key
from farwork.service.ledger import Ledger
from farwork.storage import access_store
from farwork.storage.engine import open_engine
from tests.support.ledgers import open_ledger
from tests.support.server import Server

HOUR: Instant = 3_600_000_000


def key_for(server: Server, project: str, role: Role) -> str:
    """A key of a project that exists from then on."""
    row, text = new_key(project, role, None, now=clock.now())
    engine = open_engine(server.database)
    with engine.begin() as connection:
        access_store.add_project(connection, project, row.created_at)
        access_store.add_key(connection, row)
    engine.dispose()
    return text


class Gateway:
    """Calls the gateway's routes with one key."""

    def __init__(self, server: Server, project: str, key: str) -> None:
        self.server = server
        self.project = project
        self.key = key
        self.http = server.client(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    # --- the gateway's routes ---

    def get(self, path: str, **parameters: Any) -> Any:
        return answered(self.http.get(path, params=parameters))

    def post(self, path: str, body: Any = None, **parameters: Any) -> Any:
        return answered(self.http.post(path, json=body, params=parameters))

    def delete(self, path: str) -> Any:
        return answered(self.http.delete(path))

    def ids(self, path: str = "/api/tasks", **parameters: Any) -> list[str]:
        """The ids of a list."""
        return [row["task_id"] for row in self.get(path, **parameters)["tasks"]]

    def refused(self, method: str, path: str) -> tuple[int, Any]:
        """Status and body of a request."""
        response = self.http.request(method, path)
        return response.status_code, response.json()

    # --- how tasks come in ---

    def create(self, *ids: str, **fields: Any) -> None:
        """Tasks by the native API, one after the other."""
        for id_ in ids:
            response = self.http.post("/v1/tasks", json={"id": id_} | fields)
            assert response.status_code == 201, response.text

    def report(self, task_id: str, **said: Any) -> None:
        """A report by the native API."""
        response = self.http.post("/v1/reports", json={"task_id": task_id} | said)
        assert response.status_code == 200, response.text

    def take_in(self, *commands: c.ImportTask) -> None:
        """Tasks with a past."""

        async def take() -> None:
            async with open_ledger(self.server.database) as ledger:
                await _take(ledger, self.project, commands)

        asyncio.run(take())


async def _take(ledger: Ledger, project: str, commands: Sequence[c.ImportTask]) -> None:
    answer = await ledger.commands(project, list(commands), atomic=True)
    assert len(answer.outcomes) == len(commands)


def answered(response: httpx.Response) -> Any:
    """The body of an answer that has what was asked for."""
    assert response.status_code == 200, f"{response.status_code} {response.text}"
    assert response.headers["content-type"] == "application/json"
    return response.json()
