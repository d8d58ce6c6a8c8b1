"""Letters that wait to be delivered, in a SQLite file that one process holds at a time.

Each process has a file of its own in the spool's folder, and a lock beside it. A lock that nobody
holds tells of a process that ended: whoever opens the folder next takes its letters over.
"""

import os
import sqlite3
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from farwork import clock
from farwork.worker._log import log

SUFFIX, LOCK_SUFFIX = ".db", ".lock"
BUSY_S = 5.0

Letter = tuple[int, str, bytes]
"""The number of a letter, what kind of thing is said, and its JSON."""


class Letters:
    """Letters in their order. Where no file can be written they are kept in memory, and said so."""

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._held = -1
        self._file = _opened(None)
        if folder is not None:
            try:
                self._begin(folder)
            except (OSError, sqlite3.Error) as error:
                self._fall_back(error)

    def _begin(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        left_behind = sorted(folder.glob(f"*{SUFFIX}"))
        path = folder / f"{clock.uuid7(clock.now())}{SUFFIX}"
        held = _hold(path)
        self._path, self._held = path, -1 if held is None else held
        self._file = _opened(path)
        for other in left_behind:
            self._take_over(other)

    def _take_over(self, other: Path) -> None:
        """Make what an ended process left behind ours. A crash in between leaves copies."""
        with suppress(OSError, sqlite3.Error), _holding(other) as mine:
            if not mine or not other.exists():
                return
            theirs = _opened(other)
            try:
                rows = theirs.execute("SELECT kind, body FROM letters ORDER BY id").fetchall()
                self._file.executemany("INSERT INTO letters (kind, body) VALUES (?, ?)", rows)
                self._file.commit()
            finally:
                theirs.close()
            _remove(other)
            if rows:
                log.info("letters of an ended process are delivered", letters=len(rows))

    def add(self, kind: str, body: bytes) -> None:
        """Keep a letter; it is safe from here on."""
        with self._lock:
            try:
                self._insert(kind, body)
            except sqlite3.Error as error:
                # The disk is full, or the folder went away: the work goes on all the same.
                self._fall_back(error)
                self._insert(kind, body)

    def _insert(self, kind: str, body: bytes) -> None:
        self._file.execute("INSERT INTO letters (kind, body) VALUES (?, ?)", (kind, body))
        self._file.commit()

    def _fall_back(self, error: Exception) -> None:
        log.warning("reports wait in memory only", error=str(error))
        with suppress(sqlite3.Error):
            waiting = self._file.execute("SELECT kind, body FROM letters ORDER BY id").fetchall()
            self._file.close()
            self._file = _opened(None)
            self._file.executemany("INSERT INTO letters (kind, body) VALUES (?, ?)", waiting)
            self._file.commit()
            return
        self._file = _opened(None)

    def oldest(self, at_most: int) -> list[Letter]:
        """The oldest letters, as many of one kind as come one after the other."""
        with self._lock:
            rows: list[Letter] = self._file.execute(
                "SELECT id, kind, body FROM letters ORDER BY id LIMIT ?", (at_most,)
            ).fetchall()
        same = next((n for n, row in enumerate(rows) if row[1] != rows[0][1]), len(rows))
        return rows[:same]

    def cross_out(self, letters: Sequence[Letter]) -> None:
        """These have been delivered."""
        with self._lock, suppress(sqlite3.Error):
            # Where this fails they are delivered again, which the server knows.
            self._file.executemany(
                "DELETE FROM letters WHERE id = ?", [(number,) for number, _, _ in letters]
            )
            self._file.commit()

    @property
    def waiting(self) -> int:
        """How many have not been delivered."""
        with self._lock:
            return self._file.execute("SELECT count(*) FROM letters").fetchone()[0]

    def close(self) -> None:
        """Let go of the file; an empty one is removed."""
        with self._lock:
            is_empty = not self._file.execute("SELECT 1 FROM letters LIMIT 1").fetchone()
            self._file.close()
            if self._path is not None and is_empty:
                _remove(self._path)
            if self._held >= 0:
                os.close(self._held)
                self._held = -1


def _opened(path: Path | None) -> sqlite3.Connection:
    file = sqlite3.connect(path or ":memory:", timeout=BUSY_S, check_same_thread=False)
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("PRAGMA synchronous=FULL")
    file.execute(
        "CREATE TABLE IF NOT EXISTS letters "
        "(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body BLOB NOT NULL)"
    )
    file.commit()
    return file


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)


def _hold(path: Path) -> int | None:
    """Hold the lock of a file until the descriptor is closed; None: somebody else does."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - Windows has none

    lock = os.open(path.with_suffix(LOCK_SUFFIX), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


@contextmanager
def _holding(path: Path) -> Generator[bool]:
    held = _hold(path)
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)
