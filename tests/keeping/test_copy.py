"""An installation is moved with nothing lost, between engines, in one go or in several."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from farwork.storage import copying
from farwork.storage import tables as t
from farwork.storage.copying import CopyRefused, copy
from farwork.storage.engine import open_engine
from farwork.storage.errors import SchemaError
from farwork.storage.schema import migrate
from tests.keeping.scene import ALLOWED, fill
from tests.keeping.test_verify import wrong
from tests.support.apps import served
from tests.support.postgres import Databases

pytestmark = pytest.mark.anyio

Contents = dict[str, list[tuple[Any, ...]]]
# What the tables themselves demand.
WORDS: dict[str, dict[str, str | None]] = {
    "state": {
        "tasks": "running",
        "shards": "running",
        "hooks": "active",
        "deliveries": "delivered",
        "sendings": "taken",
    },
    "kind": {"tokens": "access"},
    "role": {"users": "admin"},
    "key_id": {"sessions": None},
}


def contents(engine: sa.Engine) -> Contents:
    """Every row of every table."""
    found: Contents = {}
    with engine.connect() as connection:
        for table in t.metadata.sorted_tables:
            rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
    return found


def made_up(table: sa.Table, number: int) -> dict[str, Any]:
    """A row with something in every column, so that what is dropped is missed."""
    return {column.name: _value(table, column, number) for column in table.columns}


def _value(table: sa.Table, column: sa.Column[Any], number: int) -> Any:
    words = WORDS.get(column.name, {})
    if table.name in words:
        return words[table.name]
    match column.type:
        case sa.LargeBinary():
            return b"\x00\xff" + number.to_bytes(4, "big")
        case sa.Double():
            return 1 / (number + 3)
        case sa.Integer() | sa.BigInteger() | sa.SmallInteger():
            return number + 1
        case _:
            return f"ü-{number:04}-日本"


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite"])
def sides(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_databases: Databases
) -> Iterator[list[sa.Engine]]:
    """A database to copy from, and one to copy to, on the other engine."""
    sqlite = f"sqlite:///{tmp_path}/farwork.db"
    with postgres_databases.fresh() as postgres:
        urls = (sqlite, postgres) if request.param.startswith("sqlite") else (postgres, sqlite)
        engines = [open_engine(url) for url in urls]
        yield engines
        for engine in engines:
            engine.dispose()


@pytest.fixture
def filled(sides: list[sa.Engine]) -> tuple[sa.Engine, sa.Engine]:
    """The same, with made-up rows in every table of the first."""
    source, target = sides
    migrate(source)
    with source.begin() as connection:
        for table in t.metadata.sorted_tables:
            # Projects and heads are there already, under other names.
            connection.execute(table.insert(), [made_up(table, n) for n in range(12)])
    return source, target


def test_every_row_of_every_table_comes_over(filled: tuple[sa.Engine, sa.Engine]) -> None:
    source, target = filled
    done = copy(source, target)
    before = contents(source)
    assert contents(target) == before
    assert done.rows == sum(map(len, before.values()))
    assert min(map(len, before.values())) > 0, "a table was not tried"


class Interrupted(Exception):
    """Somebody pulled the plug."""


def test_a_copy_may_be_interrupted_anywhere_and_goes_on(
    filled: tuple[sa.Engine, sa.Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = filled
    monkeypatch.setattr(copying, "ROWS_AT_ONCE", 6)
    steps = 0

    def pull_the_plug(_table: str, _rows: int) -> None:
        nonlocal steps
        steps += 1
        if steps % 11 == 0:
            raise Interrupted

    tries = 1
    while True:
        try:
            done = copy(source, target, pull_the_plug)
            break
        except Interrupted:
            tries += 1
            with pytest.raises(SchemaError, match="unfinished copy"):
                migrate(target)
    assert (tries > 5, done.went_on) == (True, True)
    assert contents(target) == contents(source)


def test_a_source_that_changed_between_two_runs_is_found(
    filled: tuple[sa.Engine, sa.Engine],
) -> None:
    source, target = filled

    def pull_the_plug(table: str, _rows: int) -> None:
        if table == "workers":
            raise Interrupted

    with pytest.raises(Interrupted):
        copy(source, target, pull_the_plug)
    with source.begin() as connection:
        connection.execute(sa.update(t.tasks).values(percent=99.0))
    with pytest.raises(CopyRefused, match="tasks is not the same"):
        copy(source, target)
    with pytest.raises(SchemaError, match="unfinished copy"):
        migrate(target)


def test_what_is_there_is_not_overwritten(filled: tuple[sa.Engine, sa.Engine]) -> None:
    source, target = filled
    migrate(target)
    with pytest.raises(CopyRefused, match="holds an installation already"):
        copy(source, target)


async def test_an_installation_works_on_after_its_move(sides: list[sa.Engine]) -> None:
    source, target = sides
    url = source.url.render_as_string(hide_password=False)
    async with served(url, **ALLOWED) as client:
        await fill(client)
        before = (await client.get("/v1/export")).content
    copy(source, target)
    async with served(target.url.render_as_string(hide_password=False)) as client:
        assert (await client.get("/v1/export")).content == before
        told = await client.post("/v1/reports", json={"task_id": "plain", "state": "succeeded"})
        assert told.json()["verdict"] == "applied"
        claimed = await client.post("/v1/claims", json={"worker": "w2", "queues": ["default"]})
        assert claimed.status_code == 200
    with target.connect() as connection:
        assert wrong(connection) == []


def test_a_copy_holds_little_at_a_time_however_much_there_is(tmp_path: Path) -> None:
    source, target = (open_engine(f"sqlite:///{tmp_path}/{name}.db") for name in "ab")
    migrate(source)
    with source.begin() as connection:
        for number in range(60):
            row = made_up(t.documents, number) | {"body": "x" * 1_000_000}
            connection.execute(t.documents.insert(), [row])
    tracemalloc.start()
    copy(source, target)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40_000_000
    source.dispose()
    target.dispose()


async def test_an_installation_that_is_in_use_is_not_copied(
    postgres_url: str, tmp_path: Path
) -> None:
    source, target = open_engine(postgres_url), open_engine(f"sqlite:///{tmp_path}/farwork.db")
    async with served(postgres_url):
        with pytest.raises(CopyRefused, match="is in use"):
            copy(source, target)
    source.dispose()
    target.dispose()
