"""The engines that the tests stand on do what the other tests take for granted."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.support.postgres import Databases, PostgresServer
from tests.support.postgres_keeper import KEEPING, locked

RUN_THAT_NEVER_ENDS = """
import sys
from pathlib import Path
from tests.support.postgres_keeper import run_alive, shared_server_url
with run_alive(Path(sys.argv[1])):
    print(shared_server_url(Path(sys.argv[1])), flush=True)
    sys.stdin.read()
"""


def test_a_fresh_database_is_empty_and_speaks_sqlalchemy_on_both_engines(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    try:
        assert sa.inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE marks (n INTEGER)"))
    finally:
        engine.dispose()


@pytest.mark.parametrize("time", [1, 2])
def test_a_database_of_one_test_is_not_seen_by_the_next(postgres_url: str, time: int) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE only_mine (n integer)")
        assert time in {1, 2}


def test_a_database_is_dropped_under_an_open_connection(
    postgres_databases: Databases,
) -> None:
    with postgres_databases.fresh() as url:
        left_open = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    left_open.close()


def test_a_durable_server_keeps_a_committed_row_through_a_crash(
    durable_postgres: PostgresServer,
) -> None:
    url = durable_postgres.url("postgres")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    durable_postgres.crash()
    durable_postgres.start()
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT n, current_setting('fsync') FROM kept").fetchone()
    assert row == (7, "on")


def test_a_killed_run_leaves_no_server_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_THAT_NEVER_ENDS, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        url = sa.make_url(run.stdout.readline().strip())
        folder = Path(str(url.query["host"]))
        assert (folder / "data" / "postmaster.pid").exists()
        run.kill()
    with locked(tmp_path / KEEPING):
        assert not folder.exists()
