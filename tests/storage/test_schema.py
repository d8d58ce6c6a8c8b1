"""The schema comes from migrations, is the one that the program works with, and guards itself."""

import inspect
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from farwork.storage import schema, tables
from farwork.storage.engine import open_engine, parse_url
from farwork.storage.errors import DatabaseUrlError, SchemaError
from farwork.storage.schema import REVISION, VERSION_TABLE, migrate, revision_of

LAST_TABLE = "heads"
versions = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
OUTER_COMMA = re.compile(r",\s*(?![^(]*\))")
DESCRIPTIONS = {
    "sqlite": ("SELECT type, name, sql FROM sqlite_master",),
    "postgresql": (
        """
        SELECT table_name, column_name, ordinal_position, data_type, is_nullable, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'
        """,
        """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """,
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    ),
}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_a_migrated_database_has_no_difference_that_alembic_sees(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []


def test_a_migrated_database_is_word_for_word_one_that_the_tables_describe(
    engine: sa.Engine,
) -> None:
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        described = description(connection)
        tables.metadata.drop_all(connection)
    migrate(engine)
    with engine.begin() as connection:
        migrated = {fact for fact in description(connection) if VERSION_TABLE not in str(fact)}
    assert migrated == described


def test_a_fresh_database_begins_at_nought_and_has_the_default_project(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        heads = {row.name: row.value for row in connection.execute(sa.select(tables.heads))}
        projects = connection.execute(sa.select(tables.projects.c.id)).scalars().all()
    assert heads == {"feed": 0, "task": 0}
    assert projects == ["default"]


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.update(tables.heads).values(value=7))
    migrate(engine)
    with engine.begin() as connection:
        assert set(connection.execute(sa.select(tables.heads.c.value)).scalars()) == {7}


def test_an_up_to_date_database_is_recognised_without_running_alembic(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(engine)

    def refuse(name: str) -> ModuleType:
        raise AssertionError(f"{name} is loaded although nothing is to do")

    monkeypatch.setattr(schema, "import_module", refuse)
    migrate(engine)


def test_the_revision_that_the_program_looks_for_is_the_newest_there_is(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert scripts(connection).get_heads() == [REVISION]


def test_no_revision_offers_a_way_back(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        revisions = list(scripts(connection).walk_revisions())
    assert [r.revision for r in revisions if hasattr(r.module, "downgrade")] == []


def test_revisions_speak_for_themselves_and_do_not_follow_the_tables(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        sources = [inspect.getsource(r.module) for r in scripts(connection).walk_revisions()]
    assert [source for source in sources if "farwork.storage" in source] == []


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    together = Barrier(4)

    def start() -> str | None:
        engine = open_engine(database_url)
        together.wait(timeout=20)
        migrate(engine)
        with engine.begin() as connection:
            revision = revision_of(connection)
        engine.dispose()
        return revision

    with ThreadPoolExecutor(4) as pool:
        starting = [pool.submit(start) for _ in range(4)]
        assert [process.result() for process in starting] == [REVISION] * 4


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    together = Barrier(8)

    def start(name: str) -> str:
        engine = open_engine(f"sqlite:///{tmp_path / name}.db")
        together.wait(timeout=20)
        with engine.connect() as connection:
            mode: str = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        engine.dispose()
        return mode

    names = [str(number) for number in range(20) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(start, names)) == {"wal"}


def test_a_migration_that_fails_leaves_nothing_behind(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE VIEW {LAST_TABLE} AS SELECT 1 AS one")
    with pytest.raises(SchemaError, match=f"{LAST_TABLE}.* already exists"):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == []


def test_a_database_of_a_newer_program_is_refused(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.update(versions).values(version_num="9999"))
    with pytest.raises(
        SchemaError, match=rf"schema 9999, made by a newer Farwork.*up to {REVISION}"
    ):
        migrate(engine)


def test_a_database_of_another_program_is_refused_and_left_alone(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(SchemaError, match="not Farwork's, 'invoices' among them"):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == ["invoices"]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 1_000)
    engine = open_engine(f"sqlite:///{path}")
    with pytest.raises(SchemaError, match=r"notes\.txt cannot be used: file is not a database"):
        migrate(engine)
    assert path.read_text() == "Dear diary, " * 1_000


def test_a_place_that_cannot_hold_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUrlError, match="cannot be made: Not a directory"):
        open_engine(f"sqlite:///{tmp_path}/file/below/farwork.db")
    with pytest.raises(SchemaError, match="unable to open database file"):
        migrate(open_engine(f"sqlite:///{tmp_path}"))


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    engine = open_engine("postgresql://ada:secret@127.0.0.1:1/farwork")
    with pytest.raises(SchemaError, match=r"connection .*failed") as refused:
        migrate(engine)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "no url at all", "sqlite://", "sqlite:///:memory:", ""]
)
def test_a_url_of_no_use_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(DatabaseUrlError, match=r"use sqlite:////absolute/path\.db"):
        parse_url(url)


@pytest.mark.parametrize("url", ["postgres://host/name", "postgresql://host/name"])
def test_both_spellings_of_postgresql_are_taken(url: str) -> None:
    assert parse_url(url).drivername == "postgresql+psycopg"


def description(connection: sa.Connection) -> set[tuple[Any, ...]]:
    statements = DESCRIPTIONS[connection.dialect.name]
    return {
        (*(normal(value) for value in row),)
        for statement in statements
        for row in connection.exec_driver_sql(statement)
    }


def normal(value: Any) -> Any:
    """Order of constraints, spaces and quotes are Alembic's own; SQLite adds columns at the end."""
    if not isinstance(value, str):
        return value
    head, _, body = value.replace('"', "").partition("(")
    if not head.startswith("CREATE TABLE"):
        return (head.strip(), body)
    parts, _, end = body.rpartition(")")
    return (head.strip(), *sorted(part.strip() for part in OUTER_COMMA.split(parts)), end.strip())


def scripts(connection: sa.Connection) -> ScriptDirectory:
    return ScriptDirectory.from_config(schema.configuration(connection))
