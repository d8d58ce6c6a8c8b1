from collections.abc import Iterator
from itertools import count

import pytest

from farwork.service.access import Role
from tests.dialects.uniqc.gateway import Gateway, key_for
from tests.support.server import Server

PROJECTS = (f"lab-{number}" for number in count(1))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests that are coroutines run on asyncio."""
    return "asyncio"


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
