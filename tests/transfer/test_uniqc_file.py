"""The task database of uniqc, as it is written by uniqc and as it comes to be here."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from farwork.service.uniqc_file import APPLICATION_ID, UniqcFileError, open_uniqc
from tests.support.apps import served

NOON = "2026-03-25T12:00:00.000000+00:00"
LATER = "2026-03-25T13:30:00.500000+00:00"
TASK = """
    task_id TEXT PRIMARY KEY, backend TEXT NOT NULL, status TEXT NOT NULL,
    shots INTEGER NOT NULL DEFAULT 0, submit_time TEXT NOT NULL, update_time TEXT NOT NULL,
    result_json TEXT, metadata_json TEXT NOT NULL DEFAULT '{}'
"""
SHARD = """
    uniqc_task_id TEXT NOT NULL, shard_index INTEGER NOT NULL, platform_task_id TEXT NOT NULL,
    backend TEXT NOT NULL, circuit_count INTEGER NOT NULL DEFAULT 1,
    sub_index_offset INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, result_json TEXT,
    error_message TEXT, submit_time TEXT NOT NULL, update_time TEXT NOT NULL
"""
KEY = "PRIMARY KEY (uniqc_task_id, shard_index)"


class Uniqc:
    """What uniqc does to its database, as far as an import can see it."""

    def __init__(self, path: Path, version: int = 5) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        run = self.connection.execute
        run("PRAGMA journal_mode = WAL")
        run(f"PRAGMA application_id = {APPLICATION_ID}")
        run(f"PRAGMA user_version = {version}")
        run(f"CREATE TABLE tasks ({TASK})")
        run(f"CREATE TABLE archived_tasks ({TASK}, archived_at TEXT NOT NULL)")
        if version >= 3:
            run("ALTER TABLE tasks ADD COLUMN error_message TEXT")
            run("ALTER TABLE archived_tasks ADD COLUMN error_message TEXT")
        if version >= 4:
            run(f"CREATE TABLE task_shards ({SHARD}, {KEY})")
            run(f"CREATE TABLE archived_task_shards ({SHARD}, archived_at TEXT NOT NULL, {KEY})")

    def add(self, table: str = "tasks", **said: Any) -> None:
        known: dict[str, Any] = {"backend": "originq:WK_C180", "submit_time": NOON}
        known |= {"update_time": LATER, "status": "success"} | said
        marks = ", ".join("?" * len(known))
        statement = f"INSERT INTO {table} ({', '.join(known)}) VALUES ({marks})"  # noqa: S608 - our own names
        self.connection.execute(statement, list(known.values()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "tasks.sqlite"


@pytest.fixture
def uniqc(path: Path) -> Iterable[Uniqc]:
    path.parent.mkdir()
    database = Uniqc(path)
    yield database
    database.connection.close()


def read(path: Path) -> list[dict[str, Any]]:
    with open_uniqc(path) as file:
        found = list(file.records())
        assert file.count() == len(found)
        assert [json.loads(line) for line in file.lines()] == found
    return found


def test_a_task_comes_with_all_that_uniqc_knows_of_it(uniqc: Uniqc, path: Path) -> None:
    metadata = {"task_name": "bell", "circuit_ir": "QINIT 2"}
    uniqc.add(
        task_id="uqt_1", shots=500, result_json='{"00": 1}', metadata_json=json.dumps(metadata)
    )

    assert read(path) == [
        {
            "id": "uqt_1",
            "kind": "circuit",
            "name": "bell",
            "queue": "originq:WK_C180",
            "state": "succeeded",
            "metadata": metadata,
            "extensions": {"uniqc": {"shots": 500}},
            "result": {"00": 1},
            "created_at": "2026-03-25T12:00:00.000000Z",
            "updated_at": "2026-03-25T13:30:00.500000Z",
            "archived_at": None,
            "shards": [],
        }
    ]


def test_tasks_come_in_the_order_of_their_submission_archived_ones_among_them(
    uniqc: Uniqc, path: Path
) -> None:
    uniqc.add(task_id="c", submit_time="2026-03-25T12:00:02+00:00")
    uniqc.add(task_id="b")
    uniqc.add(task_id="a")
    shelf = {"archived_at": LATER, "submit_time": "2026-03-25T12:00:01+00:00"}
    uniqc.add("archived_tasks", task_id="z", **shelf)
    uniqc.add("archived_tasks", task_id="a", **shelf)

    with open_uniqc(path) as file:
        assert [record["id"] for record in file.records()] == ["b", "a", "z", "c"]
        assert file.hidden() == ["a"]
        assert file.count() == 4


@pytest.mark.parametrize(
    ("status", "state", "reported"),
    [
        ("pending", "queued", None),
        ("running", "running", None),
        ("success", "succeeded", None),
        ("failed", "failed", None),
        ("cancelled", "cancelled", None),
        ("Paused?", "running", "Paused?"),
    ],
)
def test_every_status_has_its_state(
    uniqc: Uniqc, path: Path, status: str, state: str, reported: str | None
) -> None:
    uniqc.add(task_id="a", status=status)
    (record,) = read(path)
    assert (record["state"], record.get("reported_status")) == (state, reported)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-25T12:00:00Z", "2026-03-25T12:00:00.000000Z"),
        ("2026-03-25T12:00:00.5", "2026-03-25T12:00:00.500000Z"),
        ("2026-03-25T12:00:00+08:00", "2026-03-25T04:00:00.000000Z"),
        ("2026-03-25 12:00", "2026-03-25T12:00:00.000000Z"),
        ("soon", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("", None),
    ],
)
def test_times_are_read_whatever_their_offset(
    uniqc: Uniqc, path: Path, text: str, time: str | None
) -> None:
    uniqc.add(task_id="a", submit_time=text, update_time="")
    (record,) = read(path)
    assert (record["created_at"], record["updated_at"]) == (time, time)


def test_a_task_is_archived_even_if_nobody_can_say_since_when(uniqc: Uniqc, path: Path) -> None:
    uniqc.add("archived_tasks", task_id="a", archived_at="?")
    uniqc.add("archived_tasks", task_id="b", archived_at="?", update_time="?")
    archived = [record["archived_at"] for record in read(path)]
    assert archived == ["2026-03-25T13:30:00.500000Z", "1970-01-01T00:00:00Z"]


def test_what_is_no_json_is_kept_as_it_is(uniqc: Uniqc, path: Path) -> None:
    uniqc.add(task_id="a", result_json='{"x": [NaN, Infinity, 1]}', metadata_json="[1]")
    uniqc.add(task_id="b", result_json="{", metadata_json="", error_message="e" * 20_000)

    first, second = read(path)

    assert first["result"] == {"x": [None, None, 1]}
    assert first["metadata"] == {}
    assert first["extensions"]["uniqc"] == {"shots": 0, "metadata": [1]}
    assert second["result"] == "{"
    assert second["error"] == {"message": "e" * 10_000}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_schema_that_does_not_fit_is_refused_with_what_would_help(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "old.sqlite"
    Uniqc(path, version).connection.close()
    with pytest.raises(UniqcFileError, match=f"version {version} of uniqc's schema.*uniqc 0.1"):
        read(path)


def test_an_older_schema_whose_columns_fit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    old = Uniqc(path, 4)
    old.add(task_id="0123456789abcdef")
    old.connection.close()
    assert [record["id"] for record in read(path)] == ["0123456789abcdef"]


def test_a_file_that_is_not_uniqcs_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("PRAGMA application_id = 7")
    other.execute("CREATE TABLE tasks (task_id)")
    other.close()
    (tmp_path / "text").write_text("not a database, but long enough to be one" * 100)
    for name, why in (
        ("other.sqlite", "another program"),
        ("text", "not a SQLite"),
        ("no", "file"),
    ):
        with pytest.raises(UniqcFileError, match=why):
            read(tmp_path / name)


def test_uniqc_may_go_on_writing_while_it_is_read(uniqc: Uniqc, path: Path) -> None:
    uniqc.add(task_id="a")
    uniqc.add(task_id="b")
    with open_uniqc(path) as file:
        records = file.records()
        assert next(records)["id"] == "a"
        uniqc.add(task_id="c")
        assert [record["id"] for record in records] == ["b"]


@pytest.mark.anyio
async def test_what_is_read_is_taken_and_shows_as_it_did(
    uniqc: Uniqc, path: Path, sqlite_url: str
) -> None:
    batch = json.dumps({"batch": True, "batch_size": 3})
    uniqc.add(task_id="uqt_b", status="running", metadata_json=batch)
    times = {"submit_time": NOON, "update_time": LATER}
    for index, (status, result) in enumerate((("success", "[1, 2]"), ("pending", None))):
        uniqc.add(
            "task_shards", uniqc_task_id="uqt_b", shard_index=index, platform_task_id=f"P{index}",
            circuit_count=2 - index, sub_index_offset=2 * index, status=status,
            result_json=result, **times,
        )  # fmt: skip
    uniqc.add("archived_tasks", task_id="uqt_a", archived_at=LATER, shots=7, error_message="no")
    uniqc.add(task_id="", status="failed")

    async with served(sqlite_url) as client:
        taken = (await client.post("/v1/import", json=read(path))).json()
        assert (taken["created"], taken["refused"]) == (2, 1)
        batched = (await client.get("/v1/tasks/uqt_b")).json()
        assert (batched["state"], batched["items_total"]) == ("running", 3)
        shards = (await client.get("/api/tasks/uqt_b/shards")).json()["shards"]
        assert [(s["platform_task_id"], s["status"]) for s in shards] == [
            ("P0", "success"),
            ("P1", "pending"),
        ]
        row = (await client.get("/api/archive/uqt_a")).json()
        assert (row["shots"], row["submit_time"], row["update_time"], row["archived_at"]) == (
            7,
            NOON,
            LATER,
            LATER,
        )
        said = {"task_id": "uqt_b", "shard": {"index": 1, "state": "succeeded", "result": 3}}
        await client.post("/v1/reports", json=said)
        assert (await client.get("/api/tasks/uqt_b")).json()["result"] == [1, 2, 3]
