from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from tests.dialects.sartiq.sender import Sender
from tests.support.postgres import Databases
from tests.support.server import Server, serving

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on SQLite; tests keep apart by their task ids and projects."""
    folder = tmp_path_factory.mktemp("sartiq")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Two processes on one PostgreSQL: what holds here holds whoever of them is asked."""
    folder = tmp_path_factory.mktemp("sartiq-postgres")
    with postgres_databases.fresh() as url, serving(url, folder, "--processes", "2") as running:
        yield running


@pytest.fixture(params=["server", pytest.param("postgres_server", marks=pytest.mark.postgres)])
def each_server(request: pytest.FixtureRequest) -> Server:
    """The same test on both engines."""
    running: Server = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="session")
def admin_key(server: Server) -> str:
    return server.key()


@pytest.fixture(scope="session")
def client(server: Server, admin_key: str) -> Iterator[httpx.Client]:
    with server.client(admin_key) as opened:
        yield opened


@pytest.fixture
def sender(client: httpx.Client) -> Sender:
    """Posts events about a task of this test's own."""
    return Sender(client, f"task-{next(NUMBERS)}")
