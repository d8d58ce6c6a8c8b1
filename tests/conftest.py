import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import settings

from tests.support.postgres import Databases, PostgresServer
from tests.support.postgres_keeper import run_alive, shared_server_url

RUN_FOLDER = pytest.StashKey[Path]()
RUN = pytest.StashKey[ExitStack]()
POSTGRES_FIXTURES = {"postgres_databases", "durable_postgres"}

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=5_000)
settings.load_profile(
    os.environ.get("FARWORK_TEST_PROFILE", "ci" if os.environ.get("CI") else "dev")
)


class XdistNode(Protocol):
    """The part of a pytest-xdist worker that we touch; the plugin has no types of its own."""

    config: pytest.Config
    workerinput: dict[str, str]


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[RUN_FOLDER] = Path(given["run_folder"])
        return
    run = config.stash[RUN] = ExitStack()
    folder = Path(run.enter_context(tempfile.TemporaryDirectory(prefix="fw-run-")))
    run.enter_context(run_alive(folder))
    config.stash[RUN_FOLDER] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: XdistNode) -> None:
    node.workerinput["run_folder"] = str(node.config.stash[RUN_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if POSTGRES_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("postgres")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _without_skips((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _without_skips((yield))


def _without_skips(report: Report) -> Report:
    """In CI a skipped test is a failed one: what was not run was not checked."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which fails in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres_databases(request: pytest.FixtureRequest, worker_id: str) -> Databases:
    """Makes databases on the one server of this run; its fsync is off."""
    return Databases(shared_server_url(request.config.stash[RUN_FOLDER]), worker_id)


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """A fresh, empty PostgreSQL database for one test."""
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """A fresh, empty PostgreSQL database shared by the tests of one module."""
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of one test's own that really syncs, for tests that crash it."""
    server = PostgresServer(durable=True)
    try:
        server.start()
        yield server
        server.crash()
    finally:
        server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'farwork.db'}"


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test on both engines."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return request.getfixturevalue(fixture)
