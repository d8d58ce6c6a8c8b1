from collections.abc import Iterator
from itertools import count

import pytest

from tests.dialects.argus.sampledb import SampleDb
from tests.support.postgres import Databases
from tests.support.server import Server, serving

PROJECTS = (f"soc-{number}" for number in count(1))


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("argus")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("argus-postgres")
    with postgres_databases.fresh() as url, serving(url, folder) as running:
        yield running


@pytest.fixture(
    params=["sqlite_server", pytest.param("postgres_server", marks=pytest.mark.postgres)]
)
def server(request: pytest.FixtureRequest) -> Server:
    """The same test on both engines."""
    running: Server = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def argus(server: Server) -> Iterator[SampleDb]:
    """An admin's view of a project of this test's own, on both engines."""
    with SampleDb(server, next(PROJECTS)) as opened:
        yield opened


@pytest.fixture
def sqlite_argus(sqlite_server: Server) -> Iterator[SampleDb]:
    """The same where the engine makes no difference."""
    with SampleDb(sqlite_server, next(PROJECTS)) as opened:
        yield opened
