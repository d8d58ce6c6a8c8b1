"""How the websocket's handler works: who reads the log, and what is left when a connection ends."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.types import Scope

from farwork import config
from farwork.app import build
from farwork.http.dialects.uniqc.events import SharedReadings
from farwork.service.access import Principal, Role
from farwork.service.listings import Listings, Move
from tests.support.ledgers import create, open_ledger

pytestmark = [
    pytest.mark.anyio,
    # What the framework will do otherwise one day, said of every route of the application.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

ADA = Principal("default", Role.VIEWER, "ada")


class CountingListings(Listings):
    """Answers with the position asked for, when it is let go."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []
        self.let_go = asyncio.Event()
        self.failure: Exception | None = None

    async def moves(self, caller: Principal, after: int | None) -> tuple[list[Move], int]:
        self.asked.append((caller.project, after))
        await self.let_go.wait()
        if self.failure is not None:
            raise self.failure
        return [], (after or 0) + 1


@pytest.fixture
async def listings() -> CountingListings:
    return CountingListings()


async def test_those_at_the_same_place_share_one_reading(listings: CountingListings) -> None:
    readings = SharedReadings()
    asked = [asyncio.create_task(readings.moves(listings, ADA, 7, 1)) for _ in range(5)]
    listings.let_go.set()

    assert await asyncio.gather(*asked) == [([], 8)] * 5
    assert listings.asked == [("default", 7)]


async def test_another_place_project_or_time_is_read_anew(listings: CountingListings) -> None:
    readings = SharedReadings()
    listings.let_go.set()
    bob = Principal("other", Role.VIEWER, "bob")

    await asyncio.gather(
        readings.moves(listings, ADA, 7, 1),
        readings.moves(listings, ADA, 8, 1),
        readings.moves(listings, bob, 7, 1),
        readings.moves(listings, ADA, 7, 2),
    )
    await readings.moves(listings, ADA, 7, 1)

    assert len(listings.asked) == 5


async def test_one_who_leaves_takes_nothing_from_the_others(listings: CountingListings) -> None:
    readings = SharedReadings()
    first, second = (asyncio.create_task(readings.moves(listings, ADA, 7, 1)) for _ in range(2))
    await asyncio.wait({first}, timeout=0)
    first.cancel()
    await asyncio.wait({first})
    listings.let_go.set()

    assert await second == ([], 8)


async def test_a_reading_that_fails_fails_for_each(listings: CountingListings) -> None:
    readings = SharedReadings()
    listings.failure = ValueError("away")
    listings.let_go.set()

    failures = await asyncio.gather(
        *(readings.moves(listings, ADA, 7, 1) for _ in range(3)), return_exceptions=True
    )

    assert [str(failure) for failure in failures] == ["away"] * 3


# --- a connection, from below ---


class Peer:
    """The other end of a connection, as the server sees it."""

    def __init__(self, app: Litestar, *, takes: int = 0) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue(takes)
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.says.put_nowait({"type": "websocket.connect"})
        scope: Any = {
            "type": "websocket",
            "path": "/ws/events",
            "raw_path": b"/ws/events",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
            "root_path": "",
            "scheme": "ws",
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8400),
            "subprotocols": [],
            "state": {},
            "app": app,
        }
        self.connection = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: Litestar, scope: Scope) -> None:
        receive: Callable[[], Awaitable[Any]] = self.says.get
        await app(scope, receive, self.sent.put)

    async def hears(self) -> Any:
        return await asyncio.wait_for(self.sent.get(), 10)


@asynccontextmanager
async def running(database: str) -> AsyncGenerator[Litestar]:
    """An application that asks nobody who they are."""
    async with open_ledger(database):
        app = build(config.load({}, {"database": database, "auth": "off"}))
    async with app.lifespan():
        yield app


async def left_behind() -> set[str]:
    """The dialect's tasks that do not end."""
    ours = {task for task in asyncio.all_tasks() if "/http/dialects/" in code_of(task)}
    if ours:
        _, ours = await asyncio.wait(ours, timeout=2)
    return {code_of(task) for task in ours}


def code_of(task: "asyncio.Task[Any]") -> str:
    code: Any = getattr(task.get_coro(), "cr_code", None)
    return "" if code is None else f"{code.co_filename}: {code.co_qualname}"


async def test_a_connection_that_ends_leaves_nothing_behind(sqlite_url: str) -> None:
    async with running(sqlite_url) as app:
        peers = [Peer(app) for _ in range(20)]
        assert [(await peer.hears())["type"] for peer in peers] == ["websocket.accept"] * 20
        for peer in peers:
            peer.says.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(asyncio.gather(*(peer.connection for peer in peers)), 10)

        assert await left_behind() == set()


async def test_a_connection_is_kept_by_our_tasks_while_it_lasts(sqlite_url: str) -> None:
    """Else the other tests would look for nothing."""
    async with running(sqlite_url) as app:
        peer = Peer(app)
        await peer.hears()

        assert {kept.rpartition(" ")[2] for kept in await left_behind()} == {"_hear", "_tell"}
        peer.connection.cancel()
        await asyncio.wait({peer.connection})


async def test_a_connection_that_is_cut_off_leaves_nothing_behind(sqlite_url: str) -> None:
    async with running(sqlite_url) as app:
        peer = Peer(app)
        await peer.hears()
        peer.connection.cancel()
        await asyncio.wait({peer.connection})

        assert await left_behind() == set()


async def test_a_peer_that_takes_nothing_is_let_go_when_it_leaves(sqlite_url: str) -> None:
    async with running(sqlite_url) as app:
        peer = Peer(app, takes=1)
        assert (await peer.hears())["type"] == "websocket.accept"
        async with open_ledger(sqlite_url) as ledger:
            await create(ledger, *(f"t{number}" for number in range(50)))
        quick = Peer(app)
        await quick.hears()
        for leaving in (peer, quick):
            leaving.says.put_nowait({"type": "websocket.disconnect", "code": 1001})
            await asyncio.wait_for(leaving.connection, 10)

        assert await left_behind() == set()


async def test_while_the_database_cannot_be_read_a_listener_is_asked_to_come_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with running(sqlite_url) as app:
        spoil(tmp_path)
        peer = Peer(app)
        closed = await peer.hears()

    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
    assert closed["reason"].startswith("The database cannot be read")


def spoil(folder: Path) -> None:
    for file in folder.iterdir():
        file.write_bytes(b"no database")
