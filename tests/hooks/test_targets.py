"""Webhooks do not lead into our own house."""

import asyncio
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest

from farwork.notifications.post import Poster
from farwork.service import targets
from farwork.service.targets import Guard, Target, TargetNotAllowed, target_of
from tests.hooks.receiver import Receiver

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",  # noqa: S104 - addresses, not a binding
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "::127.0.0.2", "::10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_sent_to(address: str) -> None:
    with pytest.raises(TargetNotAllowed):
        Guard().check("somewhere.example", [ip_address(address)])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_sent_to(address: str) -> None:
    Guard().check("somewhere.example", [ip_address(address)])


def test_one_address_inside_is_enough_to_refuse_a_name() -> None:
    with pytest.raises(TargetNotAllowed):
        Guard().check("both.example", map(ip_address, ["8.8.8.8", "10.0.0.1"]))


def test_what_the_operator_allows_is_sent_to() -> None:
    guard = Guard(["10.1.0.0/16", "hooks.corp.example", "fd00::/8"])
    guard.check("x.example", [ip_address("10.1.2.3")])
    guard.check("x.example", [ip_address("::ffff:10.1.2.3")])
    guard.check("x.example", [ip_address("fd00::1")])
    guard.check("Hooks.Corp.Example.", [ip_address("192.168.0.1")])
    with pytest.raises(TargetNotAllowed, match="hook_targets_allowed"):
        guard.check("x.example", [ip_address("10.2.0.1")])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://a.example/", "must begin with https:// or http://"),
        ("https:///x", "must name a host"),
        ("https://a.example:0/", "must name a host"),
        ("https://a.example:99999/", "is not a URL: Port out of range 0-65535"),
        ("https://u:p@a.example/", "must hold no user or password; give a token instead"),
        ("https://a.example/#x", "must hold no fragment, since it would not be sent"),
        ("https://a.example/a b", "must be ASCII without spaces; percent-encode the rest"),
        ("https://a.example/\r\nx: y", "must be ASCII without spaces; percent-encode the rest"),
        ("https://a.example/" + "x" * 2_000, "must have at most 2000 characters"),
    ],
)
def test_what_is_no_target_is_named(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        target_of(url)
    assert str(caught.value) == said


def test_a_url_is_taken_apart() -> None:
    assert target_of("https://a.example/x?y=1") == Target(
        secure=True, host="a.example", port=443, path="/x?y=1"
    )
    assert target_of("http://[::1]:80").authority == "[::1]"
    assert target_of("http://a.example:8080").authority == "a.example:8080"


def test_an_address_in_a_url_is_refused_when_the_hook_is_made() -> None:
    with pytest.raises(ValueError, match="not a public address"):
        Guard().check_url("http://169.254.169.254/latest/meta-data")
    assert Guard().check_url("https://a.example").host == "a.example"


def test_a_name_is_judged_by_the_address_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads outside when it is looked at and inside later (DNS rebinding)."""
    port = int(receiver.url.rsplit(":", 1)[1].split("/")[0])
    asked: list[str] = []

    async def play() -> None:
        loop = asyncio.get_running_loop()

        async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            address = "127.0.0.1" if len(asked) > 1 else "8.8.8.8"
            return [(2, 1, 6, "", (address, port))]

        async def create_connection(*given: Any, **_: Any) -> Any:
            # Nothing leaves this machine in a test; it went where it was looked at.
            asked.append(given[1])
            raise ConnectionRefusedError(111, "refused")

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(loop, "create_connection", create_connection)
        poster = Poster(Guard())
        url = f"http://rebinding.example:{port}/"
        first = await poster.post(url, [], b"{}")
        assert (first.error, asked) == ("No connection: refused.", ["rebinding.example", "8.8.8.8"])
        second = await poster.post(url, [], b"{}")
        assert (second.error or "").startswith("Not sent: rebinding.example is at 127.0.0.1")

    asyncio.run(play())
    assert receiver.messages == []


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    receiver.headers = {"location": receiver.url}

    async def play() -> None:
        poster = Poster(Guard(["127.0.0.1"]))
        reply = await poster.post(receiver.url, [], b"{}")
        assert (reply.status, reply.ok, reply.trouble) == (302, False, "The receiver answered 302.")
        poster.close()

    asyncio.run(play())
    assert len(receiver.messages) == 1


def test_an_answer_without_an_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.answers = [200, 200]
    receiver.body = b"x" * 5_000_000

    async def play() -> None:
        poster = Poster(Guard(["127.0.0.1"]))
        reply = await poster.post(receiver.url, [], b"{}")
        assert (reply.ok, reply.response) == (True, "x" * 1_000)
        poster.close()

    asyncio.run(play())


ODD = {
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    b"HTTP/1.1 500 No\r\nretry-after: 9\r\ncontent-length: 1\r\n\r\nx": (200, None, None),
    b"HTTP/1.1 101 Go\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nmore": (101, None, None),
    b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok": (200, "ok", None),
}


@pytest.mark.parametrize("raw", ODD)
def test_what_follows_an_answer_changes_nothing_of_it(raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(raw)
        with suppress(OSError):
            await writer.drain()
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        over.set()

    over = asyncio.Event()

    async def play() -> None:
        mistakes: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, said: mistakes.append(said))
        poster = Poster(Guard(["127.0.0.1"]))
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reply = await poster.post(f"http://127.0.0.1:{port}/", [], b"{}")
            assert (reply.status, reply.response, reply.retry_after) == ODD[raw]
            poster.close()
            await over.wait()
        assert mistakes == []

    asyncio.run(play())


def test_connections_are_used_again(receiver: Receiver) -> None:
    async def play() -> None:
        poster = Poster(Guard(["127.0.0.1"]))
        made: list[str] = []
        connect = poster.connect_to

        async def counted(address: str, target: Target) -> Any:
            made.append(address)
            return await connect(address, target)

        poster.connect_to = counted
        for _ in range(5):
            assert (await poster.post(receiver.url, [], b"{}")).ok
        assert made == ["127.0.0.1"]
        poster.close()

    asyncio.run(play())


def test_the_longest_url_is_that_of_the_protocol() -> None:
    assert targets.URL_LENGTH_MAX == 2_000
