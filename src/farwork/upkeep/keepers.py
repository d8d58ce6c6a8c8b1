"""What time alone brings about: leases run out, limits are reached, tasks become due.

Each keeper looks for a bounded number of tasks on an index, and gives a command about each; the
domain decides whether anything follows. So it does no harm when two of them look at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from farwork import clock
from farwork.domain import commands as c
from farwork.domain.values import Instant
from farwork.service.ledger import Ledger
from farwork.storage import delivery_store, sending_store
from farwork.storage.statements import Statements

BATCH_MAX = 500
_DAY_US = 86_400_000_000
DELIVERED_KEPT_US = 7 * _DAY_US
OTHERS_KEPT_US = 30 * _DAY_US
SENDINGS_KEPT_US = 7 * _DAY_US
PRUNE_EVERY_US = 600_000_000


@dataclass(slots=True, frozen=True)
class Report:
    """What a pass came to: how many tasks were looked at, and whether there may be more."""

    tasks: int = 0
    more: bool = False


class Keeper(Protocol):
    """A loop's duty."""

    async def run_once(self, now: Instant) -> Report:
        """Do what is to be done by now, a bounded part of it."""
        ...


class _Sweep:
    """Gives a command about every task that a statement finds."""

    def __init__(
        self,
        ledger: Ledger,
        find: Callable[[Statements, Connection, Instant], list[Any]],
        command: Callable[..., c.Command],
    ) -> None:
        self._ledger = ledger
        self._find = find
        self._command = command

    async def run_once(self, now: Instant) -> Report:
        """Look once."""
        statements = self._ledger.store.committer.statements
        rows = await self._ledger.read(lambda con: self._find(statements, con, now))
        by_project: dict[str, list[c.Command]] = {}
        for project, *row in rows:
            by_project.setdefault(project, []).append(self._command(*row))
        for project, commands in by_project.items():
            await self._ledger.commands(project, commands)
        return Report(len(rows), len(rows) == BATCH_MAX)


class LeaseReaper(_Sweep):
    """Concludes what follows when leases run out."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            ledger, lambda s, con, now: s.work.select_expired.all(con, (now, BATCH_MAX)), _reap
        )


class DeadlineKeeper(_Sweep):
    """Ends what has reached a limit."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            ledger, lambda s, con, now: s.work.select_overdue.all(con, (now, BATCH_MAX)), _check
        )


class Scheduler(_Sweep):
    """Makes ready what has waited for its time."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            ledger, lambda s, con, now: s.work.select_due.all(con, (now, BATCH_MAX)), _wake
        )


class _Pruning:
    """Forgets what is long over: once in a while, and a bounded part of it at a time."""

    def __init__(self, ledger: Ledger, prune: Callable[[Connection, Instant], int]) -> None:
        self._ledger = ledger
        self._prune = prune
        self._next_at: Instant = 0

    async def run_once(self, now: Instant) -> Report:
        """Look, if it is time to."""
        if now < self._next_at:
            return Report()
        count = await self._ledger.work(lambda con: self._prune(con, now))
        if count < BATCH_MAX:
            self._next_at = now + PRUNE_EVERY_US
        return Report(count, count >= BATCH_MAX)


class DeliveryPruner(_Pruning):
    """Forgets deliveries that ended long ago, and callbacks of tasks that are gone."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, _prune_deliveries)


class SendingPruner(_Pruning):
    """Forgets what sources sent long ago."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            ledger, lambda con, now: sending_store.prune(con, now - SENDINGS_KEPT_US, BATCH_MAX)
        )


def _prune_deliveries(connection: Connection, now: Instant) -> int:
    ended = delivery_store.prune(
        connection,
        delivered=now - DELIVERED_KEPT_US,
        others=now - OTHERS_KEPT_US,
        limit=BATCH_MAX,
    )
    return ended + delivery_store.prune_callbacks(connection, BATCH_MAX)


def _reap(task_id: str, lease_seq: int) -> c.Command:
    return c.ReapLease(task_id=task_id, lease_seq=lease_seq, dice=clock.dice())


def _check(task_id: str) -> c.Command:
    return c.CheckDeadline(task_id=task_id, dice=clock.dice())


def _wake(task_id: str) -> c.Command:
    return c.WakeTask(task_id=task_id)


async def next_alarm(ledger: Ledger) -> Instant | None:
    """When the next lease, limit or waiting time runs out, None: none does."""
    statements = ledger.store.committer.statements
    row = (await ledger.read(lambda con: statements.work.next_alarms.all(con, ())))[0]
    return min((at for at in row if at is not None), default=None)
