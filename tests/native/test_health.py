"""`/readyz` says whether the server can work, and why not."""

import sqlite3
from pathlib import Path

import httpx
from dirty_equals import IsInt, IsPartialDict, IsStr

from tests.native.api import Api
from tests.support.postgres import PostgresServer
from tests.support.server import Server, serving
from tests.support.waiting import until

ANSWER_SECONDS_MAX = 30.0


def ready(server: Server) -> httpx.Response:
    return httpx.get(f"{server.url}/readyz", timeout=ANSWER_SECONDS_MAX)


def test_a_server_that_can_work_says_so(each_api: Api) -> None:
    response = ready(each_api.server)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "reasons": [], "feed_position": IsInt}


def test_a_locked_database_is_told_and_forgotten_when_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "farwork.db"
    with serving(f"sqlite:///{file}", tmp_path) as server:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        response = ready(server)
        assert response.status_code == 503
        assert response.json() == {
            "status": "unavailable",
            "reasons": [IsStr(regex=r"Nothing has been written for 2 s; \d+ commands wait\.")],
            "feed_position": IsInt,
        }
        assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
        other.execute("ROLLBACK")
        other.close()
        assert _until_ready(server) == IsPartialDict(status="ok", reasons=[])


def test_a_database_that_is_away_is_told(durable_postgres: PostgresServer, tmp_path: Path) -> None:
    with serving(durable_postgres.url("postgres"), tmp_path) as server:
        durable_postgres.crash()
        found = ready(server)
        assert found.status_code == 503
        assert len(found.json()["reasons"]) in (1, 2)
        durable_postgres.start()
        assert _until_ready(server) == IsPartialDict(status="ok", reasons=[])


def _until_ready(server: Server) -> dict[str, object]:
    """Ask until the server is ready."""
    until(lambda: ready(server).status_code == 200, "the server comes back", 40)
    found: dict[str, object] = ready(server).json()
    return found
