"""The spool: ends go first to a local file, and from there to the server, in order and once.

Whatever happens to the server or the network, what a worker has finished is not lost. The server
recognises an end that comes again, so one that was sent and not yet crossed out does no harm.
"""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from farwork.protocol.leases import Completed, CompleteIn, Failed, FailIn
from farwork.sdk import Client, FarworkError, NotFound, Refused
from farwork.sdk._errors import InvalidRequest

log = structlog.get_logger()

AT_ONCE_MAX = 100
PAUSE_S_MAX = 15.0
Kind = Literal["complete", "fail"]


class Spool:
    """A file of ends that wait to be delivered, and the thread that delivers them."""

    def __init__(
        self,
        path: Path | None,
        client: Client,
        worker: str,
        on_delivered: Callable[[str, int], None] = lambda _task_id, _lease_seq: None,
    ) -> None:
        self._client = client
        self._worker = worker
        self._on_delivered = on_delivered
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS ends "
            "(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body BLOB NOT NULL)"
        )
        self._file.commit()
        self._lock = threading.Lock()
        self._news = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="farwork-spool", daemon=True)

    def open(self) -> None:
        """Begin to deliver, what an earlier process left behind first."""
        self._thread.start()

    def close(self, patience_s: float) -> None:
        """Deliver what waits, for so many seconds at most; the rest stays in the file."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join(patience_s)
        if not self._thread.is_alive():
            self._file.close()

    def add(self, end: Completed | Failed) -> None:
        """Keep an end; it is safe from here on."""
        kind: Kind = "fail" if isinstance(end, Failed) else "complete"
        with self._lock:
            self._file.execute(
                "INSERT INTO ends (kind, body) VALUES (?, ?)", (kind, msgspec.json.encode(end))
            )
            self._file.commit()
        with self._news:
            self._news.notify_all()

    @property
    def waiting(self) -> int:
        """How many ends have not been delivered."""
        with self._lock:
            return self._file.execute("SELECT count(*) FROM ends").fetchone()[0]

    # --- the thread ---

    def _run(self) -> None:
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
            tried += 1
            with self._news:
                if self._closing:
                    return
                self._news.wait(min(0.2 * 2**tried, PAUSE_S_MAX))

    def _next(self) -> list[tuple[int, Kind, bytes]]:
        """The oldest ends, as many of one kind as come one after the other."""
        with self._lock:
            rows = self._file.execute(
                "SELECT id, kind, body FROM ends ORDER BY id LIMIT ?", (AT_ONCE_MAX,)
            ).fetchall()
        same = next((n for n, row in enumerate(rows) if row[1] != rows[0][1]), len(rows))
        return rows[:same]

    def _deliver(self, batch: list[tuple[int, Kind, bytes]]) -> bool:
        """Send ends and cross them out; False: the server cannot be reached."""
        try:
            self._send(batch)
        except (Refused, NotFound) as refusal:
            log.warning("an end came too late", error=str(refusal))
        except InvalidRequest as refusal:
            if len(batch) > 1:
                return all(self._deliver([one]) for one in batch)
            log.error("the server does not take an end", error=str(refusal), body=batch[0][2])  # noqa: TRY400 - the server's words say it all
        except FarworkError as error:
            log.warning("ends wait for the server", error=str(error), ends=len(batch))
            return False
        with self._lock:
            self._file.executemany("DELETE FROM ends WHERE id = ?", [(row[0],) for row in batch])
            self._file.commit()
        for _, _, body in batch:
            end = msgspec.json.decode(body, type=_Named)
            self._on_delivered(end.task_id, end.lease_seq)
        return True

    def _send(self, batch: list[tuple[int, Kind, bytes]]) -> None:
        if batch[0][1] == "complete":
            done = [msgspec.json.decode(body, type=Completed) for _, _, body in batch]
            items = self._client.complete_leases(CompleteIn(done, self._worker)).items
        else:
            failed = [msgspec.json.decode(body, type=Failed) for _, _, body in batch]
            items = self._client.fail_leases(FailIn(failed, self._worker)).items
        for item in items:
            if item.code is not None:
                log.warning("an end came too late", task=item.task_id, error=item.detail)


class _Named(msgspec.Struct):
    task_id: str
    lease_seq: int
