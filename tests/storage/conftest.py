from collections.abc import Iterator
from itertools import count
from pathlib import Path
from shutil import copyfile

import pytest

from farwork import clock
from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from farwork.storage.store import Store
from tests.storage.desk import Desk
from tests.support.postgres import Databases

PROJECTS = count(1)
ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def prepared(url: str) -> str:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def sqlite_store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return prepared(f"sqlite:///{tmp_path_factory.mktemp('storage')}/farwork.db")


@pytest.fixture(scope="session")
def postgres_store_url(postgres_databases: Databases) -> Iterator[str]:
    with postgres_databases.fresh() as url:
        yield prepared(url)


@pytest.fixture(scope="session", params=ENGINES)
def store_url(request: pytest.FixtureRequest) -> str:
    """A database on each engine, with its schema, shared by tests with a project of their own."""
    return request.getfixturevalue(f"{request.param.removesuffix('ql')}_store_url")


@pytest.fixture(scope="session")
def shared_store(store_url: str) -> Iterator[Store]:
    store = Store(store_url, clock.now)
    store.open()
    yield store
    store.close()


@pytest.fixture
def desk(shared_store: Store) -> Desk:
    """A desk in a fresh project of a store that other tests use too."""
    return Desk(shared_store, f"project-{next(PROJECTS)}")


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "farwork.db"
    prepared(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def own_postgres_url(postgres_databases: Databases) -> Iterator[str]:
    with postgres_databases.fresh() as url:
        yield prepared(url)


@pytest.fixture
def fresh_sqlite_url(empty_sqlite: Path, tmp_path: Path) -> str:
    copy = tmp_path / "farwork.db"
    copyfile(empty_sqlite, copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def fresh_postgres_url(own_postgres_url: str) -> str:
    """Emptied rather than made anew, which takes longer than most tests."""
    engine = open_engine(own_postgres_url)
    names = ", ".join(table.name for table in t.metadata.tables.values() if table is not t.projects)
    with engine.begin() as connection:
        # The trigger that keeps the audit trail append-only does not fire then.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(f"TRUNCATE {names}")
        connection.execute(t.heads.insert(), [{"name": n, "value": 0} for n in ("feed", "task")])
    engine.dispose()
    return own_postgres_url


@pytest.fixture(params=ENGINES)
def fresh_url(request: pytest.FixtureRequest) -> str:
    """A database of the test's own on each engine, with its schema."""
    return request.getfixturevalue(f"fresh_{request.param.removesuffix('ql')}_url")


@pytest.fixture
def own_store(fresh_url: str) -> Iterator[Store]:
    store = Store(fresh_url, clock.now)
    store.open()
    yield store
    store.close()


@pytest.fixture
def own_desk(own_store: Store) -> Desk:
    """A desk at a store of the test's own."""
    return Desk(own_store, "default")
