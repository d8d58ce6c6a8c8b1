"""A real server for tests, in their own process, whose clock can be stepped. A plugin of pytest.

    def test_a_silent_worker_loses_its_task(farwork_server):
        client = farwork_server.client
        ...
        farwork_server.step(60)

The server is the one that `farwork serve` runs, over a database of its own in a temporary folder.
It is started once for all tests; each test has a project that nobody else uses.
"""

import asyncio
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from warnings import catch_warnings, simplefilter

import pytest

from farwork import clock

if TYPE_CHECKING:
    from farwork.sdk import Client

Role = Literal["viewer", "worker", "operator", "admin"]
START_S_MAX = 60.0
STEP_S_MAX = 60.0
_numbers = count(1)


@dataclass(frozen=True)
class FarworkServer:
    """A running server, to one project.

    `url` is where it listens on loopback, `key` an admin's key, `client` a `farwork.Client` that
    shows it.
    """

    url: str
    project: str
    key: str
    client: "Client"
    running: "RunningServer"

    def key_for(self, role: Role) -> str:
        """A new key of this project."""
        return self.running.new_key(self.project, role)

    def step(self, seconds: float) -> None:
        """Let so many seconds pass at once, and let what follows from that happen.

        Leases run out, limits end tasks, pauses are over. The clock goes on from there; it is that
        of this whole process, and so what workers and clients in it go by too. What waits by the
        seconds that really pass, such as a function's `run_timeout`, waits on.
        """
        clock.step(seconds)
        self.running.look_after()


class RunningServer:
    """The server's thread, and the database that it stands on."""

    def __init__(self, folder: Path) -> None:
        """The database is in this folder."""
        self.ahead_s = 0.0
        from farwork import config
        from farwork.app import build
        from farwork.storage.engine import open_engine
        from farwork.storage.schema import migrate

        self._engine = open_engine(f"sqlite:///{folder / 'farwork.db'}")
        migrate(self._engine)
        given = {"database": f"sqlite:///{folder / 'farwork.db'}", "auth": "on"}
        with catch_warnings():
            # Whoever turns warnings into errors means their own code.
            simplefilter("ignore")
            self._app = build(config.load({}, given))
        self._app.on_startup.append(self._note_start)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._server: Any = None
        self._port = _free_port()
        self._thread = threading.Thread(target=self._run, name="farwork-server", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Start, and wait until it answers."""
        self._thread.start()
        assert self._started.wait(START_S_MAX), "The server did not start."

    def close(self) -> None:
        """Stop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(START_S_MAX)
        self._engine.dispose()

    def new_key(self, project: str, role: Role) -> str:
        """A key of a project, which is made if it is not there."""
        from farwork.service import access
        from farwork.storage import access_store

        row, text = access.new_key(project, access.Role[role.upper()], role, now=clock.now())
        with self._engine.begin() as connection:
            access_store.add_project(connection, project, row.created_at)
            access_store.add_key(connection, row)
        return text

    def look_after(self) -> None:
        """Let all happen that follows from the time alone."""
        assert self._loop is not None
        upkeep = self._app.state.upkeep
        asyncio.run_coroutine_threadsafe(upkeep.run_once(), self._loop).result(STEP_S_MAX)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        from granian.constants import Interfaces
        from granian.server.embed import Server

        self._loop = asyncio.get_running_loop()
        self._server = Server(
            self._app,
            address="127.0.0.1",
            port=self._port,
            interface=Interfaces.ASGI,
            log_enabled=False,
        )
        await self._server.serve()

    async def _note_start(self) -> None:
        self._started.set()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_server(folder: Path) -> Generator[RunningServer]:
    """A server with its database in this folder."""
    server = RunningServer(folder)
    server.open()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def fresh_project(running: RunningServer) -> Generator[FarworkServer]:
    """The server to a project that nobody else uses."""
    from farwork.sdk import Client

    # The server's time never goes back while it is in use; whatever else this process does between
    # two tests goes by the world's.
    clock.step(running.ahead_s)
    try:
        project = f"test-{next(_numbers)}"
        key = running.new_key(project, "admin")
        with Client(running.url, key) as client:
            yield FarworkServer(running.url, project, key, client, running)
    finally:
        running.ahead_s = clock.set_right()


@pytest.fixture(scope="session")
def _farwork_running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("farwork")) as running:
        yield running


@pytest.fixture
def farwork_server(_farwork_running_server: RunningServer) -> Iterator[FarworkServer]:
    """A real server with a project of the test's own, whose clock can be stepped."""
    with fresh_project(_farwork_running_server) as server:
        yield server
