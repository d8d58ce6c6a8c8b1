"""Which process leads in what only one shall do."""

from typing import Any

from sqlalchemy import Connection, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql

_leaders = t.leaders.c


def lead(connection: Connection, name: str, owner: str, now: Instant, until: Instant) -> bool:
    """Lead until then, if nobody else does now; whether that is so."""
    insert: Any = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(t.leaders).values(name=name, owner=owner, until=until)
    taken = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": owner, "until": until},
            where=or_(_leaders.owner == owner, _leaders.until <= now),
        ).returning(_leaders.owner)
    ).scalar_one_or_none()
    return taken == owner


def resign(connection: Connection, name: str, owner: str) -> None:
    """Lead no longer."""
    connection.execute(delete(t.leaders).where(_leaders.name == name, _leaders.owner == owner))
