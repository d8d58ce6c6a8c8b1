"""Where a request comes from: a proxy is believed if it is ours, and as far as ours reach."""

from typing import Any

import httpx
import pytest

from farwork.http.proxies import Proxies
from tests.native.api import Api
from tests.support.server import Server, serving

OURS = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]


def seen_from(client: str | None, header: str, *lines: str) -> str | None:
    """The address that a request is taken to come from."""
    scope: dict[str, Any] = {
        "client": None if client is None else (client, 4711),
        "headers": [(header.encode(), line.encode()) for line in lines],
    }
    Proxies(OURS, header).look_behind(scope)
    return None if scope["client"] is None else scope["client"][0]


@pytest.mark.parametrize(
    ("client", "lines", "address"),
    [
        ("127.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1", ["192.0.2.7, 10.1.2.3"], "192.0.2.7"),
        ("127.0.0.1", ["192.0.2.7", "10.1.2.3"], "192.0.2.7"),
        ("127.0.0.1", ["6.6.6.6, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),
        ("127.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("fd00::1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("10.0.0.1", ["192.0.2.7:5555"], "192.0.2.7"),
        ("10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", ["192.0.2.7, unknown, 10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("192.0.2.9", ["6.6.6.6"], "192.0.2.9"),
        ("testclient", ["6.6.6.6"], "testclient"),
        (None, ["6.6.6.6"], None),
    ],
)
def test_the_header_is_read_from_its_end_as_far_as_our_proxies_reach(
    client: str | None, lines: list[str], address: str | None
) -> None:
    assert seen_from(client, "x-forwarded-for", *lines) == address


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("for=192.0.2.7", "192.0.2.7"),
        ('For="[2001:db8::7]:4711";proto=https', "2001:db8::7"),
        ("by=10.0.0.3;for=192.0.2.7;host=x, for=10.0.0.2", "192.0.2.7"),
        ("for=6.6.6.6, for=192.0.2.7, for=10.0.0.2", "192.0.2.7"),
        ("for=6.6.6.6, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("proto=https", "10.0.0.1"),
    ],
)
def test_the_standard_header_is_read_alike(line: str, address: str) -> None:
    assert seen_from("10.0.0.1", "forwarded", line) == address


def test_a_long_header_is_not_read_to_its_beginning() -> None:
    line = ", ".join(["192.0.2.7"] + ["10.0.0.2"] * 1_000)
    assert seen_from("10.0.0.1", "x-forwarded-for", line) == "10.0.0.2"


def address_told(server: Server, **headers: str) -> Any:
    """From where the trail says that somebody asked."""
    with server.client(server.key()) as client:
        api = Api(server, "default", client)
        job = api.post("/v1/jobs", {}, headers=headers)["id"]
        (row,) = api.get("/v1/audit", target=f"job:{job}")["items"]
        return row["address"]


def test_the_trail_and_the_lock_out_know_who_is_behind_a_proxy(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("proxied")
    database = f"sqlite:///{folder / 'farwork.db'}"
    with serving(database, folder, trusted_proxies="127.0.0.1") as server:
        named = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}
        assert address_told(server, **named) == "192.0.2.7"
        assert address_told(server, Forwarded="for=6.6.6.6") == "127.0.0.1"
        form = {"grant_type": "password", "username": "nobody", "password": "x" * 12}
        for _ in range(6):
            httpx.post(f"{server.url}/v1/login", data=form, headers=named)
        with server.client(server.key()) as client:
            rows = client.get("/v1/audit?action=login.refused").json()["items"]
        assert {row["address"] for row in rows} == {"192.0.2.7"}


def test_nobody_is_believed_who_was_not_named(server: Server) -> None:
    assert address_told(server, **{"X-Forwarded-For": "6.6.6.6"}) == "127.0.0.1"
