"""Several server processes on one PostgreSQL, and a PostgreSQL that goes away and comes back."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from farwork.storage import tables as t
from farwork.storage.committer import KEYS_AT_ONCE
from farwork.storage.engine import open_engine
from tests.faults.crowd import OK, UNAVAILABLE, Crowd, what_is_wrong_with
from tests.support.postgres import PostgresServer
from tests.support.server import Server, serving
from tests.support.server import task as shown
from tests.support.waiting import until

ANSWERS = 60


def blocks_of_keys(server: Server) -> set[int]:
    """Each process gives out task keys in blocks of its own."""
    engine = open_engine(server.database, read_only=True)
    with engine.connect() as connection:
        keys = connection.execute(select(t.tasks.c.pk)).scalars().all()
    engine.dispose()
    return {(key - 1) // KEYS_AT_ONCE for key in keys}


@pytest.mark.timeout(120)
def test_what_one_process_wrote_every_process_reads_at_once(
    postgres_url: str, tmp_path: Path
) -> None:
    with serving(postgres_url, tmp_path, "--processes", "2") as server:
        key = server.key()
        for n in range(60):
            # Each connection goes to one of the processes, as the kernel deals them out.
            with server.client(key) as writer, server.client(key) as reader:
                said: dict[str, Any] = {"task_id": f"task-{n}", "state": "running", "progress": 10}
                said["labels"] = {"n": str(n)}
                answered = writer.post("/v1/reports", json=said).json()
                assert shown(reader, f"task-{n}")["version"] == answered["version"]
                reader.post("/v1/reports", json=said | {"progress": 20})
                assert shown(writer, f"task-{n}")["progress"]["percent"] == 20
        assert len(blocks_of_keys(server)) >= 2
        with server.client(key) as client:
            assert client.get("/v1/counts").json()["counts"] == {"running": 60}
            feed = client.get("/v1/feed", params={"limit": 500}).json()["items"]
        positions = [event["id"] for event in feed]
        assert len(positions) == 180
        assert all(a < b for a, b in pairwise(positions))
        assert what_is_wrong_with(postgres_url, Crowd()) == {}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", ["stop", "crash"])
def test_a_postgresql_that_restarts_under_load_is_got_over(
    durable_postgres: PostgresServer, tmp_path: Path, way: str
) -> None:
    url = durable_postgres.url("postgres")
    with serving(url, tmp_path, "--processes", "2") as server:
        crowd = Crowd()
        with crowd.reporting(server, server.key("worker")):
            crowd.until_answered(OK, ANSWERS)
            getattr(durable_postgres, way)()
            crowd.until_answered(UNAVAILABLE, ANSWERS)
            with server.client() as client:
                response = client.get("/readyz")
                assert (response.status_code, response.json()["status"]) == (503, "unavailable")
            durable_postgres.start()
            crowd.until_answered(OK, ANSWERS, seconds=60)
        with server.client() as client:
            until(lambda: client.get("/readyz").status_code == OK, "the server is ready again")
        assert what_is_wrong_with(url, crowd) == {}
        assert crowd.unanswered == 0
