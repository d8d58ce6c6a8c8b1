"""Deliveries in their table: one an event that a hook means, told in order for each subject."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql
from farwork.storage.event_reader import EVENTS, head, record_of
from farwork.storage.feed_reader import FeedPage

_d, _h, _e = t.deliveries.c, t.hooks.c, t.events.c
OPEN = ("due", "waiting")
# Written out: with a parameter in their place, partial indexes are of no use.
_IS_OPEN = _d.state.in_([literal_column(f"'{word}'") for word in OPEN])
_IS_DUE = _d.state == literal_column("'due'")
REDELIVERED_AT_ONCE = 1_000


@dataclass(slots=True)
class DeliveryRow:
    """A delivery as it is kept. `log` and `event` are JSON texts."""

    hook_id: str
    position: int
    subject: str
    type: str
    state: str
    next_at: Instant
    attempts: int
    log: str
    event: str
    created_at: Instant
    ended_at: Instant | None = None
    trace: str | None = None


@dataclass(slots=True)
class Tried:
    """What became of an attempt at a delivery: its state from now on, and the log with it."""

    hook_id: str
    position: int
    subject: str
    state: str
    next_at: Instant
    attempts: int
    log: str
    ended_at: Instant | None


_COLUMNS = tuple(t.deliveries.c[f.name] for f in fields(DeliveryRow))


def add(connection: Connection, rows: Sequence[DeliveryRow]) -> None:
    """Keep new deliveries, given in the order of their positions; those that are there stay."""
    if not rows:
        return
    taken = _with_open(connection, {(row.hook_id, row.subject) for row in rows})
    values: list[dict[str, Any]] = []
    for row in rows:
        key = (row.hook_id, row.subject)
        state = "waiting" if key in taken else "due"
        taken.add(key)
        values.append({f.name: getattr(row, f.name) for f in fields(row)} | {"state": state})
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    connection.execute(insert(t.deliveries).on_conflict_do_nothing(), values)


def note_traces(connection: Connection, rows: Sequence[DeliveryRow]) -> None:
    """Let new deliveries know the traceparents of the tasks that their events are about."""
    d = t.details.c
    traced = d.trace.is_not(None)
    if connection.execute(select(d.task_pk).where(traced).limit(1)).first() is None:
        return
    found = connection.execute(
        select(_e.position, d.trace)
        .select_from(t.events.join(t.details, d.task_pk == _e.task_pk))
        .where(_e.position.in_([row.position for row in rows]), traced)
    )
    traces = {position: trace for position, trace in found}  # noqa: C416 - a row is no pair to a type checker
    for row in rows:
        row.trace = traces.get(row.position)


def _with_open(connection: Connection, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (hook, subject) that have an open delivery."""
    found: set[tuple[str, str]] = set()
    for hook_id, subjects in _by_hook(pairs).items():
        rows = connection.execute(
            select(_d.subject)
            .distinct()
            .where(_d.hook_id == hook_id, _d.subject.in_(subjects), _IS_OPEN)
        )
        found.update((hook_id, row[0]) for row in rows)
    return found


def due(
    connection: Connection,
    hook_id: str,
    now: Instant,
    limit: int,
    besides: Collection[int] = (),
) -> list[DeliveryRow]:
    """The deliveries of a hook that are to be made by now, the longest due first.

    Those at positions `besides` are being made already.
    """
    statement = (
        select(*_COLUMNS)
        .where(_d.hook_id == hook_id, _IS_DUE, _d.next_at <= now)
        .order_by(_d.next_at, _d.position)
        .limit(limit)
    )
    if besides:
        statement = statement.where(_d.position.not_in(besides))
    return [DeliveryRow(*row) for row in connection.execute(statement)]


def next_due(connection: Connection, hook_id: str, now: Instant) -> Instant | None:
    """When the first delivery of a hook that is not due yet becomes so."""
    return connection.execute(
        select(func.min(_d.next_at)).where(_d.hook_id == hook_id, _IS_DUE, _d.next_at > now)
    ).scalar()


