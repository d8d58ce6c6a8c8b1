"""The audit trail in its table: rows are added and read, never changed."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from farwork.domain.values import Instant
from farwork.storage import tables as t


@dataclass(slots=True)
class TrailRow:
    """Who did what to what, when and from where; `details` is the text of a JSON object."""

    id: str
    at: Instant
    project: str
    actor: str
    action: str
    target: str | None = None
    address: str | None = None
    details: str = "{}"


@dataclass(slots=True, frozen=True)
class TrailFilter:
    """Which rows: all that are given must hold. `action` may end in `.*`."""

    project: str
    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: Instant | None = None
    until: Instant | None = None


_a = t.audit.c
_ROW = tuple(_a[name] for name in TrailRow.__slots__)


def add(connection: Connection, rows: list[TrailRow]) -> None:
    """Write rows."""
    values = [{name: getattr(row, name) for name in TrailRow.__slots__} for row in rows]
    connection.execute(t.audit.insert(), values)


def tells_of_anybody(connection: Connection) -> bool:
    """Whether anybody has done anything here; a sign-in that was refused is nothing done."""
    statement = select(_a.id).where(_a.action != "login.refused").limit(1)
    return connection.execute(statement).first() is not None


def page(
    connection: Connection, wanted: TrailFilter, *, before: str | None, limit: int
) -> list[TrailRow]:
    """The newest rows before the id `before`, newest first."""
    statement = select(*_ROW).where(_a.project == wanted.project).order_by(_a.id.desc())
    if before is not None:
        statement = statement.where(_a.id < before)
    if wanted.actor is not None:
        statement = statement.where(_a.actor == wanted.actor)
    if wanted.target is not None:
        statement = statement.where(_a.target == wanted.target)
    if wanted.action is not None:
        head = wanted.action.removesuffix("*")
        is_family = wanted.action.endswith(".*")
        statement = statement.where(
            _a.action.startswith(head, autoescape=True) if is_family else _a.action == wanted.action
        )
    if wanted.since is not None:
        statement = statement.where(_a.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(_a.at < wanted.until)
    return [TrailRow(*row) for row in connection.execute(statement.limit(limit))]
