"""Says how a task stands that nobody holds a lease on: a program, or a stretch of a script."""

import platform
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from farwork import clock
from farwork.domain.values import TaskState, moment
from farwork.protocol.reports import OriginIn, ReportIn
from farwork.sdk import Client, FarworkError, WaitTimedOut
from farwork.worker._spool import Spool

# A report of progress at most this often, one without news at least this often.
NEWS_S = 1.0
SILENCE_S = 15.0
WATCH_S = 20.0
AGAIN_S = 1.0


class Reports:
    """Says how a task stands: into a local file first, from there to the server."""

    def __init__(self, client: Client, folder: Path | None, task_id: str) -> None:
        self._client = client
        self._task_id = task_id
        self._lock = threading.Lock()
        self._said = 0
        # A number of a process comes again, in containers always the same one.
        self._speaker = clock.token(6).hex()
        self._spool = Spool(folder, self._send)
        self.open = self._spool.open
        self.close = self._spool.close

    def begin(self, tool: str, command: Sequence[str], **said: Any) -> None:
        """Say that it runs: by which tool of ours, on which machine, where, and as what."""
        self.say(
            TaskState.RUNNING,
            origin=OriginIn(tool, platform.node()[:255]),
            metadata={"command": list(command), "folder": str(Path.cwd())},
            **said,
        )

    def say(self, state: TaskState | None = None, **said: Any) -> None:
        """Say something of the task, as of now."""
        with self._lock:
            self._said += 1
            report = ReportIn(
                task_id=self._task_id,
                delivery_id=f"{self._speaker}-{self._said}",
                occurred_at=moment(clock.now()),
                state=state,
                **said,
            )
            self._spool.add("report", msgspec.json.encode(report))

    def _send(self, _kind: str, bodies: Sequence[bytes]) -> None:
        self._client.send_reports([msgspec.json.decode(body, type=ReportIn) for body in bodies])


def watch(
    client: Client, task_id: str, ended: threading.Event, cancel: Callable[[], None]
) -> threading.Thread:
    """Call `cancel` when somebody cancels the task before it has `ended`."""

    def look() -> None:
        while not ended.is_set():
            try:
                client.wait_for_task(task_id, states=["cancelled"], timeout_s=WATCH_S)
            except WaitTimedOut:
                continue
            except FarworkError:
                # Nobody answers, or the task is not known yet.
                ended.wait(AGAIN_S)
                continue
            except RuntimeError:
                # Whoever went on without this thread has closed the client under it.
                if ended.is_set():
                    return
                raise
            if not ended.is_set():
                cancel()
            return

    thread = threading.Thread(target=look, name="farwork-watch", daemon=True)
    thread.start()
    return thread
