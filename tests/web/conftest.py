from collections.abc import Iterator

import pytest

from tests.support.server import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on SQLite; tests keep apart by their projects."""
    folder = tmp_path_factory.mktemp("web")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running
