"""Workers in their table: who they are, what they offer, and whether they shall work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql
from farwork.storage.json import decode_text, encode_text

_workers = t.workers.c


@dataclass(slots=True)
class WorkerRow:
    """A worker. `leases` is how many tasks it holds."""

    name: str
    host: str | None
    process: int | None
    queues: list[str]
    labels: dict[str, str]
    concurrency: int | None
    state: str
    comment: str | None
    started_at: Instant
    seen_at: Instant
    leases: int = 0


def see(connection: Connection, project: str, row: WorkerRow) -> None:
    """Note that a worker is there, and what it offers; its state stays as it was set."""
    insert: Any = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(t.workers).values(
        project=project,
        name=row.name,
        host=row.host,
        process=row.process,
        queues=encode_text(row.queues),
        labels=encode_text(row.labels),
        concurrency=row.concurrency,
        state=row.state,
        comment=None,
        started_at=row.started_at,
        seen_at=row.seen_at,
    )
    offered = ("queues", "labels", "seen_at") if row.queues else ("seen_at",)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project", "name"],
            set_={name: statement.excluded[name] for name in offered},
        )
    )


def state_of(connection: Connection, project: str, name: str) -> str | None:
    """What a worker shall do, None: it is not known."""
    return connection.execute(
        select(_workers.state).where(_workers.project == project, _workers.name == name)
    ).scalar_one_or_none()


def set_state(
    connection: Connection, project: str, name: str, state: str, comment: str | None
) -> bool:
    """Set what a worker shall do; whether there is such a worker."""
    changed = connection.execute(
        update(t.workers)
        .where(_workers.project == project, _workers.name == name)
        .values(state=state, comment=comment)
    )
    return changed.rowcount > 0


def workers(
    connection: Connection, project: str, *, after: tuple[int, str] | None, limit: int
) -> list[WorkerRow]:
    """Workers, those first that were seen last."""
    wanted = [_workers.project == project]
    if after is not None:
        seen_at, name = after
        wanted.append(
            (_workers.seen_at < seen_at) | ((_workers.seen_at == seen_at) & (_workers.name > name))
        )
    rows = connection.execute(
        select(t.workers)
        .where(*wanted)
        .order_by(_workers.seen_at.desc(), _workers.name)
        .limit(limit)
    ).all()
    held = _held(connection, project, [row.name for row in rows])
    return [_worker(row, held.get(row.name, 0)) for row in rows]


def worker(connection: Connection, project: str, name: str) -> WorkerRow | None:
    """One worker."""
    row = connection.execute(
        select(t.workers).where(_workers.project == project, _workers.name == name)
    ).one_or_none()
    if row is None:
        return None
    return _worker(row, _held(connection, project, [name]).get(name, 0))


def _held(connection: Connection, project: str, names: Sequence[str]) -> dict[str, int]:
    c = t.leases.c
    rows = connection.execute(
        select(c.worker, func.count())
        .where(c.project == project, c.worker.in_(names))
        .group_by(c.worker)
    )
    return {name: count for name, count in rows}  # noqa: C416 - a row is no pair to a type checker


def _worker(row: Any, leases: int) -> WorkerRow:
    return WorkerRow(
        row.name,
        row.host,
        row.process,
        decode_text(row.queues),
        decode_text(row.labels),
        row.concurrency,
        row.state,
        row.comment,
        row.started_at,
        row.seen_at,
        leases,
    )
