from collections.abc import Iterator

import pytest

from tests.native.api import Api, fresh_project
from tests.support.postgres import Databases
from tests.support.server import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on SQLite; tests keep apart by their projects."""
    folder = tmp_path_factory.mktemp("native")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Two processes on one PostgreSQL: what holds here holds whoever of them is asked."""
    folder = tmp_path_factory.mktemp("native-postgres")
    with postgres_databases.fresh() as url, serving(url, folder, "--processes", "2") as running:
        yield running


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks nobody who they are."""
    folder = tmp_path_factory.mktemp("native-open")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, "--auth", "off") as running:
        yield running


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    """The API to an admin of a project of the test's own."""
    with fresh_project(server) as opened:
        yield opened


@pytest.fixture(params=["server", pytest.param("postgres_server", marks=pytest.mark.postgres)])
def each_api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """The same on both engines."""
    running: Server = request.getfixturevalue(request.param)
    with fresh_project(running) as opened:
        yield opened
