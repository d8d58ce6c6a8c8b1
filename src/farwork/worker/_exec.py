"""Tracking a program that knows nothing of it: start, progress, end, and how it ended."""

import re
import resource
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from farwork import clock
from farwork.domain.values import TaskState
from farwork.protocol.reports import ErrorIn, ProgressIn
from farwork.sdk import Client
from farwork.worker._faults import text_of
from farwork.worker._log import log
from farwork.worker._program import Program, at_terminal, handing_on
from farwork.worker._reports import NEWS_S, SILENCE_S, Reports, watch
from farwork.worker._streams import Stream

PERCENT = re.compile(r"(?<![\d.])(100(?:\.0+)?|\d{1,2}(?:\.\d+)?)\s?%")
KILL_S = 10.0
CANNOT_RUN, NOT_FOUND, SIGNALLED = 126, 127, 128
STDOUT, STDERR = 1, 2


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


def percent_in(line: str, pattern: re.Pattern[str]) -> float | None:
    """The percentage that a line tells of: the first group, or the first of the second."""
    found = pattern.search(line)
    if found is None:
        return None
    try:
        percent = float(found[1])
        if pattern.groups > 1 and found[2] is not None:
            percent *= 100.0 / float(found[2])
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return min(max(percent, 0.0), 100.0)


class Execution:
    """Runs a program and reports on it. Its exit code is the program's own."""

    def __init__(self, client: Client, tracked: Tracked, folder: Path | None) -> None:
        self._client = client
        self._tracked = tracked
        self._reports = Reports(client, folder, tracked.task_id)
        self._program: Program | None = None
        self._told: list[int] = []
        self._percent: float | None = None
        self._line: str | None = None
        self._cancelled = threading.Event()
        self._ended = threading.Event()

    def run(self, command: Sequence[str], *, patience_s: float = 5.0) -> int:
        """Run the program to its end; the last report has `patience_s` seconds to arrive."""
        self._reports.open()
        self._begin(command)
        # From here on a signal is the program's, even one that comes before it runs.
        with handing_on(self._hand_on, shares_terminal=at_terminal()):
            code = self._follow(command, clock.ticks())
        self._reports.close(patience_s)
        return code

    def _begin(self, command: Sequence[str]) -> None:
        tracked = self._tracked
        self._reports.begin(
            "farwork exec",
            command,
            kind=tracked.kind,
            name=(tracked.name or shlex.join(command))[:255],
            queue=tracked.queue,
            labels=tracked.labels or None,
            job_id=tracked.job_id,
        )

    def _hand_on(self, number: int) -> None:
        if self._program is None:
            self._told.append(number)
        else:
            self._program.signal(number)

    def _follow(self, command: Sequence[str], began: float) -> int:
        out, err = Stream(STDOUT, self._hear), Stream(STDERR, self._hear)
        try:
            self._program = program = Program(command, out.theirs, err.theirs)
        except OSError as error:
            return self._fail_to_start(error)
        for number in self._told:
            program.signal(number)
        for stream in (out, err):
            stream.open()
        signal.signal(signal.SIGWINCH, lambda _number, _frame: self._fit(out, err))
        teller = threading.Thread(target=self._tell, daemon=True)
        teller.start()
        watch(self._client, self._tracked.task_id, self._ended, self._cancel)
        code = program.wait()
        self._ended.set()
        for stream in (out, err):
            stream.drain()
        teller.join(KILL_S)
        self._end(code, clock.ticks() - began, out, err)
        return SIGNALLED - code if code < 0 else code

    def _fit(self, *streams: Stream) -> None:
        for stream in streams:
            stream.fit()

    def _fail_to_start(self, error: OSError) -> int:
        print(f"farwork exec: {error}", file=sys.stderr)  # noqa: T201 - as a shell would say it
        fault = ErrorIn("start", text_of(error))
        self._reports.say(TaskState.FAILED, reason="start", error=fault)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN

    # --- while it runs ---

    def _hear(self, line: str) -> None:
        self._line = line
        percent = percent_in(line, self._tracked.progress)
        self._percent = self._percent if percent is None else percent

    def _tell(self) -> None:
        """Report progress when there is some, and a sign of life when there is none."""
        told: float | None = None
        silent_since = clock.ticks()
        while not self._ended.wait(NEWS_S):
            percent, line = self._percent, self._line
            if percent != told or clock.ticks() - silent_since >= SILENCE_S:
                self._reports.say(
                    TaskState.RUNNING, progress=ProgressIn(percent, (line or "")[:1_000] or None)
                )
                told, silent_since = percent, clock.ticks()

    def _cancel(self) -> None:
        """End the program: it is asked first."""
        assert self._program is not None
        self._cancelled.set()
        log.warning("the task was cancelled; the program is ended")
        self._program.signal(signal.SIGTERM)
        if not self._ended.wait(KILL_S):
            self._program.signal(signal.SIGKILL)

    # --- when it has ended ---

    def _end(self, code: int, duration_s: float, out: Stream, err: Stream) -> None:
        name = _name_of(-code) if code < 0 else None
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        short: dict[str, Any] = {
            "exit_code": code if code >= 0 else None,
            "signal": name,
            "duration_s": round(duration_s, 3),
            # Linux counts in KiB, macOS in bytes.
            "peak_memory_bytes": peak if sys.platform == "darwin" else peak * 1024,
        }
        result = {**short, "stdout_tail": list(out.tail), "stderr_tail": list(err.tail)}
        if self._cancelled.is_set():
            self._reports.say(TaskState.CANCELLED, result=result)
        elif code == 0:
            self._reports.say(TaskState.SUCCEEDED, result=result)
        else:
            said = f"ended by {name}" if name else f"exit code {code}"
            last = err.tail[-1] if err.tail else ""
            text = f"{said}: {last}" if last else said
            # The error stands in every list of tasks, so it leaves the long part to the result.
            fault = ErrorIn("signal" if name else "exit", text, short)
            self._reports.say(TaskState.FAILED, error=fault, result=result)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
