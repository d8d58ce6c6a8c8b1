"""Copies a SQLite file while it is being served: one state of it, complete or not there at all."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

PAGES_AT_ONCE = 2_048
"""8 MiB with pages of the usual size."""

Shown = Callable[[int, int], None]
"""Told how many pages are copied, of how many."""


def back_up(source: Path, target: Path, shown: Shown = lambda _done, _all: None) -> int:
    """Copy `source` to `target`, which gets its name when all of it is on disk; gives its size.

    Writers go on meanwhile. Raises `sqlite3.Error` or `OSError`; then there is no new file.
    """
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy(source, unfinished, shown)
        _sync(unfinished)
        unfinished.replace(target)
        _sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: Path, target: Path, shown: Shown) -> None:
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as from_,
        closing(sqlite3.connect(target, isolation_level=None)) as to,
    ):
        # A read that lasts until the end: without it each write meanwhile begins the copy anew.
        from_.execute("BEGIN")
        from_.execute("SELECT count(*) FROM sqlite_master").fetchone()
        from_.backup(
            to, pages=PAGES_AT_ONCE, progress=lambda _status, left, all_: shown(all_ - left, all_)
        )
        # One file: whoever opens it next has it keep a log beside it again.
        to.execute("PRAGMA journal_mode=DELETE").fetchone()


def faults(file: Path) -> list[str]:
    """What SQLite itself finds wrong with a file; nothing: it is sound."""
    uri = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
    return [] if found == ["ok"] else found


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
