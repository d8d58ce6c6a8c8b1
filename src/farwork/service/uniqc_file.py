"""The task database of a uniqc installation, read as records that an import takes.

It is only read, from one moment, a task at a time; uniqc may go on working meanwhile. Nothing but
the standard library is needed.
"""

import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import quote

from farwork.domain.values import Json

APPLICATION_ID = 0x554E4943
KIND = "circuit"
SHORT_TEXT_MAX = 255
TEXT_MAX = 10_000

_TASK = (
    "task_id", "backend", "status", "shots", "submit_time", "update_time", "result_json",
    "metadata_json", "error_message",
)  # fmt: skip
_SHARD = (
    "uniqc_task_id", "shard_index", "platform_task_id", "backend", "circuit_count",
    "sub_index_offset", "status", "result_json", "error_message", "submit_time", "update_time",
)  # fmt: skip
_TABLES = {
    "tasks": _TASK,
    "archived_tasks": (*_TASK, "archived_at"),
    "task_shards": _SHARD,
    "archived_task_shards": _SHARD,
}
_STATES = {
    "pending": "queued",
    "running": "running",
    "success": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}

Record = dict[str, Json]


class UniqcFileError(ValueError):
    """The file cannot be read as a task database of uniqc; the text says why."""


class UniqcFile:
    """An open task database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        """How many tasks there are to import."""
        return self._number(
            "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM archived_tasks)"
        ) - len(self.hidden())

    def hidden(self) -> list[str]:
        """The ids that stand among the active and the archived tasks; the active ones are read."""
        rows = self._connection.execute(
            "SELECT task_id FROM archived_tasks WHERE task_id IN (SELECT task_id FROM tasks)"
            " ORDER BY task_id"
        )
        return [str(row[0]) for row in rows]

    def lines(self) -> Iterator[bytes]:
        """The records, each as a line of JSON."""
        for record in self.records():
            yield json.dumps(record, separators=(",", ":")).encode()

    def records(self) -> Iterator[Record]:
        """Every task with its shards, the first submitted first."""
        # Sorted by what is small: results and circuits are read a task at a time.
        places = self._connection.execute(
            "SELECT 'tasks' AS shelf, rowid AS place, submit_time FROM tasks"
            " UNION ALL SELECT 'archived_tasks', rowid, submit_time FROM archived_tasks"
            " WHERE task_id NOT IN (SELECT task_id FROM tasks) ORDER BY submit_time, place"
        )
        for shelf, place, _ in places:
            columns = ", ".join(_TABLES[shelf])
            row = self._connection.execute(
                f"SELECT {columns} FROM {shelf} WHERE rowid = ?",  # noqa: S608 - our own names
                (place,),
            ).fetchone()
            archived_at = None if shelf == "tasks" else _archived_at(row)
            yield _task(row, archived_at, self._shards(shelf, row))

    def _shards(self, shelf: str, task: sqlite3.Row) -> list[Record]:
        table = "task_shards" if shelf == "tasks" else "archived_task_shards"
        rows = self._connection.execute(
            f"SELECT {', '.join(_SHARD)} FROM {table}"  # noqa: S608 - our own names
            " WHERE uniqc_task_id = ? ORDER BY shard_index",
            (task["task_id"],),
        )
        return [_shard(row) for row in rows]

    def _number(self, statement: str) -> int:
        return int(self._connection.execute(statement).fetchone()[0])


@contextmanager
def open_uniqc(path: Path) -> Generator[UniqcFile]:
    """Open a task database for reading. Raises `UniqcFileError`."""
    if not path.is_file():
        raise UniqcFileError(f"{path} is not a file.")
    with closing(_connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = _text
        try:
            connection.execute("BEGIN")
            _check(connection, path)
            yield UniqcFile(connection)
        except sqlite3.DatabaseError as error:
            raise UniqcFileError(f"{path} cannot be read: {error}.") from error


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; in a folder where nobody can, the file is taken as it is."""
    address = f"file:{quote(str(path.resolve()))}"
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UniqcFileError(f"{path} is not a SQLite database: {error}.") from error
    return connection


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark not in (0, APPLICATION_ID):
        raise UniqcFileError(f"{path} is the database of another program, not of uniqc.")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for table, columns in _TABLES.items():
        known = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        missing = [column for column in columns if column not in known]
        if missing:
            what = f"the columns {', '.join(missing)} of" if known else ""
            raise UniqcFileError(
                f"{path} has version {version} of uniqc's schema, without {what} the table "
                f"{table}; version 5 is known. Open it once with uniqc 0.1, which brings it up to "
                "date."
            )


def _task(row: sqlite3.Row, archived_at: str | None, shards: list[Record]) -> Record:
    metadata: Json = _json(row["metadata_json"])
    own: Record = {"shots": row["shots"]}
    if not isinstance(metadata, dict):
        own["metadata"], metadata = metadata, {}
    record: Record = {
        "id": row["task_id"],
        "kind": KIND,
        "metadata": metadata,
        "extensions": {"uniqc": own},
        "created_at": _time(row["submit_time"]),
        "updated_at": _time(row["update_time"]) or _time(row["submit_time"]),
        "archived_at": archived_at,
        "shards": shards,
    }
    name: Json = cast("Record", metadata).get("task_name")
    if isinstance(name, str):
        record["name"] = name[:SHORT_TEXT_MAX]
    if row["backend"]:
        record["queue"] = row["backend"]
    return record | _standing(row)


def _archived_at(row: sqlite3.Row) -> str:
    """When a task was archived; one of which that cannot be read was archived all the same."""
    return _time(row["archived_at"]) or _time(row["update_time"]) or "1970-01-01T00:00:00Z"


def _shard(row: sqlite3.Row) -> Record:
    record: Record = {
        "index": row["shard_index"],
        "external_ref": row["platform_task_id"],
        "queue": row["backend"],
        "item_count": max(1, row["circuit_count"]),
        "item_offset": max(0, row["sub_index_offset"]),
        "created_at": _time(row["submit_time"]),
        "updated_at": _time(row["update_time"]) or _time(row["submit_time"]),
    }
    standing = _standing(row)
    standing.pop("reported_status", None)
    return record | standing


def _standing(row: sqlite3.Row) -> Record:
    """How a task or a shard stands; one with a word that uniqc does not know runs on."""
    status = str(row["status"])
    standing: Record = {"state": _STATES.get(status, "running")}
    if status not in _STATES:
        standing["reported_status"] = status[:SHORT_TEXT_MAX]
    result = _json(row["result_json"])
    if result is not None:
        standing["result"] = result
    if row["error_message"]:
        standing["error"] = {"message": row["error_message"][:TEXT_MAX]}
    return standing


def _json(text: str | None) -> Json:
    """The value of a JSON text, with null for what is no number; other text as it is."""
    if text is None:
        return None
    try:
        return json.loads(text, parse_constant=lambda _word: None)
    except (ValueError, RecursionError):
        return text


def _time(text: str | None) -> str | None:
    """A time in UTC; one without a zone is in it. None for what is no time."""
    try:
        at = datetime.fromisoformat(text or "")
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


__all__ = ["UniqcFile", "UniqcFileError", "open_uniqc"]
