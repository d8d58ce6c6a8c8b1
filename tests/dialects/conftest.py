"""What the tests of all dialects share: a server on each engine; projects keep the tests apart."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import Databases
from tests.support.server import Server, serving


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dialects")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dialects-postgres")
    with postgres_databases.fresh() as url, serving(url, folder) as running:
        yield running


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks nobody who they are."""
    folder = tmp_path_factory.mktemp("dialects-open")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, "--auth", "off") as running:
        yield running


@pytest.fixture(
    params=["sqlite_server", pytest.param("postgres_server", marks=pytest.mark.postgres)]
)
def server(request: pytest.FixtureRequest) -> Server:
    """The same test on both engines."""
    running: Server = request.getfixturevalue(request.param)
    return running
