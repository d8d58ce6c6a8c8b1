"""Without authentication a server answers to its own machine only, by the names of that."""

import socket

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.native.api import problem_of
from tests.support.server import Server

OWN = [
    "localhost",
    "LOCALHOST:{port}",
    "localhost.",
    "127.0.0.1:{port}",
    "127.8.9.1",
    "[::1]:{port}",
]
FOREIGN = ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:{port}", "[::2]", "0.0.0.1", ""]
PATHS = ["/v1/tasks", "/healthz", "/docs", "/openapi.json", "/v1/nowhere"]


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize("host", OWN)
def test_its_own_names_are_answered(open_server: Server, host: str) -> None:
    with open_server.client() as client:
        named = {"Host": host.format(port=port_of(open_server))}
        assert client.get("/v1/tasks", headers=named).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_name_is_refused(open_server: Server, host: str) -> None:
    with open_server.client() as client:
        for path in PATHS:
            named = {"Host": host.format(port=port_of(open_server))}
            found = problem_of(client.get(path, headers=named))
            assert (found["status"], found["code"]) == (403, "foreign_host")
        foreign = client.get("/api/tasks", headers={"Host": "evil.example"})
        assert (foreign.status_code, list(foreign.json())) == (403, ["detail"])


def test_two_names_or_none_are_refused(open_server: Server) -> None:
    for headers in (b"Host: localhost\r\nHost: evil.example\r\n", b""):
        with socket.create_connection(("127.0.0.1", port_of(open_server))) as connection:
            connection.sendall(b"GET /v1/tasks HTTP/1.0\r\n" + headers + b"\r\n")
            answer = connection.recv(65_536)
        assert answer.startswith((b"HTTP/1.0 403", b"HTTP/1.0 400"))


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 201),
        ("http://127.0.0.1", 201),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_a_page_of_another_site_cannot_write(open_server: Server, origin: str, status: int) -> None:
    with open_server.client() as client:
        response = client.post("/v1/tasks", content="{}", headers={"Origin": origin})
    assert response.status_code == status


def test_a_websocket_by_another_name_is_not_opened(open_server: Server) -> None:
    address = f"ws://127.0.0.1:{port_of(open_server)}/ws/events"
    with connect(address) as opened:
        assert opened.response is not None
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(address, origin="https://evil.example"),  # pyright: ignore[reportArgumentType] - a plain string is one
    ):
        pass
    assert refused.value.response.status_code == 403


def test_with_authentication_any_name_will_do(server: Server) -> None:
    with server.client(server.key()) as client:
        assert client.get("/v1/tasks", headers={"Host": "farwork.example"}).status_code == 200
