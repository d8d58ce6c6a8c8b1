"""Streams of whole tasks, in and out, over both fronts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from farwork.sdk import AsyncClient, Client, Unreachable
from farwork.sdk import _transfer as transfer
from tests.sdk.conftest import Script, said

Scripted = Callable[..., tuple[Client, Script]]
PIECES = [b'{"id": "a"}\n{"id"', b': "b"}\n', b'{"id": "c"}']
LINES = [b'{"id": "a"}', b'{"id": "b"}', b'{"id": "c"}']


class Dribble(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, and may break off."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def test_an_export_comes_line_by_line_however_it_is_cut(scripted: Scripted) -> None:
    client, script = scripted(httpx.Response(200, stream=Dribble(*PIECES)))
    assert list(client.export_tasks(kinds=["train"], archived="any")) == LINES
    assert script.lines == ["GET /v1/export?kind=train&archived=any"]


def test_the_asynchronous_export_gives_the_same(
    scripted_async: Callable[..., tuple[AsyncClient, Script]],
) -> None:
    client, _ = scripted_async(httpx.Response(200, stream=Dribble(*PIECES)))

    async def play() -> list[bytes]:
        async with client:
            return [line async for line in client.export_tasks()]

    assert asyncio.run(play()) == LINES


def test_an_export_that_breaks_off_is_no_whole_one(scripted: Scripted) -> None:
    broken = Dribble(PIECES[0], httpx.RemoteProtocolError("peer closed connection"))
    client, _ = scripted(httpx.Response(200, stream=broken))
    stream = client.export_tasks()
    assert next(stream) == LINES[0]
    with pytest.raises(Unreachable):
        next(stream)


def answer(created: int, *refused: int) -> httpx.Response:
    refusals: list[Any] = [{"line": line, "id": None, "reason": "no"} for line in refused]
    told = {"created": created, "replaced": 0, "refused": len(refused), "refusals": refusals}
    return said(told)


def test_an_import_goes_in_pieces_that_may_each_be_sent_again(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PIECE_BYTES", 25)
    client, script = scripted(answer(2), httpx.ReadError("broke off"), answer(0, 1))
    found = client.import_tasks(line + b"\r\n" for line in LINES)
    assert (found.created, found.refused, [one.line for one in found.refusals]) == (2, 1, [3])
    assert [one.read() for one in script.asked] == [b"\n".join(LINES[:2]), LINES[2], LINES[2]]
    assert {one.headers["content-type"] for one in script.asked} == {"application/x-ndjson"}


def test_an_import_of_nothing_sends_nothing(scripted: Scripted) -> None:
    client, script = scripted()
    assert client.import_tasks([]).created == 0
    assert script.asked == []
