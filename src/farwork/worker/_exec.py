"""Tracking a program that knows nothing of it: start, progress, end, and how it ended."""

import os
import platform
import re
import resource
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog

from farwork import clock
from farwork.domain.values import TaskState, moment
from farwork.protocol.reports import ErrorIn, OriginIn, ProgressIn, ReportIn
from farwork.sdk import Client, FarworkError, WaitTimedOut
from farwork.worker._outbox import Outbox

log = structlog.get_logger()

PERCENT = re.compile(r"(?<![\d.])(100(?:\.0+)?|\d{1,2}(?:\.\d+)?)\s?%")
TAIL_LINES_MAX = 40
LINE_LENGTH_MAX = 1_000
# A report of progress at most this often, one without news at least this often.
NEWS_S = 1.0
SILENCE_S = 15.0
WATCH_S = 20.0
KILL_S = 10.0
NOT_FOUND = 127
SIGNALLED = 128


@dataclass(slots=True, frozen=True)
class Tracked:
    """How a program is tracked: under which id, kind, queue and labels."""

    task_id: str
    name: str | None = None
    kind: str = "exec"
    queue: str = "exec"
    labels: dict[str, str] = field(default_factory=dict[str, str])
    job_id: str | None = None
    progress: re.Pattern[str] = PERCENT


class Reports:
    """Says how a task stands: into a local file first, from there to the server."""

    def __init__(self, client: Client, outbox: Path | None, tracked: Tracked) -> None:
        self._client = client
        self._tracked = tracked
        self._said = 0
        self._outbox = Outbox(outbox, self._send)
        self.open = self._outbox.open
        self.close = self._outbox.close

    def say(self, state: TaskState | None = None, **said: Any) -> None:
        """Say something of the task, as of now."""
        self._said += 1
        report = ReportIn(
            task_id=self._tracked.task_id,
            delivery_id=f"{os.getpid()}-{self._said}",
            occurred_at=moment(clock.now()),
            attempt=None,
            state=state,
            **said,
        )
        self._outbox.add("report", msgspec.json.encode(report))

    def _send(self, _kind: str, bodies: Sequence[bytes]) -> None:
        self._client.send_reports([msgspec.json.decode(body, type=ReportIn) for body in bodies])


class _Stream:
    """Passes one of the program's streams on, and keeps its end."""

    def __init__(self, source: IO[bytes], out: IO[bytes], hear: Callable[[str], None]) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES_MAX)
        self._source = source
        self._out = out
        self._hear = hear
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        rest = b""
        while piece := os.read(self._source.fileno(), 65_536):
            self._out.write(piece)
            self._out.flush()
            # A bar draws itself anew behind a carriage return.
            *lines, rest = re.split(rb"[\r\n]", rest + piece)
            for line in lines:
                self._take(line)
            rest = rest[-LINE_LENGTH_MAX:]
        self._take(rest)

    def _take(self, line: bytes) -> None:
        text = line.decode(errors="replace")[:LINE_LENGTH_MAX].rstrip().replace("\0", "")
        if text:
            self.tail.append(text)
            self._hear(text)


