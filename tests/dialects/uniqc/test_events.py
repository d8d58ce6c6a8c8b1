"""The websocket tells of every state that a task of the project comes into, and of nothing else."""

import asyncio
import json
import socket
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from farwork import clock
from farwork.service.access import Role
from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from tests.dialects.uniqc.gateway import Gateway, key_for
from tests.support.ledgers import create, open_ledger
from tests.support.server import Server, serving

SECONDS_MAX = 20


def listening(
    server: Server, key: str | None = None, query: str = "", **options: Any
) -> AbstractContextManager[ClientConnection]:
    """A connection to the server's events."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    address = server.url.replace("http", "ws", 1) + "/ws/events" + query
    return cast(
        "AbstractContextManager[ClientConnection]",
        connect(address, additional_headers=headers, proxy=None, **options),
    )


@contextmanager
def told(gateway: Gateway) -> Generator[ClientConnection]:
    with listening(gateway.server, gateway.key) as connection:
        yield connection


def heard(connection: ClientConnection, count: int) -> list[tuple[str, str]]:
    """The next moves: (task, status)."""
    frames = [json.loads(connection.recv(SECONDS_MAX, decode=True)) for _ in range(count)]
    assert {frame["type"] for frame in frames} <= {"task:updated"}
    assert {tuple(frame) for frame in frames} <= {("type", "payload")}
    return [(frame["payload"]["task_id"], frame["payload"]["status"]) for frame in frames]


def test_every_change_of_state_is_told_in_order(gateway: Gateway) -> None:
    with told(gateway) as connection:
        gateway.create("a", submit=False)
        gateway.http.post("/v1/tasks/a/submit")
        gateway.report("a", state="running", progress=5)
        gateway.report("a", progress=50)
        gateway.report("b", state="failed")
        gateway.report("a", state="succeeded", result={"00": 1})
        gateway.post("/api/tasks/bulk-archive", {"task_ids": ["a"]})
        gateway.post("/api/archive/restore/a")
        gateway.create("c")
        gateway.http.post("/v1/tasks/c/cancel")

        assert heard(connection, 8) == [
            ("a", "pending"),
            ("a", "pending"),
            ("a", "running"),
            ("b", "pending"),
            ("b", "failed"),
            ("a", "success"),
            ("c", "pending"),
            ("c", "cancelled"),
        ]


def test_a_deletion_is_no_state_to_tell_of(gateway: Gateway) -> None:
    with told(gateway) as connection:
        gateway.create("a")
        assert heard(connection, 1) == [("a", "pending")]

        gateway.delete("/api/tasks/a")
        gateway.create("b")

        assert heard(connection, 1) == [("b", "pending")]


def test_what_came_before_the_connection_is_not_told(gateway: Gateway) -> None:
    gateway.create("before")
    with told(gateway) as connection:
        gateway.create("after")

        assert heard(connection, 1) == [("after", "pending")]


def test_another_project_is_not_told_of(gateway: Gateway) -> None:
    key = key_for(gateway.server, "next-door", Role.OPERATOR)
    with told(gateway) as connection, Gateway(gateway.server, "next-door", key) as other:
        other.create("theirs")
        gateway.create("ours")

        assert heard(connection, 1) == [("ours", "pending")]


def test_a_burst_is_told_whole(gateway: Gateway) -> None:
    ids = [f"t{n}" for n in range(1_200)]
    with told(gateway) as connection:
        create_all(gateway, ids)

        assert heard(connection, 1_200) == [(id_, "pending") for id_ in ids]


def create_all(gateway: Gateway, ids: list[str]) -> None:
    """All of them in one transaction."""
    response = gateway.http.post("/v1/tasks", json=[{"id": id_} for id_ in ids])
    assert response.status_code == 201, response.text


def test_what_a_listener_says_is_passed_over(sqlite_gateway: Gateway) -> None:
    frames: list[str | bytes] = ["ping", "", "{", b"", b"\x00\xff", "x" * 100_000]
    with told(sqlite_gateway) as connection:
        for frame in frames:
            connection.send(frame)
        sqlite_gateway.create("t")

        assert heard(connection, 1) == [("t", "pending")]


def test_a_browser_gives_its_key_as_a_parameter(sqlite_gateway: Gateway) -> None:
    query = f"?access_token={sqlite_gateway.key}"
    with listening(sqlite_gateway.server, query=query) as connection:
        sqlite_gateway.create("t")

        assert heard(connection, 1) == [("t", "pending")]
    assert sqlite_gateway.key not in sqlite_gateway.server.said.read_text()


@pytest.mark.parametrize("query", ["", "?access_token=", "?access_token=fw_nobody_nothing"])
def test_nobody_listens_without_a_key(sqlite_server: Server, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused, listening(sqlite_server, query=query):
        pass
    assert refused.value.response.status_code == 403


def test_a_listener_whose_key_was_revoked_is_shown_out(gateway: Gateway) -> None:
    key = key_for(gateway.server, gateway.project, Role.VIEWER)
    with listening(gateway.server, key) as connection:
        revoke(gateway.server, key)

        with pytest.raises(ConnectionClosed) as closed:
            report_until_closed(gateway, connection)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "The API key was revoked.")


def report_until_closed(gateway: Gateway, connection: ClientConnection) -> None:
    """Raises `ConnectionClosed`."""
    for number in range(100_000):
        gateway.report("t", state=("running", "queued")[number % 2])
        with suppress(TimeoutError):
            while True:
                connection.recv(timeout=0)


def revoke(server: Server, key: str) -> None:
    engine = open_engine(server.database)
    with engine.begin() as connection:
        connection.execute(
            update(t.keys).where(t.keys.c.id == key.split("_")[1]).values(revoked_at=clock.now())
        )
    engine.dispose()


def test_one_who_does_not_read_holds_nobody_else_and_misses_nothing(gateway: Gateway) -> None:
    ids = [f"{'x' * 240}-{number}" for number in range(4_000)]
    with told(gateway) as quick, barely_listening(gateway) as slow:
        create_all(gateway, ids)
        assert heard(quick, len(ids)) == [(id_, "pending") for id_ in ids]

        assert heard(slow, len(ids)) == [(id_, "pending") for id_ in ids]


def barely_listening(gateway: Gateway) -> AbstractContextManager[ClientConnection]:
    """A connection that takes a few kilobytes and then no more until it is read."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.connect(("127.0.0.1", int(gateway.server.url.rpartition(":")[2])))
    return listening(gateway.server, gateway.key, sock=narrow, max_queue=1)


def test_a_page_of_another_site_does_not_listen_to_a_server_without_keys(
    open_server: Server,
) -> None:
    with pytest.raises(InvalidStatus), listening(open_server, origin="http://example.org"):
        pass
    with listening(open_server, origin=open_server.url) as connection, open_server.client() as http:
        http.post("/v1/tasks", json={"id": "t"})

        assert heard(connection, 1) == [("t", "pending")]


def test_a_server_stops_while_somebody_listens(sqlite_url: str, tmp_path: Path) -> None:
    with ExitStack() as later:
        with serving(sqlite_url, tmp_path) as server:
            connection = later.enter_context(listening(server, server.key("viewer")))
        with pytest.raises(ConnectionClosed):
            connection.recv(SECONDS_MAX)


def test_a_listener_hears_of_what_other_processes_write(postgres_server: Server) -> None:
    key = key_for(postgres_server, "shared", Role.OPERATOR)

    async def elsewhere() -> None:
        async with open_ledger(postgres_server.database) as ledger:
            await create(ledger, "t", project="shared")

    with listening(postgres_server, key) as connection:
        threading.Thread(target=lambda: asyncio.run(elsewhere())).start()

        assert heard(connection, 1) == [("t", "pending")]
