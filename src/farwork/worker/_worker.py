"""The worker: claims tasks and runs functions on them, until it is told to stop."""

import inspect
import os
import platform
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from farwork import clock
from farwork.config import load_client
from farwork.protocol.leases import (
    ClaimedOut,
    ClaimIn,
    Completed,
    Failed,
    HandBackIn,
    LeaseRef,
    QueueWeight,
)
from farwork.sdk import Client, FarworkError
from farwork.telemetry.traces import spans_to, within
from farwork.worker._context import Cancelled, Context, NotRetryable
from farwork.worker._durations import seconds_of
from farwork.worker._endings import completed, failed
from farwork.worker._ends import Ends
from farwork.worker._heart import Heart
from farwork.worker._log import log, tell_mistake
from farwork.worker._loop import Loop
from farwork.worker._process import GRACE_S, run_in_process
from farwork.worker._spool import folder_of

F = TypeVar("F", bound=Callable[..., Any])

CLAIM_WAIT_S = 5.0
AWAY_S, AWAY_S_MAX = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Work:
    """A function for tasks of one kind, and how it is run."""

    run: Callable[..., Any]
    retries: int
    run_timeout_s: float | None
    in_process: bool

    @property
    def ends_when_told(self) -> bool:
        """Whether it can be ended from outside, as a plain function in a thread cannot."""
        return self.in_process or inspect.iscoroutinefunction(self.run)


