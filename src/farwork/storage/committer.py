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
from typing import Any, Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from farwork.clock import Now
from farwork.domain.errors import DomainError
from farwork.domain.values import Instant
from farwork.storage.batch import Batch
from farwork.storage.errors import (
    Overloaded,
    StorageUnavailable,
    is_away,
    is_passing,
    reason_of,
)
from farwork.storage.flush import Flush
from farwork.storage.statements import Statements
from farwork.storage.writes import Answer, Work, Write

log = structlog.get_logger()

BATCH_COMMANDS_MAX = 1_000
WAITING_COMMANDS_MAX = 20_000
KEYS_AT_ONCE = 1_000
TRIES_MAX = 5


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
            settle(future, answer)


def settle(future: Any, answer: Any) -> None:
    """Set a future to its answer, unless nobody waits for it any more."""
    if future.cancelled():
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
    size: int


class Committer:
    """Owns the one thread of this process that writes."""

    def __init__(
        self, engine: Engine, now: Now, on_commit: Callable[[int], None] = lambda _head: None
    ) -> None:
        self._engine = engine
        self._now = now
        self._on_commit = on_commit
        self.statements = Statements(engine.dialect)
        self._waiting: deque[_Waiting] = deque()
        self._commands = 0
        self._some = threading.Condition()
        self._closing = False
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
        self._thread.join()

    @property
    def waiting(self) -> int:
        """How many commands wait to be written."""
        return self._commands

    def submit(self, write: Write, mailbox: Mailbox = _THREADS) -> Any:
        """Hand over commands; the mailbox's future has the `Answer` once they are committed.

        It fails with a `DomainError` (an atomic write was refused), or with `StorageUnavailable`.
        """
        return self._enqueue(write, max(1, len(write.commands)), mailbox)

    def submit_work(self, work: Work, mailbox: Mailbox = _THREADS) -> Any:
        """Hand over a function of a connection, to be run alone in a transaction of its own."""
        return self._enqueue(work, 1, mailbox)

    def _enqueue(self, what: Write | Work, size: int, mailbox: Mailbox) -> Any:
        future = mailbox.slot()
        with self._some:
            if self._closing:
                raise StorageUnavailable("The server is stopping.")
            if self._commands + size > WAITING_COMMANDS_MAX and self._commands:
                raise Overloaded("Too much is waiting to be written; try again shortly.")
            self._waiting.append(_Waiting(what, future, mailbox, size))
            self._commands += size
            self._some.notify()
        return future

    # --- the thread ---

    def _run(self) -> None:
        while True:
            batch = self._take()
            if not batch:
                return
            what = batch[0].what
            if isinstance(what, Write):
                self._commit(batch)
            else:
                self._work(batch[0], what)

    def _take(self) -> list[_Waiting]:
        """Everything that waits, up to a bound; a piece of work comes alone."""
        with self._some:
            while not self._waiting and not self._closing:
                self._some.wait()
            batch: list[_Waiting] = []
            size = 0
            while self._waiting:
                item = self._waiting[0]
                alone = not isinstance(item.what, Write)
                if batch and (alone or size + item.size > BATCH_COMMANDS_MAX):
                    break
                batch.append(self._waiting.popleft())
                size += item.size
                self._commands -= item.size
                if alone:
                    break
            return batch

    def _tick(self) -> Instant:
        """The time, later at every call: commands of one batch keep their order."""
        self._last = max(self._now(), self._last + 1)
        return self._last

    def _work(self, item: _Waiting, work: Work) -> None:
        for attempt in range(1, TRIES_MAX + 1):
            try:
                with self._engine.begin() as connection:
                    result, head = work(connection, self.statements, self._tick)
            except DomainError as refusal:
                _deliver([item], [refusal])
                return
            except SQLAlchemyError as error:
                if attempt < TRIES_MAX and is_passing(error):
                    continue
                _deliver([item], [_unavailable(error)])
                return
            if head is not None:
                self._on_commit(head)
            _deliver([item], [result])
            return

    def _commit(self, batch: list[_Waiting]) -> None:
        for attempt in range(1, TRIES_MAX + 1):
            try:
                answers, head = self._transact([item.what for item in batch])
            except SQLAlchemyError as error:
                if attempt < TRIES_MAX and is_passing(error):
                    continue
                self._fail(batch, error)
                return
            break
        else:  # pragma: no cover - the loop always returns or breaks
            return
        if head is not None:
            self._on_commit(head)
        _deliver(batch, answers)

    def _fail(self, batch: list[_Waiting], error: SQLAlchemyError) -> None:
        """Find the guilty write by halves; when the database itself is away, all fail alike."""
        if len(batch) == 1 or is_away(error):
            log.error("commit failed", error=reason_of(error), writes=len(batch))
            _deliver(batch, [_unavailable(error)] * len(batch))
            return
        middle = len(batch) // 2
        self._commit(batch[:middle])
        self._commit(batch[middle:])

    def _transact(self, writes: list[Any]) -> tuple[list[Answer | DomainError], int | None]:
        self._reserve_keys(sum(len(write.commands) for write in writes))
        with self._engine.begin() as connection:
            used = _Keys(self._free_keys)
            batch = Batch(connection, self.statements, self._tick, used)
            batch.load(writes)
            answers: list[Answer | DomainError] = []
            for write in writes:
                try:
                    answers.append(batch.answer(write))
                except DomainError as refusal:
                    answers.append(refusal)
            head = Flush(connection, self.statements, self._tick()).write(batch.decided)
        return answers, head

    def _reserve_keys(self, count: int) -> None:
        """Have enough task keys at hand, by a small transaction of its own.

        A key that was given out is never given out again.
        """
        if len(self._free_keys) >= count:
            return
        block = max(KEYS_AT_ONCE, count)
        with self._engine.begin() as connection:
            last = self.statements.advance_head.all(connection, (block, "task"))[0][0]
        self._free_keys = list(range(last, last - block, -1))


def _deliver(batch: list[_Waiting], answers: Sequence[Any]) -> None:
    letters: dict[int, tuple[Mailbox, list[tuple[Any, Any]]]] = {}
    for item, answer in zip(batch, answers, strict=True):
        pile = letters.setdefault(id(item.mailbox), (item.mailbox, []))
        pile[1].append((item.future, answer))
    for mailbox, pairs in letters.values():
        mailbox.deliver(pairs)


class _Keys:
    """Hands out task keys, smallest first; one that a failed transaction used is not used again."""

    def __init__(self, free: list[int]) -> None:
        self._free = free

    def __iter__(self) -> "_Keys":
        return self

    def __next__(self) -> int:
        return self._free.pop()


def _unavailable(error: SQLAlchemyError) -> StorageUnavailable:
    return StorageUnavailable(f"The database did not take the write: {reason_of(error)}.")


__all__ = ["Committer", "Overloaded", "StorageUnavailable"]
