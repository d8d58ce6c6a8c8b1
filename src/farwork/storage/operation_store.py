"""Bulk operations in their table: what was asked, how far it is, and who carries it out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, or_, select, update

from farwork.domain.errors import Refused
from farwork.domain.values import Instant, Json
from farwork.storage import tables as t
from farwork.storage.json import decode_text, encode_text

REFUSALS_MAX = 100
"""So many refusals are listed; all are counted."""


@dataclass(slots=True)
class OperationRow:
    """An operation. `place` is its own note of how far it is; None: it has not begun.

    The ids that it is about, if it was given ids, are kept beside it.
    """

    id: str
    project: str
    verb: str
    state: str
    selection: Json
    place: Json
    owner: str | None
    actor: str | None
    total: int
    done: int
    refused: int
    refusals: list[Json]
    error: str | None
    created_at: Instant
    updated_at: Instant
    completed_at: Instant | None = None


_JSON = ("selection", "place", "refusals")
_NAMES = tuple(f.name for f in fields(OperationRow))
_COLUMNS = tuple(t.operations.c[name] for name in _NAMES)
_operations = t.operations.c
_RUNNING = _operations.state == "running"


@dataclass(slots=True)
class Progress:
    """What a chunk of an operation came to. `place` None: it was the last."""

    place: Json
    done: int
    refusals: Sequence[Json]


class OperationLost(Refused):
    """Another process carries the operation out."""

    code = "operation_lost"


def _from(row: Any) -> OperationRow:
    operation = OperationRow(*row)
    for name in _JSON:
        text = getattr(operation, name)
        setattr(operation, name, None if text is None else decode_text(text))
    return operation


def add(connection: Connection, operation: OperationRow, ids: Sequence[str] | None) -> None:
    """Keep a new operation."""
    values = {name: getattr(operation, name) for name in _NAMES}
    values["ids"] = None if ids is None else encode_text(ids)
    for name in _JSON:
        values[name] = None if values[name] is None else encode_text(values[name])
    connection.execute(t.operations.insert().values(values))


def get(connection: Connection, project: str, operation_id: str) -> OperationRow | None:
    """The operation with this id."""
    row = connection.execute(
        select(*_COLUMNS).where(_operations.project == project, _operations.id == operation_id)
    ).one_or_none()
    return None if row is None else _from(row)


def ids_of(connection: Connection, operation_id: str) -> list[str] | None:
    """The ids that an operation was given; None: it was given a filter."""
    text = connection.execute(
        select(_operations.ids).where(_operations.id == operation_id)
    ).scalar_one()
    return None if text is None else decode_text(text)


def page(
    connection: Connection, project: str, before: str | None, limit: int
) -> list[OperationRow]:
    """Operations of a project, the newest first, from those that began before `before` on."""
    statement = select(*_COLUMNS).where(_operations.project == project)
    if before is not None:
        statement = statement.where(_operations.id < before)
    statement = statement.order_by(_operations.id.desc()).limit(limit)
    return [_from(row) for row in connection.execute(statement)]


def orphans(connection: Connection, silent_since: Instant) -> list[OperationRow]:
    """Running operations that no process owns, or whose owner has been silent since then."""
    statement = select(*_COLUMNS).where(
        _RUNNING, or_(_operations.owner.is_(None), _operations.updated_at <= silent_since)
    )
    return [_from(row) for row in connection.execute(statement.order_by(_operations.id))]


def claim(connection: Connection, operation: OperationRow, owner: str, at: Instant) -> bool:
    """Make an orphan one's own; False when another process was faster."""
    claimed = connection.execute(
        update(t.operations)
        .where(
            _RUNNING,
            _operations.id == operation.id,
            _operations.owner.is_not_distinct_from(operation.owner),
            _operations.updated_at == operation.updated_at,
        )
        .values(owner=owner, updated_at=at)
    )
    return claimed.rowcount == 1


def release(connection: Connection, owner: str) -> None:
    """Leave one's running operations to whoever comes."""
    connection.execute(
        update(t.operations).where(_RUNNING, _operations.owner == owner).values(owner=None)
    )


def advance(
    connection: Connection, operation: OperationRow, progress: Progress, at: Instant
) -> OperationRow:
    """Note what a chunk came to, in the chunk's own transaction.

    Raises `OperationLost`; then nothing of the chunk is kept.
    """
    known = len(operation.refusals)
    listed = [*operation.refusals, *progress.refusals[: max(0, REFUSALS_MAX - known)]]
    values: dict[str, Any] = {
        "done": operation.done + progress.done,
        "refused": operation.refused + len(progress.refusals),
        "updated_at": at,
    }
    if progress.place is None:
        values |= {"state": "done", "completed_at": at}
    after = OperationRow(**{n: getattr(operation, n) for n in _NAMES} | values)
    after.place, after.refusals = progress.place, listed
    values["place"] = None if progress.place is None else encode_text(progress.place)
    if len(listed) > known:
        values["refusals"] = encode_text(listed)
    _change(connection, operation, values)
    return after


def fail(connection: Connection, operation: OperationRow, error: str, at: Instant) -> None:
    """Note that an operation cannot go on. Raises `OperationLost`."""
    values = {"state": "failed", "error": error, "updated_at": at, "completed_at": at}
    _change(connection, operation, values)


def _change(connection: Connection, operation: OperationRow, values: dict[str, Any]) -> None:
    changed = connection.execute(
        update(t.operations)
        .where(_RUNNING, _operations.id == operation.id, _operations.owner == operation.owner)
        .values(values)
    )
    if changed.rowcount != 1:
        raise OperationLost(f"Another process carries out the operation {operation.id}.")
