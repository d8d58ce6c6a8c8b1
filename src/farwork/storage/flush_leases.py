"""The leases of a batch: those that it gave, renewed and ended, into the tables."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection

from farwork.storage.batch import Decided
from farwork.storage.engine import READY_CHANNEL
from farwork.storage.json import encode_text
from farwork.storage.statements import Statements
from farwork.storage.transactions import READY, Ready

# PostgreSQL takes no longer ones.
NOTICE_BYTES_MAX = 7_000


class Leases:
    """Writes what became of leases."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    def write(self, decided: Decided) -> None:
        """Write leases as they stand at the end of the batch, and ring for what became ready."""
        work, connection = self._statements.work, self._connection
        ended: list[tuple[int]] = []
        ready: Counter[tuple[str, str]] = Counter()
        for name, after in decided.tasks.items():
            before = decided.originals[name]
            if after is before:
                continue
            held = before is not None and before.worker is not None
            if before is not None and held and (after is None or after.worker is None):
                ended.append((before.pk,))
                ready[before.project, before.queue] += 0
            if (
                after is not None
                and after.is_ready
                and not (before is not None and before.is_ready)
            ):
                ready[after.project, after.queue] += 1
        work.delete_leases.many(connection, ended)
        work.delete_slots.many(connection, ended)
        work.upsert_leases.many(connection, _terms(decided))
        work.insert_slots.many(connection, decided.slots)
        # Rows are locked in one order by whoever renews several.
        renewals = sorted(decided.renewals.items())
        renewed = work.renew_leases.many(
            connection, [(key, seq, until, until) for (key, seq), until in renewals]
        )
        decided.all_renewed = renewed == len(renewals)
        if ready:
            announce(connection, self._statements, ready)


def announce(connection: Connection, statements: Statements, ready: Ready) -> None:
    """Ring, once the transaction is committed, for what became ready: in every process."""
    connection.info[READY] = ready
    if statements.postgres:
        _tell_others(connection, ready)


def _tell_others(connection: Connection, ready: Ready) -> None:
    """Let every process ring; too long a list rings everywhere."""
    told = encode_text([[*place, count] for place, count in ready.items()])
    said = told if len(told.encode()) <= NOTICE_BYTES_MAX else ""
    connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (READY_CHANNEL, said))


def _terms(decided: Decided) -> list[tuple[Any, ...]]:
    rows: dict[int, tuple[Any, ...]] = {}
    for step in decided.steps:
        term = step.decision.lease
        if term is None:
            continue
        task = decided.tasks[step.project, step.command.task_id]
        if task is not None and task.worker is not None and task.lease_seq == term.lease_seq:
            rows[task.pk] = (
                task.pk, task.project, task.queue, term.worker, term.lease_seq, term.ends_at,
            )  # fmt: skip
    return [rows[key] for key in sorted(rows)]
