"""The bare driver: the rows of a run, written by `executemany` in one transaction per request.

It takes tables, indexes and rows from the product's own database file, and writes the rows to an
empty file with the product's settings. It decodes nothing, decides nothing and looks nothing up.
"""

import gc
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from bench import machine
from farwork.storage.rows import PROGRESS_COLUMNS
from farwork.storage.statements import DETAIL_COLUMNS

Row = Sequence[Any]

_DURABLE = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY")
_REPORTS = "SELECT * FROM events WHERE type = 'task.reported' ORDER BY position DESC LIMIT ?"
_SCHEMA = """
    SELECT sql FROM sqlite_master
    WHERE tbl_name IN ('events', 'tasks', 'details') AND sql IS NOT NULL
    ORDER BY type DESC
"""
_UPDATES = (
    ("tasks", "pk", PROGRESS_COLUMNS),
    ("details", "task_pk", tuple(name for name in DETAIL_COLUMNS if name != "task_pk")),
)


@dataclass(frozen=True, slots=True)
class Written:
    """How fast the rows of reports went in."""

    reports_per_second: float
    elsewhere_cores: float

    def as_text(self) -> str:
        """Says in one line what was found."""
        return (
            f"{self.reports_per_second:8.0f} reports/s  cores: elsewhere {self.elsewhere_cores:.2f}"
        )


@dataclass(frozen=True, slots=True)
class _Copy:
    """What the product's file holds: its schema, the rows of reports, and the rows they change."""

    schema: list[str]
    reports: list[Row]
    task_keys: list[int]
    tables: dict[str, tuple[list[str], dict[int, Row]]]


def write(source: Path, directory: Path, *, reports: int, size: int, updates: bool) -> Written:
    """Writes the file's last `reports` reports, `size` in a transaction, and says how fast it was.

    With `updates` each report also rewrites what the product rewrites for it in its task's rows.
    """
    copy = _read(source, reports)
    file = directory / "bare.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        _prepare(connection, copy, with_tasks=updates)
        steps = [(_insert_into("events", copy.reports[0]), copy.reports)]
        if updates:
            steps += [_rewriting(copy, *update) for update in _UPDATES]
        written = _timed(connection, steps, size)
    for leftover in directory.glob("bare.db*"):
        leftover.unlink()
    return written


def _read(source: Path, reports: int) -> _Copy:
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
        rows = connection.execute(_REPORTS, (reports,)).fetchall()[::-1]
        names = [column[1] for column in connection.execute("PRAGMA table_info(events)")]
        key = names.index("task_pk")
        schema = [row[0] for row in connection.execute(_SCHEMA)]
        tables = {table: _rows_by_key(connection, table, key) for table, key, _ in _UPDATES}
    return _Copy(schema, rows, [row[key] for row in rows], tables)


def _rows_by_key(
    connection: sqlite3.Connection, table: str, key: str
) -> tuple[list[str], dict[int, Row]]:
    found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of two names above
    names = [column[0] for column in found.description]
    place = names.index(key)
    return names, {row[place]: row for row in found}


def _prepare(connection: sqlite3.Connection, copy: _Copy, *, with_tasks: bool) -> None:
    for setting in _DURABLE:
        connection.execute(f"PRAGMA {setting}")
    for statement in copy.schema:
        connection.execute(statement)
    if not with_tasks:
        return
    connection.execute("BEGIN")
    for table, (_, rows) in copy.tables.items():
        every = list(rows.values())
        connection.executemany(_insert_into(table, every[0]), every)
    connection.execute("COMMIT")


def _insert_into(table: str, row: Row) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})"  # noqa: S608 - a name above


def _rewriting(copy: _Copy, table: str, key: str, columns: Sequence[str]) -> tuple[str, list[Row]]:
    """The statement that rewrites a task's row after a report, and its parameters."""
    names, rows = copy.tables[table]
    places = [names.index(name) for name in (*columns, key)]
    sets = ", ".join(f'"{name}" = ?' for name in columns)
    parameters: list[Row] = [
        tuple(rows[task][place] for place in places) for task in copy.task_keys
    ]
    return f"UPDATE {table} SET {sets} WHERE {key} = ?", parameters  # noqa: S608 - a name above


def _timed(
    connection: sqlite3.Connection, steps: list[tuple[str, list[Row]]], size: int
) -> Written:
    count = len(steps[0][1])
    gc.collect()
    gc.freeze()
    began, others = perf_counter(), machine.busy_seconds() - process_time()
    for start in range(0, count, size):
        connection.execute("BEGIN IMMEDIATE")
        for statement, rows in steps:
            connection.executemany(statement, rows[start : start + size])
        connection.execute("COMMIT")
    seconds = perf_counter() - began
    others = machine.busy_seconds() - process_time() - others
    gc.unfreeze()
    return Written(count / seconds, others / seconds)
