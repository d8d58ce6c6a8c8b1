"""The outbox: what is said goes first to a local file, and from there to the server, in order.

Whatever happens to the server or the network, what was finished is not lost. The server recognises
what comes again, so a letter that was sent and not yet crossed out does no harm.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from farwork.sdk import FarworkError, InvalidRequest, NotFound, Refused

log = structlog.get_logger()

AT_ONCE_MAX = 100
PAUSE_S = 0.2
PAUSE_S_MAX = 15.0
DOUBLINGS_MAX = 10

Letter = tuple[str, bytes]
"""What kind of thing is said, and its JSON."""


class Outbox:
    """A file of letters that wait to be delivered, and the thread that delivers them."""

    def __init__(self, path: Path | None, send: Callable[[str, Sequence[bytes]], None]) -> None:
        """`send` delivers letters of one kind, or raises a `FarworkError`."""
        self._send = send
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS letters "
            "(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body BLOB NOT NULL)"
        )
        self._file.commit()
        self._lock = threading.Lock()
        self._news = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="farwork-outbox", daemon=True)

    def open(self) -> None:
        """Begin to deliver, what an earlier process left behind first."""
        self._thread.start()

    def close(self, patience_s: float) -> None:
        """Deliver what waits, for so many seconds at most; the rest stays in the file."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join(patience_s)

    def add(self, kind: str, body: bytes) -> None:
        """Keep a letter; it is safe from here on."""
        with self._lock:
            self._file.execute("INSERT INTO letters (kind, body) VALUES (?, ?)", (kind, body))
            self._file.commit()
        with self._news:
            self._news.notify_all()

    @property
    def waiting(self) -> int:
        """How many letters have not been delivered."""
        with self._lock:
            return self._file.execute("SELECT count(*) FROM letters").fetchone()[0]

    # --- the thread ---

    def _run(self) -> None:
        try:
            self._deliver_all()
        finally:
            self._file.close()

    def _deliver_all(self) -> None:
        tried = 0
        while True:
            batch = self._next()
            if not batch:
                with self._news:
                    if self._closing:
                        return
                    if not self.waiting:
                        self._news.wait()
                continue
            if self._deliver(batch):
                tried = 0
                continue
            tried = min(tried + 1, DOUBLINGS_MAX)
            with self._news:
                if self._closing:
                    return
                self._news.wait(min(PAUSE_S * 2**tried, PAUSE_S_MAX))

    def _next(self) -> list[tuple[int, str, bytes]]:
        """The oldest letters, as many of one kind as come one after the other."""
        with self._lock:
            rows = self._file.execute(
                "SELECT id, kind, body FROM letters ORDER BY id LIMIT ?", (AT_ONCE_MAX,)
            ).fetchall()
        same = next((n for n, row in enumerate(rows) if row[1] != rows[0][1]), len(rows))
        return rows[:same]

    def _deliver(self, batch: list[tuple[int, str, bytes]]) -> bool:
        """Send letters and cross them out; False: the server cannot take them now."""
        try:
            self._send(batch[0][1], [body for _, _, body in batch])
        except (Refused, NotFound) as refusal:
            log.warning("something was said too late", error=str(refusal))
        except InvalidRequest as refusal:
            if len(batch) > 1:
                return all(self._deliver([one]) for one in batch)
            log.warning("the server does not take this", error=str(refusal), body=batch[0][2])
        except FarworkError as error:
            log.warning("letters wait for the server", error=str(error), letters=len(batch))
            return False
        with self._lock:
            self._file.executemany("DELETE FROM letters WHERE id = ?", [(row[0],) for row in batch])
            self._file.commit()
        return True
