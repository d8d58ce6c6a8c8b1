"""Users in their table."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from farwork.domain.values import Instant
from farwork.storage import tables as t


@dataclass(slots=True)
class UserRow:
    """A user as it is kept; the hash of the password stays out of its text."""

    id: str
    name: str
    folded: str
    project: str
    role: str
    created_at: Instant
    full_name: str | None = None
    email: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    password_changed_at: Instant | None = None
    disabled_at: Instant | None = None
    last_login_at: Instant | None = None
    extensions: str = "{}"


_u = t.users.c
_USER = tuple(_u[name] for name in UserRow.__slots__)


def add(connection: Connection, user: UserRow) -> bool:
    """Keep a user; False when one has its name."""
    if by_name(connection, user.folded) is not None:
        return False
    values = {name: getattr(user, name) for name in UserRow.__slots__}
    connection.execute(t.users.insert().values(values))
    return True


def by_name(connection: Connection, folded: str) -> UserRow | None:
    """The user with this name, in small letters."""
    row = connection.execute(select(*_USER).where(_u.folded == folded)).one_or_none()
    return None if row is None else UserRow(*row)


def by_id(connection: Connection, user_id: str) -> UserRow | None:
    """The user with this id."""
    row = connection.execute(select(*_USER).where(_u.id == user_id)).one_or_none()
    return None if row is None else UserRow(*row)


def page(connection: Connection, project: str | None, *, after: str, limit: int) -> list[UserRow]:
    """The users of a project (None: of all) behind the folded name `after`, by name."""
    statement = select(*_USER).where(_u.folded > after).order_by(_u.folded).limit(limit)
    if project is not None:
        statement = statement.where(_u.project == project)
    return [UserRow(*row) for row in connection.execute(statement)]


def count(connection: Connection) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(t.users)).scalar_one()


def change(connection: Connection, user_id: str, values: dict[str, Any]) -> None:
    """Write some of a user's columns."""
    if values:
        connection.execute(update(t.users).where(_u.id == user_id).values(values))


def remove(connection: Connection, user_id: str) -> None:
    """Forget a user."""
    connection.execute(delete(t.users).where(_u.id == user_id))
