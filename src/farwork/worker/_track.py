"""Makes a task of a stretch of any script: of a loop, or of a block."""

import atexit
import os
import sys
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from operator import length_hint
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypedDict, TypeVar, Unpack, overload

from farwork import clock, config
from farwork.domain.values import TaskState
from farwork.protocol.reports import ErrorIn, ProgressIn, ResultIn
from farwork.sdk import Client, Patience
from farwork.worker._bar import Move
from farwork.worker._bar import bar as bar_of
from farwork.worker._context import Cancelled
from farwork.worker._faults import text_of, trace_of
from farwork.worker._files import File, files_of
from farwork.worker._reports import NEWS_S, SILENCE_S, Reports, watch
from farwork.worker._spool import folder_of
from farwork.worker._unsaid import Unsaid, as_json

T = TypeVar("T")

TIMEOUT_S = 5.0
# Whoever leaves a loop by an exception that ends the program does so within this time.
LEAVE_S = 0.5


class Tracking(Generic[T]):
    """A stretch of a script as a task: iterate over it, or use it in a `with` statement."""

    def __init__(
        self,
        items: Iterable[T] | None,
        client: Client,
        folder: Path | None,
        told: Mapping[str, Any],
        total: int | None,
        *,
        shows_bar: bool,
    ) -> None:
        self.task_id: str = told["task_id"]
        self._items = items
        self._client = client
        self._told = told
        self._total = total
        self._shows_bar = shows_bar
        self._reports = Reports(client, folder, self.task_id)
        self._lock = threading.Lock()
        self._unsaid = Unsaid()
        self._results: list[ResultIn] = []
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._left_at: float | None = None
        self._left_with: str | None = None
        self._move: Move = _nothing
        self._stop_bar = _nothing
        self._hook = sys.excepthook

    # --- what is said ---

    @property
    def cancelled(self) -> bool:
        """Whether somebody cancelled the task."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raises `Cancelled` if somebody cancelled the task; a loop does so by itself."""
        if self.cancelled:
            raise Cancelled("the task is cancelled")

    def progress(self, percent: float, message: str | None = None) -> None:
        """Say how far it is, 0 to 100."""
        with self._lock:
            self._unsaid.percent = min(max(float(percent), 0.0), 100.0)
            self._unsaid.status = message if message is not None else self._unsaid.status
        self._move(self._unsaid.percent, message)

    def log(self, message: str) -> None:
        """Say what is going on; every line is kept with the task's events."""
        with self._lock:
            self._unsaid.log(str(message))
        self._move(None, str(message))

    def note(self, **metadata: Any) -> None:
        """Keep facts beside the task: a loss, a path, a version. Raises `TypeError`: no JSON."""
        said = as_json("The note", metadata)
        with self._lock:
            self._unsaid.metadata.update(said)

    def result(
        self,
        data: Any = None,
        *,
        name: str = "result",
        files: "Sequence[str | os.PathLike[str] | File]" = (),
    ) -> None:
        """Add a result, as `Context.result` does. Raises `OSError`, or `TypeError`: no JSON."""
        one = ResultIn(name, None, as_json("The result", data), files_of(files))
        with self._lock:
            self._results.append(one)

    # --- the two ways of using it ---

    def __iter__(self) -> Generator[T]:
        assert self._items is not None, "Give `track` what to iterate over."
        self._begin()
        done = 0
        try:
            for item in self._items:
                self.check()
                yield item
                done += 1
                if self._total:
                    self.progress(100.0 * done / self._total)
        except GeneratorExit:
            self._leave(done)
            raise
        except BaseException as error:
            self._end_with(error)
            raise
        self._end_with(None)

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end_with(error)

    # --- how it begins and ends ---

    def _begin(self) -> None:
        told = dict(self._told)
        del told["task_id"]
        self._reports.open()
        self._reports.begin("farwork track", sys.argv, **told)
        if self._shows_bar:
            self._move, self._stop_bar = bar_of(told["name"])
        watch(self._client, self.task_id, self._ended, self._cancelled.set)
        threading.Thread(target=self._tell, name="farwork-track", daemon=True).start()
        self._hook, sys.excepthook = sys.excepthook, self._program_dies
        atexit.register(self._program_ends)

    def _tell(self) -> None:
        """Report progress when there is some, and a sign of life when there is none."""
        silent_since = clock.ticks()
        while not self._ended.wait(min(NEWS_S, LEAVE_S)):
            now = clock.ticks()
            if self._left_at is not None and now - self._left_at >= LEAVE_S:
                self._end(TaskState.SUCCEEDED, message=self._left_with)
                return
            silent = now - silent_since
            if silent >= SILENCE_S or (silent >= NEWS_S and not self._unsaid.is_empty):
                self._say_news()
                silent_since = now

    def _say_news(self) -> None:
        with self._lock:
            said, self._unsaid = self._unsaid, Unsaid()
        progress = ProgressIn(said.percent, said.message)
        self._reports.say(TaskState.RUNNING, progress=progress, metadata=said.metadata or None)

    def _leave(self, done: int) -> None:
        """The loop was left early, by a `break` or by an exception; which, shows in a moment."""
        total = f" of {self._total}" if self._total else ""
        self._left_with, self._left_at = f"left after {done}{total}", clock.ticks()

    def _program_dies(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self._end_with(error)
        self._hook(kind, error, trace)

    def _program_ends(self) -> None:
        self._end(TaskState.SUCCEEDED, message=self._left_with)

    def _end_with(self, error: BaseException | None) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self._end(TaskState.SUCCEEDED)
        elif isinstance(error, KeyboardInterrupt):
            self._end(TaskState.CANCELLED, reason="interrupted")
        elif isinstance(error, Cancelled):
            self._end(TaskState.CANCELLED)
        else:
            trace = {"traceback": trace_of(error)}
            fault = ErrorIn(type(error).__name__, text_of(error), trace)
            self._end(TaskState.FAILED, error=fault)

    def _end(self, state: TaskState, message: str | None = None, **said: Any) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            last, results = self._unsaid, self._results
        self._stop_bar()
        self._reports.say(
            state,
            message="\n".join(filter(None, (last.message, message))) or None,
            progress=ProgressIn(last.percent) if last.percent is not None else None,
            metadata=last.metadata or None,
            results=results,
            **said,
        )
        atexit.unregister(self._program_ends)
        if sys.excepthook == self._program_dies:
            sys.excepthook = self._hook
        self._reports.close(TIMEOUT_S)


def _nothing(*_: object) -> None:
    """What is done where there is no bar."""


class Options(TypedDict, total=False):
    """What can be said of a stretch that is tracked, all of it by name.

    `total` is how many items there are, where that does not show. `task_id` (a new one), `kind` and
    `queue` ("track"), `labels` and `job_id` are the task's. `client` and `spool` are as with
    `Worker`. `bar` says whether one is shown (at a terminal).
    """

    total: int | None
    task_id: str | None
    kind: str
    queue: str
    labels: Mapping[str, str] | None
    job_id: str | None
    client: Client | None
    spool: Path | str | bool
    bar: bool | None


@overload
def track(
    items: None = None, name: str | None = None, **said: Unpack[Options]
) -> Tracking[None]: ...
@overload
def track(items: Iterable[T], name: str | None = None, **said: Unpack[Options]) -> Tracking[T]: ...
def track(
    items: Iterable[Any] | None = None, name: str | None = None, **said: Unpack[Options]
) -> Tracking[Any]:
    """Make a task of a loop, or of a block, and show a bar at a terminal.

        for batch in farwork.track(batches, "train"): ...

        with farwork.track(name="train") as task:
            task.progress(50)

    The script runs on whether or not the server is there; what it says waits in the `spool`, as
    with `Worker`. An exception is the task's failure. A loop that is left early has succeeded,
    unless the exception ends the program. When the task is cancelled, the loop raises `Cancelled`.
    """
    labels = said.get("labels")
    told = {
        "task_id": said.get("task_id") or clock.uuid7(clock.now()),
        "name": (name or Path(sys.argv[0]).name or "track")[:255],
        "kind": said.get("kind", "track"),
        "queue": said.get("queue", "track"),
        "labels": dict(labels) if labels else None,
        "job_id": said.get("job_id"),
    }
    client = said.get("client") or _client()
    total = said.get("total")
    if total is None:
        total = length_hint(() if items is None else items, 0) or None
    bar = said.get("bar")
    folder = folder_of(said.get("spool", True), client.destination)
    shows_bar = sys.stderr.isatty() if bar is None else bar
    return Tracking(items, client, folder, told, total, shows_bar=shows_bar)


def _client() -> Client:
    found = config.load_client(os.environ)
    return Client(found.server, found.key, patience=Patience(attempts_max=1), timeout_s=TIMEOUT_S)
