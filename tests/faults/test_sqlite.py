"""A SQLite file that cannot be written to, or read: a clear error, no loss, and back by itself."""

import resource
import sqlite3
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.crowd import OK, UNAVAILABLE, Crowd, what_is_wrong_with
from tests.faults.test_killed import children
from tests.support.server import FARWORK, Server, serving
from tests.support.waiting import until

SMALL_BYTES = 3 << 20
PADDING = "x" * 30_000


def database_in(folder: Path) -> str:
    return f"sqlite:///{folder}/farwork.db"


def says(response: httpx.Response, *words: str) -> None:
    """It is a 503 that says when to come again and what is wrong."""
    problem = response.json()
    assert response.status_code == UNAVAILABLE, response.text
    assert int(response.headers["retry-after"]) >= 1
    assert problem["code"] == "storage_unavailable"
    assert any(word in problem["detail"] for word in words), problem


def says_not_ready(client: httpx.Client, *words: str) -> None:
    response = client.get("/readyz")
    assert response.status_code == UNAVAILABLE, response.text
    reasons = " ".join(response.json()["reasons"])
    assert any(word in reasons for word in words), reasons


def is_well_again(client: httpx.Client) -> None:
    until(lambda: client.get("/readyz").status_code == OK, "the server is ready again")
    response = client.post(
        "/v1/reports", json={"task_id": "after", "state": "running", "labels": {"n": "2"}}
    )
    assert response.status_code == OK, response.text


# A disk without room.


def may_mount(folder: Path) -> bool:
    """Make a file system of our own there; not everybody may, not even every root."""
    command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", folder]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path) -> Generator[Callable[[], None]]:
    """A file system with little room in a folder; gives what makes it larger."""
    try:
        yield lambda: _remount(folder)
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=True)


def _remount(folder: Path) -> None:
    subprocess.run(["/bin/mount", "-o", f"remount,size={SMALL_BYTES * 20}", folder], check=True)


@contextmanager
def small_files(server: Server) -> Generator[Callable[[], None]]:
    """The server's files may not grow beyond a bound; gives what lifts it."""
    processes = [server.process, *children(server.process)]
    before = resource.prlimit(processes[0], resource.RLIMIT_FSIZE)
    for process in processes:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (SMALL_BYTES, before[1]))

    def lift() -> None:
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, before)

    yield lift


@contextmanager
def short_of_room(folder: Path) -> Generator[tuple[Server, Callable[[], None]]]:
    room = folder / "small"
    room.mkdir()
    if may_mount(room):
        with small_disk(room) as more, serving(database_in(room), folder) as server:
            yield server, more
    else:
        with serving(database_in(folder), folder) as server, small_files(server) as more:
            yield server, more


def fill(client: httpx.Client) -> tuple[list[str], httpx.Response]:
    """Report until nothing fits any more: what was taken, and the last answer, that was no 200."""
    taken: list[str] = []
    labels = {"n": "1"}
    for n in range(5_000):
        metadata = {"padding": PADDING}
        said = {"task_id": f"t-{n}", "state": "running", "labels": labels, "metadata": metadata}
        response = client.post("/v1/reports", json=said)
        if response.status_code != OK:
            return taken, response
        taken.append(f"t-{n}")
    raise AssertionError("there was room for everything")


def missing(client: httpx.Client, ids: list[str]) -> list[str]:
    return [id_ for id_ in ids if client.get(f"/v1/tasks/{id_}").status_code != OK]


@pytest.mark.timeout(120)
def test_a_full_disk_is_told_loses_nothing_and_is_got_over(tmp_path: Path) -> None:
    with short_of_room(tmp_path) as (server, make_room), server.client(server.key()) as client:
        taken, refused = fill(client)
        assert taken
        says(refused, "full", "disk I/O error")
        says_not_ready(client, "full", "disk I/O error")
        assert missing(client, taken) == []
        make_room()
        is_well_again(client)
        assert missing(client, taken) == []
        assert what_is_wrong_with(server.database, Crowd()) == {}


# A file that another program holds.


@pytest.mark.timeout(120)
def test_a_locked_file_is_told_and_waited_for(tmp_path: Path) -> None:
    with (
        serving(database_in(tmp_path), tmp_path) as server,
        server.client(server.key()) as client,
    ):
        client.post("/v1/reports", json={"task_id": "before", "state": "running"})
        holder = sqlite3.connect(tmp_path / "farwork.db", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        says(client.post("/v1/reports", json={"task_id": "during"}), "database is locked")
        says_not_ready(client, "database is locked")
        assert client.get("/v1/tasks/before").status_code == OK
        holder.execute("ROLLBACK")
        holder.close()
        is_well_again(client)
        assert client.get("/v1/tasks/during").status_code == httpx.codes.NOT_FOUND


# A file that is broken.


def quiet_copy(path: Path) -> bytes:
    """The whole content of the database, brought into its one file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


def overwrite(path: Path, content: bytes, start: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content[start:])


@pytest.mark.timeout(120)
def test_a_broken_file_is_told_and_once_mended_it_is_served_again(tmp_path: Path) -> None:
    path = tmp_path / "farwork.db"
    with (
        serving(database_in(tmp_path), tmp_path) as server,
        server.client(server.key()) as client,
    ):
        ids = [f"task-{n}" for n in range(50)]
        client.post("/v1/reports", json=[{"task_id": id_, "state": "running"} for id_ in ids])
        good = quiet_copy(path)
        overwrite(path, bytes(len(good)), start=4_096)
        broken = "malformed", "not a database"
        until(
            lambda: client.get("/v1/tasks/task-7").status_code == UNAVAILABLE,
            "the server has noticed",
        )
        says(client.get("/v1/tasks/task-7"), *broken)
        says(client.post("/v1/reports", json={"task_id": "lost"}), *broken)
        says_not_ready(client, *broken)
        overwrite(path, good)
        is_well_again(client)
        assert missing(client, ids) == []
        assert client.get("/v1/tasks/lost").status_code == httpx.codes.NOT_FOUND


def start_on(path: Path) -> "subprocess.CompletedProcess[str]":
    command: list[Any] = [FARWORK, "serve", "--port", "0", "--database", f"sqlite:///{path}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_server_does_not_start_on_what_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "diary.txt"
    path.write_text("Dear diary, " * 1_000)
    ended = start_on(path)
    assert ended.returncode != 0
    assert "file is not a database" in ended.stderr
    assert "Traceback" not in ended.stderr
