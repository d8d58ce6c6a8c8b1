from collections.abc import Iterator

import pytest

from farwork.sdk import Client
from tests.native.api import Api, fresh_project
from tests.support.server import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("worker")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    with fresh_project(server) as opened:
        yield opened


@pytest.fixture
def client(api: Api) -> Iterator[Client]:
    """The SDK's client, with the key of a worker of the test's project."""
    with Client(api.server.url, api.server.key("worker", api.project)) as opened:
        yield opened
