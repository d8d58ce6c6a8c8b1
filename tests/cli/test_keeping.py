"""Backups are made under load and restored after a loss; what was acknowledged is in them."""

import json
import sqlite3
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from tests.cli.conftest import Serving, Shell
from tests.support.postgres import Databases, installed_postgres

AT_LEAST = 50


@contextmanager
def reporting(url: str) -> Generator[list[str]]:
    """The ids of tasks that were reported and acknowledged meanwhile, in their order."""
    taken: list[str] = []
    stop, begun = Event(), Event()

    def report() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not stop.is_set():
                id_ = f"t{len(taken)}"
                said = {"task_id": id_, "state": "running", "metadata": {"n": len(taken)}}
                assert client.post("/v1/reports", json=said).status_code == 200
                taken.append(id_)
                if len(taken) == AT_LEAST:
                    begun.set()

    thread = Thread(target=report)
    thread.start()
    try:
        assert begun.wait(30)
        yield taken
    finally:
        stop.set()
        thread.join()


def ids(url: str) -> set[str]:
    with httpx.Client(base_url=url, timeout=30) as client:
        lines = client.get("/v1/export").text.splitlines()
    return {json.loads(line)["id"] for line in lines}


def served(shell: Shell, database: str) -> Serving:
    return Serving(shell, "--port", "0", "--database", database, "--auth", "off")


def test_a_backup_made_while_reports_come_restores_all_that_was_acknowledged(
    shell: Shell, database: str, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    with served(shell, database) as serving:
        with reporting(serving.url) as taken:
            before = set(taken)
            done = shell("backup", str(copy), "--json", "--database", database)
        assert (done.code, done.err) == (0, "")
        assert done.objects == [{"file": str(copy), "bytes": copy.stat().st_size}]
        serving.stop()
    lost = Path(database.removeprefix("sqlite:///"))
    for file in lost.parent.iterdir():
        file.unlink()
    copy.rename(lost)
    assert shell("verify", "--database", database).out == "All agrees.\n"
    with served(shell, database) as serving:
        assert before <= ids(serving.url) <= set(taken)


def test_a_backup_takes_no_place_that_is_taken(shell: Shell, database: str, tmp_path: Path) -> None:
    shell("migrate", "--database", database)
    there = tmp_path / "there"
    there.write_text("kept")
    done = shell("backup", str(there), "--database", database)
    assert (done.code, there.read_text()) == (2, "kept")
    assert shell("backup", str(there), "--replace", "--database", database).code == 0
    assert there.stat().st_mode & 0o077 == 0, "it holds secrets"
    nowhere = shell("backup", str(tmp_path / "no" / "where"), "--database", database)
    assert (nowhere.code, sorted(file.name for file in tmp_path.iterdir())) == (
        3,
        ["data", "there"],
    )


def test_a_damaged_database_is_told_of(shell: Shell, database: str, tmp_path: Path) -> None:
    shell("migrate", "--database", database)
    file = Path(database.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        rows = [(f"{n:050}" * 20, "x" * 50, n) for n in range(2_000)]
        connection.executemany("INSERT INTO projects VALUES (?, ?, ?)", rows)
    connection.close()
    with file.open("r+b") as raw:
        raw.seek(file.stat().st_size // 2)
        raw.write(b"\xff" * 8_192)
    done = shell("backup", str(tmp_path / "copy"), "--database", database)
    assert (done.code, "damaged" in done.err) == (1, True)


def test_postgresql_is_backed_up_with_pg_dump_as_the_documentation_says(
    shell: Shell, postgres_databases: Databases, tmp_path: Path
) -> None:
    binaries, file = installed_postgres() / "bin", tmp_path / "farwork.dump"
    with postgres_databases.fresh() as url, served(shell, url) as serving:
        with reporting(serving.url) as taken:
            before = set(taken)
            advice = shell("backup", str(file), "--database", url)
            assert (advice.code, f"--file={file}" in advice.err) == (2, True)
            run(binaries / "pg_dump", "--format=custom", f"--file={file}", url)
        serving.stop()
    with postgres_databases.fresh() as url:
        run(binaries / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(file))
        assert shell("verify", "--database", url).out == "All agrees.\n"
        with served(shell, url) as serving:
            assert before <= ids(serving.url) <= set(taken)


def run(program: Path, *arguments: str) -> None:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_verify_tells_of_what_does_not_agree(shell: Shell, database: str) -> None:
    with served(shell, database) as serving:
        httpx.post(f"{serving.url}/v1/reports", json={"task_id": "a", "state": "running"})
        assert shell("verify", "--database", database).code == 0, "while it is being served"
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE tasks SET state = 'failed'")
    connection.close()
    done = shell("verify", "--json", "--database", database)
    assert done.code == 1
    assert {one["check"] for one in done.objects} == {"counters", "tasks"}
    assert "its state is" in done.out
    assert "its state is" in shell("verify", "--database", database).err


def test_a_copy_serves_what_the_source_served(
    shell: Shell, database: str, postgres_url: str
) -> None:
    with served(shell, database) as serving:
        with reporting(serving.url) as taken:
            refused = shell("copy", database, postgres_url)
            assert (refused.code, "is being served already" in refused.err) == (3, True)
        serving.stop()
    done = shell("copy", "--json", database, postgres_url)
    assert (done.code, done.objects[0]["went_on"]) == (0, False)
    assert shell("copy", database, postgres_url).code == 1
    with served(shell, postgres_url) as serving:
        assert ids(serving.url) == set(taken)


def test_a_copy_says_which_of_the_two_databases_is_wrong(shell: Shell, database: str) -> None:
    shell("migrate", "--database", database)
    nowhere = shell("copy", database, "postgresql://farwork:s3cret@127.0.0.1:1/x")
    assert (nowhere.code, "127.0.0.1:1/x cannot be used" in nowhere.err) == (3, True)
    assert "s3cret" not in nowhere.err
    itself = shell("copy", database, database)
    assert (itself.code, "the same database" in itself.err) == (2, True)


def test_verify_and_doctor_say_how_an_unfinished_copy_is_ended(shell: Shell, database: str) -> None:
    shell("migrate", "--database", database)
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE farwork_version SET version_num = 'copying'")
    connection.close()
    done = shell("verify", "--database", database)
    assert (done.code, "unfinished copy" in done.err, "migrate" in done.err) == (3, True, False)
    looked = shell("doctor", "--database", database)
    assert (looked.code, "unfinished copy" in looked.out, "newer" in looked.out) == (1, True, False)


@pytest.mark.parametrize("command", ["backup", "verify", "copy"])
def test_a_database_that_is_not_there_is_not_made(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    arguments = {
        "backup": [str(tmp_path / "x"), "--database", url],
        "verify": ["--database", url],
        "copy": [url, f"sqlite:///{tmp_path}/x"],
    }[command]
    assert shell(command, *arguments).code == 3
    assert list(tmp_path.iterdir()) == []
