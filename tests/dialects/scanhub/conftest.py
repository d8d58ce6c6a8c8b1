from collections.abc import Iterator
from itertools import count

import pytest

from farwork.service.access import Role
from tests.dialects.scanhub.lab import Lab
from tests.support.postgres import Databases
from tests.support.server import Server, serving

PROJECTS = (f"clinic-{number}" for number in count(1))


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("scanhub")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(
    postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("scanhub-postgres")
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
def lab(server: Server) -> Iterator[Lab]:
    """An operator's view of a project of this test's own, on both engines."""
    with Lab(server, next(PROJECTS)) as opened:
        yield opened


@pytest.fixture
def sqlite_lab(sqlite_server: Server) -> Iterator[Lab]:
    """The same where the engine makes no difference."""
    with Lab(sqlite_server, next(PROJECTS)) as opened:
        yield opened


@pytest.fixture
def viewer(sqlite_lab: Lab) -> Iterator[Lab]:
    """Somebody who may only read in the project of `sqlite_lab`."""
    with Lab(sqlite_lab.server, sqlite_lab.project, Role.VIEWER) as opened:
        yield opened
