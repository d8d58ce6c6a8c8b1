from collections.abc import Iterator
from itertools import count

import pytest

from farwork.service.access import Role
from tests.dialects.uniqc.gateway import Gateway, key_for
from tests.support.postgres import Databases
from tests.support.server import Server, serving

PROJECTS = (f"lab-{number}" for number in count(1))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests that are coroutines run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("uniqc")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("uniqc-postgres")
    with postgres_databases.fresh() as url, serving(url, folder) as running:
        yield running


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks nobody who they are."""
    folder = tmp_path_factory.mktemp("uniqc-open")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, "--auth", "off") as running:
        yield running


@pytest.fixture(
    params=["sqlite_server", pytest.param("postgres_server", marks=pytest.mark.postgres)]
)
def server(request: pytest.FixtureRequest) -> Server:
    """The same test on both engines."""
    running: Server = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def gateway(server: Server) -> Iterator[Gateway]:
    """An operator's view of a project of this test's own, on both engines."""
    with opened(server) as shown:
        yield shown


@pytest.fixture
def sqlite_gateway(sqlite_server: Server) -> Iterator[Gateway]:
    """An operator's view of a project of this test's own, where the engine makes no difference."""
    with opened(sqlite_server) as shown:
        yield shown


def opened(server: Server) -> Gateway:
    project = next(PROJECTS)
    return Gateway(server, project, key_for(server, project, Role.OPERATOR))
