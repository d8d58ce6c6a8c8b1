from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.native.api import Api, fresh_project
from tests.support.server import Server, serving
from tests.web import scene
from tests.web.desk import Desk, launched, sitting


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on SQLite; tests keep apart by their projects."""
    folder = tmp_path_factory.mktemp("web")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder, **scene.SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser; every test has a tab of its own in it."""
    with sync_playwright() as playwright:
        opened = launched(playwright)
        yield opened
        opened.close()


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    """The API to an admin of a project of the test's own."""
    with fresh_project(server) as opened:
        yield opened


@pytest.fixture
def desk(chromium: Browser, api: Api) -> Iterator[Desk]:
    """An admin of that project at the browser. No page may complain, nor ask anybody else."""
    with sitting(chromium, api.server.url, api.server.key("admin", api.project, "anna")) as opened:
        yield opened
    assert opened.complaints == []


@pytest.fixture(scope="session")
def scenery(server: Server) -> Iterator[Api]:
    """A project with a day of work in it, which no test changes."""
    with fresh_project(server) as opened:
        scene.play(opened)
        yield opened