class Execution:
    """Runs a program and reports on it. Its exit code is the program's own."""

    def __init__(self, client: Client, tracked: Tracked, outbox: Path | None) -> None:
        self._client = client
        self._tracked = tracked
        self._reports = Reports(client, outbox, tracked)
        self._percent: float | None = None
        self._line: str | None = None
        self._cancelled = threading.Event()
        self._ended = threading.Event()

    def run(self, command: Sequence[str], *, patience_s: float = 5.0) -> int:
        """Run the program to its end; the last report has `patience_s` seconds to arrive."""
        self._reports.open()
        began = clock.ticks()
        self._begin(command)
        try:
            process = subprocess.Popen(  # noqa: S603 - it is what we are asked to run
                list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
            )
        except OSError as error:
            self._fail_to_start(error)
            code = NOT_FOUND
        else:
            code = self._follow(process, began)
        self._reports.close(patience_s)
        return code

    def _begin(self, command: Sequence[str]) -> None:
        tracked = self._tracked
        self._reports.say(
            TaskState.RUNNING,
            kind=tracked.kind,
            name=(tracked.name or shlex.join(command))[:255],
            queue=tracked.queue,
            labels=tracked.labels or None,
            job_id=tracked.job_id,
            origin=OriginIn("farwork exec", platform.node()[:255]),
            metadata={"command": list(command), "folder": str(Path.cwd())},
        )

    def _fail_to_start(self, error: OSError) -> None:
        print(f"farwork exec: {error}", file=sys.stderr)  # noqa: T201 - as a shell would say
        fault = ErrorIn("start", str(error)[:10_000])
        self._reports.say(TaskState.FAILED, reason="start", error=fault)

    def _follow(self, process: "subprocess.Popen[bytes]", began: float) -> int:
        assert process.stdout is not None
        assert process.stderr is not None
        forward = self._forwarding(process)
        out = _Stream(process.stdout, sys.stdout.buffer, self._hear)
        err = _Stream(process.stderr, sys.stderr.buffer, self._hear)
        helpers = [self._start(self._tell), self._start(lambda: self._watch(process))]
        code = process.wait()
        self._ended.set()
        for thread in (out.thread, err.thread, helpers[0]):
            thread.join(KILL_S)
        for number, before in forward.items():
            signal.signal(number, before)
        self._end(code, clock.ticks() - began, out, err)
        return SIGNALLED - code if code < 0 else code

    def _start(self, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _forwarding(self, process: "subprocess.Popen[bytes]") -> dict[signal.Signals, Any]:
        """Hand on to the program what this process is told."""

        def hand_on(number: int, _frame: object) -> None:
            _signal(process, number)

        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        return {number: signal.signal(number, hand_on) for number in wanted}

    # --- while it runs ---

    def _hear(self, line: str) -> None:
        self._line = line
        found = self._tracked.progress.search(line)
        if found is not None:
            try:
                self._percent = min(max(float(found[1]), 0.0), 100.0)
            except (ValueError, IndexError):
                log.warning("no percentage in what the pattern finds", found=found[0])

    def _tell(self) -> None:
        """Report progress when there is some, and a sign of life when there is none."""
        told: tuple[float | None, str | None] = (None, None)
        silent_since = clock.ticks()
        while not self._ended.wait(NEWS_S):
            news = (self._percent, self._line)
            if news[0] != told[0] or clock.ticks() - silent_since >= SILENCE_S:
                self._reports.say(
                    TaskState.RUNNING, progress=ProgressIn(news[0], (news[1] or "")[:1_000] or None)
                )
                told, silent_since = news, clock.ticks()

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        """End the program when somebody cancels its task."""
        while not self._ended.is_set():
            try:
                self._client.wait_for_task(
                    self._tracked.task_id, states=["cancelled"], timeout_s=WATCH_S
                )
            except WaitTimedOut:
                continue
            except FarworkError:
                self._ended.wait(NEWS_S)
                continue
            self._cancelled.set()
            _signal(process, signal.SIGTERM)
            if not self._ended.wait(KILL_S):
                _signal(process, signal.SIGKILL)
            return

    # --- when it has ended ---

    def _end(self, code: int, duration_s: float, out: _Stream, err: _Stream) -> None:
        name = signal.Signals(-code).name if code < 0 else None
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        result = {
            "exit_code": code if code >= 0 else None,
            "signal": name,
            "duration_s": round(duration_s, 3),
            # Linux counts in KiB, macOS in bytes.
            "peak_memory_bytes": peak if sys.platform == "darwin" else peak * 1024,
            "stdout_tail": list(out.tail),
            "stderr_tail": list(err.tail),
        }
        if self._cancelled.is_set():
            self._reports.say(TaskState.CANCELLED, result=result)
        elif code == 0:
            self._reports.say(TaskState.SUCCEEDED, result=result)
        else:
            said = f"ended by {name}" if name else f"exit code {code}"
            last = err.tail[-1] if err.tail else ""
            fault = ErrorIn(
                "signal" if name else "exit", f"{said}: {last}" if last else said, result
            )
            self._reports.say(TaskState.FAILED, error=fault, result=result)


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal to the program and to all that it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        log.debug("the program has ended", signal=number)
