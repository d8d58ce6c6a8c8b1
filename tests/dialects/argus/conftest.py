from collections.abc import Iterator
from itertools import count

import pytest

from tests.dialects.argus.sampledb import SampleDb
from tests.support.server import Server

PROJECTS = (f"soc-{number}" for number in count(1))


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
