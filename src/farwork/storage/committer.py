"""The committer: one thread that commits everything that is waiting in one transaction.

A lone write commits at once; under load many share a commit. A batch that fails is split until only
the guilty write fails. The queue is bounded: when it is full, `Overloaded` is raised and nothing
was taken.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from traceback import format_exception
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from farwork import clock
from farwork.clock import Now, ticks
from farwork.domain.commands import AdoptReport, ReportTask
from farwork.domain.errors import DomainError
from farwork.domain.values import Instant
from farwork.storage import command_trail, trail_store
from farwork.storage.batch import Batch
from farwork.storage.errors import (
    CommitUnknown,
    NotInTime,
    NotStorable,
    Overloaded,
    StorageUnavailable,
    is_away,
    is_in_the_way,
    reason_of,
)
from farwork.storage.flush import Flush
from farwork.storage.memory import Memory
from farwork.storage.statements import Statements
from farwork.storage.transactions import Ready, Transactions
from farwork.storage.waits import Name
from farwork.storage.writes import Answer, Work, Write
from farwork.telemetry.counts import Batch as Told

log = structlog.get_logger()

# What one transaction takes together, and what may wait for it.
BATCH_COMMANDS_MAX = 1_000
BATCH_BYTES_MAX = 16 << 20
WAITING_COMMANDS_MAX = 20_000
WAITING_BYTES_MAX = 256 << 20
# So long a failed write speaks against the database when nothing has been written since.
TROUBLE_US = 5_000_000
KEYS_AT_ONCE = 1_000


class Mailbox(Protocol):
    """Where answers go.

    Those of one batch are delivered together: waking an event loop costs more than an answer.
    """

    def slot(self) -> Any:
        """A future for one answer."""
        ...

    def deliver(self, answers: "list[tuple[Any, Any]]") -> None:
        """Set every future of these pairs to its answer, or to its exception."""
        ...


class ThreadMailbox:
    """Answers go to `concurrent.futures` futures."""

    def slot(self) -> "Future[Any]":
        """A future to wait for in any thread."""
        return Future()

    def deliver(self, answers: "list[tuple[Any, Any]]") -> None:
        """Set them here and now."""
        for future, answer in answers:
            # From here on it cannot be cancelled.
            if not future.done() and future.set_running_or_notify_cancel():
                settle(future, answer)


def settle(future: Any, answer: Any) -> None:
    """Set a future to its answer, unless it has one or nobody waits for it any more."""
    if future.done():
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)


_THREADS = ThreadMailbox()


@dataclass(slots=True)
class _Waiting:
    what: Write | Work
    future: Any
    mailbox: Mailbox
    commands: int
    size: int

    @property
    def leads(self) -> bool:
        """Whether it must come first in its transaction.

        Work is run alone, and a late report is adopted from the log, not from a batch.
        """
        if not isinstance(self.what, Write):
            return True
        commands = self.what.commands
        return bool(commands) and isinstance(commands[0], AdoptReport)


@dataclass(slots=True)
class _Done:
    """What a transaction came to; how to remember and to count it once it is committed."""

    answers: list[Any]
    head: int | None
    remember: Callable[[], None]
    tell: Callable[[], Told]


class Committer:
    """Owns the one thread of this process that writes."""

    def __init__(
        self,
        engine: Engine,
        now: Now,
        on_commit: Callable[[int], None] = lambda _head: None,
        on_ready: Callable[[Ready], None] = lambda _ready: None,
    ) -> None:
        self._now = now
        self._on_commit = on_commit
        self.on_batch: Callable[[Told], None] = lambda _batch: None
        """Told what each transaction held, after its commit."""
        self.statements = Statements(engine.dialect)
        self._waiting: deque[_Waiting] = deque()
        self._commands = 0
        self._size = 0
        self._some = threading.Condition()
        self._closing = False
        self._trouble: tuple[str, Instant] | None = None
        self._transactions = Transactions(engine, on_ready)
        self._last: Instant = 0
        self._free_keys: list[int] = []
        self._thread = threading.Thread(target=self._run, name="farwork-committer", daemon=True)

    def start(self) -> None:
        """Begin to take writes."""
        self._thread.start()

    def close(self) -> None:
        """Write what is waiting, then stop."""
        with self._some:
            self._closing = True
            self._some.notify()
        if self._thread.is_alive():
            self._thread.join()

    def renew(self) -> None:
        """Write through a new connection from now on: the one there is may be of no use."""
        self._transactions.renew()

    @property
    def waiting(self) -> int:
        """How many commands wait to be written."""
        return self._commands

    @property
    def trouble(self) -> str | None:
        """Why the database did not take what was last written; None: it did, or that is long ago.

        A probe that writes next to nothing proves little: a disk may have room for that alone.
        """
        if self._trouble is None or self._now() - self._trouble[1] > TROUBLE_US:
            return None
        return self._trouble[0]

    def submit(self, write: Write, mailbox: Mailbox = _THREADS) -> Any:
        """Hand over commands; the mailbox's future has the `Answer` once they are committed.

        It fails with a `DomainError` (an atomic write was refused, or the database does not take
        it), or with `StorageUnavailable`; nothing of the write was kept then, but for a
        `CommitUnknown`.
        """
        size = sum(
            len(command.encoded)
            for command in write.commands
            if isinstance(command, ReportTask) and command.encoded is not None
        )
        return self._enqueue(write, max(1, len(write.commands)), size, mailbox)

    def submit_work(self, work: Work, mailbox: Mailbox = _THREADS) -> Any:
        """Hand over a function of a connection, to be run alone in a transaction of its own."""
        return self._enqueue(work, 1, 0, mailbox)

    def _enqueue(self, what: Write | Work, commands: int, size: int, mailbox: Mailbox) -> Any:
        future = mailbox.slot()
        with self._some:
            if self._closing:
                raise StorageUnavailable("The server is stopping.")
            # One write is always taken, however large: else it could never be.
            if self._waiting and (
                self._commands + commands > WAITING_COMMANDS_MAX
                or self._size + size > WAITING_BYTES_MAX
            ):
                raise Overloaded("Too much is waiting to be written; try again shortly.")
            self._waiting.append(_Waiting(what, future, mailbox, commands, size))
            self._commands += commands
            self._size += size
            self._some.notify()
        return future

    # --- the thread ---

    def _run(self) -> None:
        while self.turn():
            pass

    def turn(self) -> bool:
        """Wait until something is to be written, and write all that waits; False: it was closed.

        For the committer's own thread, or in place of it where it was never started.
        """
        batch = self._take()
        if batch is None:
            self._transactions.close()
            return False
        # What nobody waits for any more was not acknowledged, and is not carried out.
        batch = [item for item in batch if not item.future.cancelled()]
        if batch:
            try:
                self._carry_out(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of our mistake
                _log_error("the committer stumbled", error, writes=len(batch))
                _deliver(batch, [error] * len(batch))
        return True

    def _take(self) -> list[_Waiting] | None:
        """Everything that waits, up to a bound; None: it is over."""
        with self._some:
            while not self._waiting and not self._closing:
                self._some.wait()
            batch: list[_Waiting] = []
            commands = size = 0
            while self._waiting:
                item = self._waiting[0]
                commands += item.commands
                size += item.size
                if batch and (
                    item.leads or commands > BATCH_COMMANDS_MAX or size > BATCH_BYTES_MAX
                ):
                    break
                batch.append(self._waiting.popleft())
                self._commands -= item.commands
                self._size -= item.size
                if not isinstance(item.what, Write):
                    break
            return batch or None

    def _carry_out(self, batch: list[_Waiting]) -> None:
        what = batch[0].what
        if isinstance(what, Write):
            self._commit(batch)
        else:
            self._work(batch, what)

    def _tick(self) -> Instant:
        """The time, later at every call: commands of one batch keep their order."""
        self._last = max(self._now(), self._last + 1)
        return self._last

    def _work(self, batch: list[_Waiting], work: Work) -> None:
        try:
            result, head = self._transactions.run(
                lambda connection: self._run_work(connection, work)
            )
        except (DomainError, NotInTime) as refusal:
            _deliver(batch, [refusal])
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller shall know
            self._fail(batch, error)
        else:
            self._committed(head)
            _deliver(batch, [result])

    def _run_work(self, connection: Connection, work: Work) -> tuple[Any, int | None]:
        # It may change any task, by statements of its own.
        Memory.of(connection).forget()
        return work(connection, self.statements, self._tick)

    def _commit(self, batch: list[_Waiting]) -> None:
        began = clock.ticks()
        try:
            done = self._write([item.what for item in batch])
        except Exception as error:  # noqa: BLE001 - one guilty write shall fail, not its neighbours
            self._fail(batch, error)
        else:
            self._committed(done.head)
            _deliver(batch, done.answers)
            seconds = clock.ticks() - began
            # Nobody waits for the counting, least of all with the write lock held.
            told = done.tell()
            told.seconds = seconds
            self.on_batch(told)

    def _committed(self, head: int | None) -> None:
        if head is None:
            return
        self._trouble = None
        try:
            self._on_commit(head)
        except Exception as error:  # noqa: BLE001 - it is committed, and the feed will be read
            _log_error("those who follow the feed were not woken", error, head=head)

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        """Find the guilty write by halves; when the database itself is away, all fail alike."""
        if isinstance(error, StorageUnavailable) or is_away(error) or is_in_the_way(error):
            why = reason_of(error)
            self._trouble = (why, self._now())
            log.error("commit failed", error=why, writes=len(batch))
            _deliver(batch, [_unavailable(error)] * len(batch))
            self.renew()
        elif len(batch) == 1:
            if not isinstance(error, DomainError | NotInTime):
                _log_error("a write failed", error)
            _deliver(batch, [_guilty(error)])
        else:
            middle = len(batch) // 2
            self._commit(batch[:middle])
            self._commit(batch[middle:])

    def _write(self, writes: list[Any]) -> _Done:
        self._reserve_keys(sum(len(write.commands) for write in writes))
        known: set[Name] = set()
        keys = _Keys(self._free_keys)

        def decide_and_flush(connection: Connection) -> _Done:
            keys.taken = 0
            memory = Memory.of(connection)
            batch = Batch(connection, self.statements, self._tick, keys, known, memory)
            batch.load(writes)
            answers = [_answer(batch, write) for write in writes]
            now = self._tick()
            flush = Flush(connection, self.statements, now, memory)
            head = flush.write(batch.decided)
            _tell(connection, writes, answers, now)
            for write, answer in zip(writes, answers, strict=True):
                if isinstance(answer, Answer):
                    answer.renewed = batch.decided.all_renewed
                    head = self._finish(connection, write, answer) or head
            last = self._last
            done = _Done(
                answers,
                head,
                remember=lambda: memory.keep(batch.decided.tasks, flush.notes),
                tell=lambda: _told(batch, writes, answers, last),
            )
            if any(write.also is not None for write in writes):
                # It may change any task, by statements of its own.
                done.remember = memory.forget
            return done

        try:
            done = self._transactions.run(decide_and_flush)
        except CommitUnknown:
            keys.spend()
            raise
        keys.spend()
        done.remember()
        return done

    def _finish(self, connection: Connection, write: Write, answer: Answer) -> int | None:
        """Do what belongs to a write beside its commands; the last look at the clock."""
        head: int | None = None
        if write.also is not None and answer.stored is None:
            answer.beside, head = write.also(connection, self.statements, self._tick)
        refuse_if_late(write.until)
        return head

    def _reserve_keys(self, count: int) -> None:
        """Have enough task keys at hand, by a small transaction of its own.

        A key that was given out is never given out again.
        """
        if len(self._free_keys) >= count:
            return
        block = max(KEYS_AT_ONCE, count)
        last = self._transactions.run(
            lambda connection: self.statements.advance_head.all(connection, (block, "task"))[0][0]
        )
        self._free_keys[:] = range(last, last - block, -1)


def _told(batch: Batch, writes: Sequence[Write], answers: Sequence[Any], now: Instant) -> Told:
    """What a batch held, in numbers."""
    commands = [command for write in writes for command in write.commands]
    steps = batch.decided.steps
    told = Told(len(commands))
    told.events.update([event.type.value for step in steps for event in step.decision.events])
    told.verdicts.update(
        [
            outcome.verdict.value
            for answer in answers
            if isinstance(answer, Answer)
            for outcome in answer.outcomes
            if outcome.verdict is not None
        ]
    )
    told.lateness_s = [
        max(0.0, (now - command.report.occurred_at) / 1e6)
        for command in commands
        if isinstance(command, ReportTask)
    ]
    return told


def _log_error(what: str, error: Exception, **more: int) -> None:
    """Log an error with its traceback, but without the values around it: they may be anybody's."""
    log.error(what, error=reason_of(error), traceback="".join(format_exception(error)), **more)


