"""Reading leases: how those stand that a worker speaks of, and what their tasks' inputs gave."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from farwork.domain.events import EventType
from farwork.domain.values import CancelStanding, Instant, TaskState
from farwork.storage import tables as t
from farwork.storage import task_reader
from farwork.storage.json import decode_text
from farwork.storage.part_reader import ResultRow, results


@dataclass(slots=True)
class LeaseStanding:
    """How a task stands to whoever says that he holds it."""

    task_pk: int
    state: TaskState
    reason: str | None
    attempt: int
    lease_seq: int
    worker: str | None
    cancel: CancelStanding | None
    ends_at: Instant | None


def standings(
    connection: Connection, project: str, ids: Collection[str]
) -> dict[str, LeaseStanding]:
    """How these tasks stand, by id; one that does not exist is left out."""
    c, leases = t.tasks.c, t.leases.c
    rows = connection.execute(
        select(
            c.id, c.pk, c.state, c.reason, c.attempt, c.lease_seq, c.worker, c.cancel,
            leases.ends_at,
        )
        .join(t.leases, leases.task_pk == c.pk, isouter=True)
        .where(c.project == project, c.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: LeaseStanding(
            row.pk,
            TaskState(row.state),
            row.reason,
            row.attempt,
            row.lease_seq,
            row.worker,
            None if row.cancel is None else CancelStanding(row.cancel),
            row.ends_at,
        )
        for row in rows
    }


def attempt_of(connection: Connection, task_pk: int, lease_seq: int) -> int | None:
    """The attempt that a lease of this number was a hold on, None: there never was such a lease."""
    e = t.events.c
    rows = connection.execute(
        select(e.attempt, e.fact)
        .where(e.task_pk == task_pk, e.type == EventType.TASK_CLAIMED.value)
        .order_by(e.position.desc())
    )
    for row in rows:
        if decode_text(row.fact)["lease_seq"] == lease_seq:
            return row.attempt
    return None


@dataclass(slots=True)
class InputGiven:
    """An input and what it ended with; `state` None: there is no such task."""

    id: str
    state: TaskState | None
    results: list[ResultRow]


def inputs_given(
    connection: Connection, project: str, ids: Collection[str]
) -> dict[str, InputGiven]:
    """What these inputs ended with, by id: one look at all, and one at each that gave some."""
    given = {id_: InputGiven(id_, None, []) for id_ in ids}
    for task in task_reader.several(connection, project, sorted(ids)):
        own = results(connection, task) if task.has_result or task.shards else []
        present = [row for row in own if not row.late and row.attempt == task.attempt]
        given[task.id] = InputGiven(task.id, task.state, present)
    return given
