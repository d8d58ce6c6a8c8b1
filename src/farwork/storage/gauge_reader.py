"""Values for gauges: how many tasks stand where, what waits longest, how far hooks have read.

Each reading is bounded: however many queues and kinds there are, so many series at most.
"""

from sqlalchemy import Connection, func, select

from farwork.domain.values import Instant
from farwork.storage import event_reader, steering_store
from farwork.storage import tables as t

SERIES_MAX = 1_000
QUEUES_MAX = 200
OTHER = "(other)"


def tasks(connection: Connection, project: str) -> dict[tuple[str, ...], float]:
    """How many tasks that are not archived stand in each (queue, kind, state); the largest first.

    Beyond the bound they are put together by state.
    """
    c = t.counters.c
    rows = connection.execute(
        select(c.queue, c.kind, c.state, c.tasks)
        .where(c.project == project, c.archived == 0, c.tasks > 0)
        .order_by(c.tasks.desc(), c.queue, c.kind, c.state)
    )
    found: dict[tuple[str, ...], float] = {}
    for queue, kind, state, number in rows:
        key = (queue, kind, state) if len(found) < SERIES_MAX else (OTHER, OTHER, state)
        found[key] = found.get(key, 0) + number
    return found


def oldest_queued(connection: Connection, project: str, now: Instant) -> dict[tuple[str], float]:
    """For how many seconds the oldest queued task of each queue has been there."""
    counters = t.counters.c
    queues = (
        connection.execute(
            select(counters.queue)
            .where(
                counters.project == project,
                counters.state == "queued",
                counters.archived == 0,
                counters.tasks > 0,
            )
            .group_by(counters.queue)
            .order_by(func.sum(counters.tasks).desc())
            .limit(QUEUES_MAX)
        )
        .scalars()
        .all()
    )
    found: dict[tuple[str], float] = {}
    for queue in queues:
        oldest = steering_store.oldest_queued(connection, project, queue)
        if oldest is not None:
            found[queue,] = max(0.0, (now - oldest) / 1_000_000)
    return found


def hook_lags(connection: Connection, project: str) -> dict[tuple[str], float]:
    """By how many positions each hook of a project has yet to read the feed."""
    head = event_reader.head(connection)
    c = t.hooks.c
    rows = connection.execute(
        select(c.id, c.position).where(c.project == project, c.task_pk.is_(None))
    )
    return {(row[0],): max(0, head - row[1]) for row in rows}


def hooks_failing(connection: Connection, project: str) -> dict[tuple[str], float]:
    """1 for each hook whose circuit is open or that was disabled for failing, else 0."""
    c = t.hooks.c
    rows = connection.execute(
        select(c.id, c.probe_at, c.state, c.reason).where(c.project == project, c.task_pk.is_(None))
    )
    bad = ("failing", "gone")
    return {(i,): float(probe is not None or reason in bad) for i, probe, _, reason in rows}
