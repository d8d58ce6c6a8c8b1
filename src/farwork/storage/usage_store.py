"""How much of a caller's limit was given out to processes in the present window."""

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql

_u = t.usage.c


def claim(
    connection: Connection, subject: str, window: Instant, share: int, requests_max: int
) -> int:
    """Take a share of a window (named by its end), or what is left; how many that is.

    Others who would take of it wait until the transaction ends.
    """
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    connection.execute(
        insert(t.usage).values(subject=subject, window=window, requests=0).on_conflict_do_nothing()
    )
    row = connection.execute(
        select(_u.window, _u.requests).where(_u.subject == subject).with_for_update()
    ).one()
    # A clock that is behind counts in the window that others have begun.
    before = row.requests if row.window >= window else 0
    given = max(0, min(share, requests_max - before))
    connection.execute(
        update(t.usage)
        .where(_u.subject == subject)
        .values(window=max(window, row.window), requests=before + given)
    )
    return given


def given(connection: Connection, subject: str) -> int:
    """How many were given out in the present window."""
    return connection.execute(select(_u.requests).where(_u.subject == subject)).scalar_one()