class Worker:
    """Runs functions on tasks of some queues.

        worker = Worker(queues=["gpu"])

        @worker.task("train", retries=3, run_timeout="6h")
        def train(ctx, epochs: int) -> dict: ...

        worker.run()

    A function gets a `Context` and the task's params by name; what it returns is the task's result.
    What it raises is the task's failure: it is tried again unless it is `NotRetryable`.
    """

    def __init__(  # noqa: PLR0913 - each is a setting that users name, and has a good default
        self,
        queues: Sequence[str] | Mapping[str, float],
        *,
        client: Client | None = None,
        name: str | None = None,
        concurrency: int = 1,
        lease_s: float = 30.0,
        labels: Mapping[str, str] | None = None,
        spool: Path | str | bool = True,
        drain_s: float = 30.0,
        traces: str | None = None,
    ) -> None:
        """Claim from these queues (with weights: as often as they say).

        `lease_s` is how long a task is held without a sign of life. Ends are kept in a file until
        they are delivered, in the folder `spool` (True: `FARWORK_SPOOL`, or one in the user's data
        directory, for each server and key its own; False: in memory). When the worker stops, what
        runs has `drain_s` seconds to finish, and is handed back then. Each task is a span that is
        sent to the OTLP endpoint `traces` (None: that of FARWORK_TRACES, if it is set).
        """
        self._queues = queues
        self._client = client or Client.from_environment()
        self.name = name or f"{platform.node()}-{os.getpid()}-{clock.token(3).hex()}"
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._labels = dict(labels or {})
        self._drain_s = drain_s
        self._works: dict[str, Work] = {}
        endpoint = load_client(os.environ).traces if traces is None else traces
        self._spans = spans_to(endpoint, "farwork-worker")
        self._heart = Heart(self._client, self.name, lease_s)
        folder = folder_of(spool, self._client.destination)
        # A lease is kept alive until its end has arrived.
        self._ends = Ends(folder, self._client, self.name, lease_s, self._heart.forget)
        self._running: dict[tuple[str, int], Context] = {}
        self._threads: dict[tuple[str, int], threading.Thread] = {}
        self._loop = Loop()
        self._free = 0
        self._change = threading.Condition()
        self._stopping = threading.Event()
        self._hurried = False
        self._away_s = 0.0

    def task(
        self,
        kind: str,
        *,
        retries: int = 0,
        run_timeout: str | float | None = None,
        process: bool = False,
    ) -> Callable[[F], F]:
        """The function is for tasks of this kind.

        A failure is followed by another attempt up to `retries` times. Each task runs in a thread
        of its own, all asynchronous ones on one event loop. With `process` each runs in a process
        of its own: its crash is that task's failure alone, and `run_timeout` ("90s", "6h") ends it;
        an asynchronous function is cancelled then, and a thread is asked to end.
        """

        def decorate(run: F) -> F:
            self._works[kind] = Work(run, retries, seconds_of(run_timeout), process)
            return run

        return decorate

    def stop(self) -> None:
        """Take no more tasks; `run` returns when those that run are finished or handed back."""
        self._stopping.set()
        with self._change:
            self._change.notify_all()

    def run(self, *, tasks_max: int | None = None, concurrency: int | None = None) -> int:
        """Work until `stop` is called, or so many tasks are done.

        SIGTERM and SIGINT call it; at the second one, what runs is handed back at once.

        `concurrency` stands in for what was said before. Gives the number of tasks that were taken.
        """
        self._concurrency = self._free = concurrency or self._concurrency
        self._catch_signals()
        self._ends.open()
        self._heart.open()
        taken = 0
        try:
            while not self._stopping.is_set() and (tasks_max is None or taken < tasks_max):
                taken += self._take(None if tasks_max is None else tasks_max - taken)
        finally:
            self._drain(None if tasks_max is not None and taken >= tasks_max else self._drain_s)
        return taken

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._hear)

    def _hear(self, _number: int, _frame: object) -> None:
        # Whoever says it twice does not want to wait.
        self._hurried = self._stopping.is_set()
        self.stop()

    # --- claiming ---

    def _take(self, at_most: int | None) -> int:
        with self._change:
            while self._free == 0 and not self._stopping.is_set():
                self._change.wait()
            room = self._free if at_most is None else min(self._free, at_most)
        if self._stopping.is_set():
            return 0
        claimed = self._claim(room)
        for one in claimed:
            self._begin(Context(one, self._client, self._ends.add_beat))
        return len(claimed)

    def _begin(self, context: Context) -> None:
        lease = (context.task_id, context.claimed.lease_seq)
        # One that cannot be ended does not keep the worker from ending.
        thread = threading.Thread(
            target=self._work, args=(context,), name=f"farwork-{context.task_id}", daemon=True
        )
        with self._change:
            self._free -= 1
            self._running[lease], self._threads[lease] = context, thread
        self._heart.watch(context)
        thread.start()

    def _claim(self, room: int) -> list[ClaimedOut]:
        asked = ClaimIn(
            worker=self.name,
            queues=_queues_said(self._queues),
            max=room,
            lease_seconds=self._lease_s,
            labels=self._labels,
            wait=CLAIM_WAIT_S,
        )
        began = clock.ticks()
        try:
            claimed = self._client.claim_tasks(asked)
        except FarworkError as error:
            if not self._away_s:
                log.warning("no tasks can be claimed", error=str(error))
            self._away_s = min(self._away_s + AWAY_S, AWAY_S_MAX)
            self._stopping.wait(self._away_s)
            return []
        self._away_s = 0.0
        if not claimed and clock.ticks() - began < CLAIM_WAIT_S / 2:
            # It is paused, or the server cannot wait just now.
            self._stopping.wait(1.0)
        if self._stopping.is_set():
            self._hand_back([_ref(one) for one in claimed])
            return []
        return claimed

    def _hand_back(self, leases: list[LeaseRef]) -> None:
        if not leases:
            return
        try:
            self._client.hand_back_leases(HandBackIn(leases, self.name))
        except FarworkError as error:
            log.warning("tasks could not be handed back", error=str(error), tasks=len(leases))

    # --- working ---

    def _work(self, context: Context) -> None:
        lease = (context.task_id, context.claimed.lease_seq)
        try:
            end = self._traced(context)
        except BaseException as error:  # noqa: BLE001 - a mistake of ours must not hold the task for ever
            tell_mistake("a worker stumbled", error, task=context.task_id)
            end = failed(context, error, retryable=True)
        if end is None:
            self._heart.forget(*lease)
        else:
            work = self._works.get(context.claimed.task.kind)
            self._ends.add(end, None if work is None else work.retries + 1)
        with self._change:
            self._free += 1
            self._running.pop(lease, None)
            self._threads.pop(lease, None)
            self._change.notify_all()

    def _traced(self, context: Context) -> Completed | Failed | None:
        claimed = context.claimed
        said = {"farwork.task": claimed.task.id, "farwork.attempt": claimed.attempt}
        name = f"work {claimed.task.kind}".strip()
        with self._spans.span(name, "consumer", claimed.traceparent, said) as span:
            # It goes on in whatever the function asks of others.
            claimed.traceparent = span.traceparent
            with within(span.traceparent):
                end = self._end_of(context)
            span.tell(failed=isinstance(end, Failed))
        return end

    def _end_of(self, context: Context) -> Completed | Failed | None:
        """What the task ended with, None: it is no longer ours to say."""
        work = self._works.get(context.claimed.task.kind)
        if work is None:
            known = ", ".join(map(repr, sorted(self._works)))
            error = NotRetryable(
                f"This worker has no function for {context.claimed.task.kind!r}, only for {known}.",
                "unknown_kind",
            )
            return failed(context, error, retryable=False)
        timer = _alarm(context, work)
        try:
            return completed(context, self._call(work, context))
        except Cancelled:
            return None if context.is_over else completed(context, None, state="cancelled")
        except NotRetryable as error:
            return failed(context, error, retryable=False)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the task's failure
            return failed(context, error, retryable=True, attempts_max=work.retries + 1)
        finally:
            if timer is not None:
                timer.cancel()

    def _call(self, work: Work, context: Context) -> Any:
        if work.in_process:
            return run_in_process(work.run, context, work.run_timeout_s)
        result = work.run(context, **context.params)
        if inspect.iscoroutine(result):
            result = self._loop.run(cast("Any", result), context)
        return result

    # --- stopping ---

    def _drain(self, patience_s: float | None) -> None:
        """Let what runs finish, hand back what does not, and deliver what was finished."""
        deadline = None if patience_s is None else clock.ticks() + patience_s
        with self._change:
            while self._free < self._concurrency:
                left = None if deadline is None else deadline - clock.ticks()
                if self._hurried or (left is not None and left <= 0):
                    break
                self._change.wait(left)
            unfinished = list(self._running.values())
        self._hand_back([_ref(context.claimed) for context in unfinished])
        for context in unfinished:
            context.cancel(over=True)
        self._see_off(unfinished)
        self._heart.close()
        self._ends.close(self._drain_s)
        self._spans.close()
        self._loop.close()

    def _see_off(self, unfinished: list[Context]) -> None:
        """Wait for what ends when it is told; functions in threads are left where they are."""
        deadline = clock.ticks() + 2 * GRACE_S
        for context in unfinished:
            work = self._works.get(context.claimed.task.kind)
            thread = self._threads.get((context.task_id, context.claimed.lease_seq))
            if thread is not None and work is not None and work.ends_when_told:
                thread.join(max(0.0, deadline - clock.ticks()))


def _queues_said(queues: Sequence[str] | Mapping[str, float]) -> list[str | QueueWeight]:
    if isinstance(queues, Mapping):
        return [QueueWeight(name, weight) for name, weight in queues.items()]
    return list(queues)


def _alarm(context: Context, work: Work) -> threading.Timer | None:
    """Asks a thread to end when its time is up."""
    if work.run_timeout_s is None or work.in_process:
        return None
    timer = threading.Timer(work.run_timeout_s, context.time_out)
    timer.daemon = True
    timer.start()
    return timer


def _ref(claimed: ClaimedOut) -> LeaseRef:
    return LeaseRef(task_id=claimed.task.id, lease_seq=claimed.lease_seq, attempt=claimed.attempt)