def _answer(batch: Batch, write: Write) -> Answer | DomainError | NotInTime:
    try:
        refuse_if_late(write.until)
        return batch.answer(write)
    except (DomainError, NotInTime) as refusal:
        return refusal


def refuse_if_late(until: float | None) -> None:
    """Raises `NotInTime` after `until` (see `clock.ticks`)."""
    if until is not None and ticks() > until:
        raise NotInTime("The write was not made in the time that its sender waits.")


def _tell(connection: Connection, writes: list[Write], answers: list[Any], now: Instant) -> None:
    """Write into the audit trail what those who asked have changed."""
    said = [
        row
        for write, answer in zip(writes, answers, strict=True)
        if write.asker is not None and isinstance(answer, Answer)
        for row in command_trail.rows_of(write, answer, now)
    ]
    if said:
        trail_store.add(connection, said)


def _deliver(batch: list[_Waiting], answers: Sequence[Any]) -> None:
    letters: dict[int, tuple[Mailbox, list[tuple[Any, Any]]]] = {}
    for item, answer in zip(batch, answers, strict=True):
        pile = letters.setdefault(id(item.mailbox), (item.mailbox, []))
        pile[1].append((item.future, answer))
    for mailbox, pairs in letters.values():
        try:
            mailbox.deliver(pairs)
        except Exception as error:  # noqa: BLE001 - the others shall have their answers
            _log_error("answers were not delivered", error, answers=len(pairs))


class _Keys:
    """Hands out task keys, smallest first; those of a try that failed are handed out again."""

    def __init__(self, free: list[int]) -> None:
        self._free = free
        self.taken = 0

    def __iter__(self) -> "_Keys":
        return self

    def __next__(self) -> int:
        self.taken += 1
        return self._free[-self.taken]

    def spend(self) -> None:
        """What was handed out is in use."""
        del self._free[len(self._free) - self.taken :]


def _unavailable(error: Exception) -> StorageUnavailable:
    if isinstance(error, StorageUnavailable):
        return error
    return StorageUnavailable(f"The database did not take the write: {reason_of(error)}.")


def _guilty(error: Exception) -> Exception:
    """What the one whose write failed is told."""
    if isinstance(error, SQLAlchemyError | OverflowError | UnicodeError):
        return NotStorable(f"The database does not take this: {reason_of(error)}.")
    return error


__all__ = ["Committer", "NotInTime", "Overloaded", "StorageUnavailable", "refuse_if_late"]
