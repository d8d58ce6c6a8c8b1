from collections.abc import Iterator
from itertools import count

import pytest

from farwork.service.access import Role
from tests.dialects.scanhub.lab import Lab
from tests.support.server import Server

PROJECTS = (f"clinic-{number}" for number in count(1))


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