def with_open(connection: Connection) -> list[str]:
    """The ids of the active hooks that have deliveries to make."""
    waiting = exists().where(_d.hook_id == _h.id, _IS_DUE)
    found = connection.execute(select(_h.id).where(_h.state == "active", waiting))
    return [row[0] for row in found]


def record(connection: Connection, tried: Sequence[Tried]) -> None:
    """Keep what became of attempts; where one was the last, the next of its subject is due.

    What is no longer open, because its hook is gone or it was given up, stays as it is.
    """
    statement = (
        update(t.deliveries)
        .where(
            _d.hook_id == bindparam("of_hook"),
            _d.position == bindparam("at_position"),
            _IS_DUE,
        )
        .values(
            state=bindparam("to_state"),
            next_at=bindparam("to_next_at"),
            attempts=bindparam("to_attempts"),
            log=bindparam("to_log"),
            ended_at=bindparam("to_ended_at"),
        )
    )
    connection.execute(
        statement,
        [
            {
                "of_hook": one.hook_id,
                "at_position": one.position,
                "to_state": one.state,
                "to_next_at": one.next_at,
                "to_attempts": one.attempts,
                "to_log": one.log,
                "to_ended_at": one.ended_at,
            }
            for one in tried
        ],
    )
    promote(connection, [(o.hook_id, o.subject, o.next_at) for o in tried if o.state not in OPEN])


def promote(connection: Connection, ended: Sequence[tuple[str, str, Instant]]) -> None:
    """Make the first open delivery of each (hook, subject, from when on) due."""
    from_when = {(hook, subject): at for hook, subject, at in ended}
    first = [
        {"of_hook": hook, "at_position": position, "from_when": from_when[hook, subject]}
        for hook, subject, position in _first_open(connection, from_when)
    ]
    if first:
        connection.execute(
            update(t.deliveries)
            .where(
                _d.hook_id == bindparam("of_hook"),
                _d.position == bindparam("at_position"),
                _d.state == "waiting",
            )
            .values(state="due", next_at=bindparam("from_when")),
            first,
        )


def _first_open(
    connection: Connection, pairs: Collection[tuple[str, str]]
) -> list[tuple[str, str, int]]:
    """The position of the first open delivery of each (hook, subject) that has one.

    A sum keeps SQLite from walking all that a hook was ever sent, in the order of positions.
    """
    first = func.min(_d.position + 0)
    return [
        (hook_id, subject, position)
        for hook_id, subjects in _by_hook(pairs).items()
        for subject, position in connection.execute(
            select(_d.subject, first)
            .where(_d.hook_id == hook_id, _d.subject.in_(subjects), _IS_OPEN)
            .group_by(_d.subject)
        )
    ]


