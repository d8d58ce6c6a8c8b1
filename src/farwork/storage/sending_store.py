"""What sources sent, as it came: kept for a while, so that it can be read again."""

from collections.abc import Collection
from dataclasses import dataclass, fields

from sqlalchemy import Connection, delete, func, insert, select, update

from farwork.domain.values import Instant
from farwork.storage import tables as t

_s = t.sendings.c
TAKEN, NOTHING, REFUSED = "taken", "nothing", "refused"


@dataclass(slots=True)
class SendingRow:
    """A sending as it is kept. `headers` and `outcome` are JSON texts."""

    id: str
    source_id: str
    project: str
    at: Instant
    delivery_id: str | None
    headers: str
    body: bytes
    state: str
    outcome: str
    mapping: str | None
    replays: int = 0
    replayed_at: Instant | None = None


_NAMES = tuple(f.name for f in fields(SendingRow))
_COLUMNS = tuple(t.sendings.c[name] for name in _NAMES)


def add(connection: Connection, row: SendingRow) -> None:
    """Keep a sending."""
    connection.execute(insert(t.sendings).values({n: getattr(row, n) for n in _NAMES}))


def get(connection: Connection, source_id: str, sending_id: str) -> SendingRow | None:
    """One sending."""
    statement = select(*_COLUMNS).where(_s.source_id == source_id, _s.id == sending_id)
    found = connection.execute(statement).one_or_none()
    return None if found is None else SendingRow(*found)


def page(
    connection: Connection,
    source_id: str,
    *,
    states: Collection[str] = (),
    before: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[SendingRow]:
    """The sendings of a source before an id, latest first, or behind one, oldest first."""
    wanted = [_s.source_id == source_id]
    if states:
        wanted.append(_s.state.in_(states))
    if before is not None:
        wanted.append(_s.id < before)
    if after is not None:
        wanted.append(_s.id > after)
    order = _s.id.desc() if after is None else _s.id
    rows = connection.execute(select(*_COLUMNS).where(*wanted).order_by(order).limit(limit))
    return [SendingRow(*row) for row in rows]


def note_replay(connection: Connection, row: SendingRow) -> None:
    """Keep what became of a sending that was read again."""
    connection.execute(
        update(t.sendings)
        .where(_s.id == row.id)
        .values(
            state=row.state,
            outcome=row.outcome,
            replays=row.replays,
            replayed_at=row.replayed_at,
        )
    )


def trim(connection: Connection, source_id: str, *, rows_max: int, bytes_max: int) -> int:
    """Forget the oldest sendings of a source beyond so many, or so many bytes of them."""
    latest = _s.id.desc()
    placed = (
        select(
            _s.id,
            func.row_number().over(order_by=latest).label("place"),
            func.sum(func.length(_s.body)).over(order_by=latest).label("size"),
        )
        .where(_s.source_id == source_id)
        .subquery()
    )
    beyond = select(placed.c.id).where((placed.c.place > rows_max) | (placed.c.size > bytes_max))
    ids = connection.execute(beyond).scalars().all()
    if ids:
        connection.execute(delete(t.sendings).where(_s.id.in_(ids)))
    return len(ids)


def prune(connection: Connection, before: Instant, limit: int) -> int:
    """Forget sendings that came before an instant, a bounded number at a time."""
    old = select(_s.id).where(_s.at < before).limit(limit)
    ids = connection.execute(old).scalars().all()
    if ids:
        connection.execute(delete(t.sendings).where(_s.id.in_(ids)))
    return len(ids)
