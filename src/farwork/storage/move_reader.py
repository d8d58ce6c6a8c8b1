"""Reading moves off the log: which task came into which state, and nothing else."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from farwork.domain.values import TaskState
from farwork.storage import event_reader
from farwork.storage import tables as t


@dataclass(slots=True, frozen=True)
class Move:
    """A task came into a state that it was not in before."""

    task_id: str
    state: TaskState


def moves(
    connection: Connection, project: str, *, after: int, limit: int
) -> tuple[list[Move], int]:
    """The moves behind position `after`, at most `limit`, and up to where the log was read."""
    # The head comes first: what is committed between the two statements is left for the next time.
    head = event_reader.head(connection)
    if head <= after:
        return [], after
    e, tasks = t.events.c, t.tasks.c
    found = connection.execute(
        select(e.position, func.coalesce(tasks.id, e.subject), e.after)
        .select_from(t.events.outerjoin(t.tasks, tasks.pk == e.task_pk))
        .where(
            e.project == project,
            e.position > after,
            e.position <= head,
            e.after.is_not(None),
            or_(e.before.is_(None), e.before != e.after),
        )
        .order_by(e.position)
        .limit(limit)
    ).all()
    seen = found[-1][0] if len(found) == limit else head
    return [Move(task_id, TaskState(state)) for _, task_id, state in found if task_id], seen