def _by_hook(pairs: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for hook_id, subject in pairs:
        found.setdefault(hook_id, []).append(subject)
    return found


def hasten(connection: Connection, hook_id: str, now: Instant) -> None:
    """Make everything that a hook is to be sent due now."""
    connection.execute(
        update(t.deliveries)
        .where(_d.hook_id == hook_id, _IS_DUE, _d.next_at > now)
        .values(next_at=now)
    )


def hasten_one(connection: Connection, hook_id: str, position: int, now: Instant) -> None:
    """Make one delivery due now, if it is its turn."""
    connection.execute(
        update(t.deliveries)
        .where(_d.hook_id == hook_id, _d.position == position, _IS_DUE)
        .values(next_at=now)
    )


# --- reading and sending again ---


def get(connection: Connection, hook_id: str, position: int) -> DeliveryRow | None:
    """One delivery."""
    found = connection.execute(
        select(*_COLUMNS).where(_d.hook_id == hook_id, _d.position == position)
    ).one_or_none()
    return None if found is None else DeliveryRow(*found)


def page(
    connection: Connection, hook_id: str, *, states: Collection[str], before: int, limit: int
) -> list[DeliveryRow]:
    """The deliveries of a hook before a position, latest first."""
    statement = select(*_COLUMNS).where(_d.hook_id == hook_id, _d.position < before)
    if states:
        statement = statement.where(_d.state.in_(states))
    rows = connection.execute(statement.order_by(_d.position.desc()).limit(limit))
    return [DeliveryRow(*row) for row in rows]


def redeliver(
    connection: Connection,
    hook_id: str,
    *,
    states: Collection[str],
    after: int,
    until: int,
    now: Instant,
) -> tuple[int, int | None]:
    """Open ended deliveries of a hook again: those in `states` at positions in (after, until].

    A bounded number at a time: how many were opened, and behind which position there may be more.
    """
    chosen = connection.execute(
        select(_d.position, _d.subject)
        .where(
            _d.hook_id == hook_id,
            _d.state.in_(states),
            _d.position > after,
            _d.position <= until,
        )
        .order_by(_d.position)
        .limit(REDELIVERED_AT_ONCE)
    ).all()
    if not chosen:
        return 0, None
    connection.execute(
        update(t.deliveries)
        .where(_d.hook_id == hook_id, _d.position == bindparam("at_position"))
        .values(state="waiting", next_at=now, attempts=0, ended_at=None),
        [{"at_position": row.position} for row in chosen],
    )
    # A later one of the same subject that is under way is due already; it stays so.
    promote(connection, [(hook_id, subject, now) for subject in sorted({r[1] for r in chosen})])
    last = chosen[-1].position
    return len(chosen), last if len(chosen) == REDELIVERED_AT_ONCE else None


def counts(connection: Connection, hook_id: str) -> dict[str, int]:
    """How many deliveries of a hook are in which state."""
    rows = connection.execute(
        select(_d.state, func.count()).where(_d.hook_id == hook_id).group_by(_d.state)
    )
    return {row[0]: row[1] for row in rows}


def prune(connection: Connection, *, delivered: Instant, others: Instant, limit: int) -> int:
    """Forget deliveries that ended before these instants, a bounded number at a time."""
    old = (
        select(_d.hook_id, _d.position)
        .where(
            _d.ended_at < delivered,
            (_d.state == "delivered") | (_d.ended_at < others),
        )
        .limit(limit)
    )
    chosen = connection.execute(old).all()
    if chosen:
        connection.execute(
            delete(t.deliveries).where(
                _d.hook_id == bindparam("of_hook"), _d.position == bindparam("at_position")
            ),
            [{"of_hook": row.hook_id, "at_position": row.position} for row in chosen],
        )
    return len(chosen)


def prune_callbacks(connection: Connection, limit: int) -> int:
    """Forget callbacks of tasks that are gone, a bounded number at a time."""
    gone = ~exists().where(t.tasks.c.pk == _h.task_pk)
    chosen = (
        connection.execute(select(_h.id).where(_h.task_pk.is_not(None), gone).limit(limit))
        .scalars()
        .all()
    )
    if chosen:
        connection.execute(delete(t.deliveries).where(_d.hook_id.in_(chosen)))
        connection.execute(delete(t.hooks).where(_h.id.in_(chosen)))
    return len(chosen)


# --- following the feed ---


def called_back(connection: Connection, after: int, limit: int) -> tuple[FeedPage, list[str]]:
    """The events behind a position about tasks with a callback, and the hook of each."""
    last = head(connection)
    statement = (
        EVENTS.add_columns(_h.id.label("hook_id"))
        .join(t.hooks, and_(_h.task_pk == _e.task_pk, _h.state == "active"))
        .where(_e.position > after, _e.position <= last)
        .order_by(_e.position)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    items = [record_of(row) for row in rows]
    reached = items[-1].position if len(rows) == limit else max(last, after)
    return FeedPage(items, reached), [row.hook_id for row in rows]


def has_callbacks(connection: Connection) -> bool:
    """Whether there is anybody to call back."""
    statement = select(exists().where(_h.task_pk.is_not(None)))
    return bool(connection.execute(statement).scalar_one())


def cursor(connection: Connection, name: str) -> int | None:
    """A position that was noted under a name."""
    return connection.execute(
        select(t.heads.c.value).where(t.heads.c.name == name)
    ).scalar_one_or_none()


def note_cursor(connection: Connection, name: str, position: int) -> None:
    """Note a position under a name."""
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(t.heads).values(name=name, value=position)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": position})
    )
