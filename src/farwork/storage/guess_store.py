"""Wrong passwords in a row, for a name or from an address."""

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql

_g = t.guesses.c


def held(connection: Connection, subject: str, now: Instant) -> tuple[int, Instant, Instant]:
    """The failures of a subject, when the last was, and until when it is locked.

    Others who would hold it wait until the transaction ends.
    """
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    connection.execute(
        insert(t.guesses)
        .values(subject=subject, failures=0, last_at=now, locked_until=0)
        .on_conflict_do_nothing()
    )
    row = connection.execute(
        select(_g.failures, _g.last_at, _g.locked_until)
        .where(_g.subject == subject)
        .with_for_update()
    ).one()
    return row.failures, row.last_at, row.locked_until


def write(
    connection: Connection, subject: str, failures: int, last_at: Instant, locked_until: Instant
) -> None:
    """Write how a subject stands."""
    connection.execute(
        update(t.guesses)
        .where(_g.subject == subject)
        .values(failures=failures, last_at=last_at, locked_until=locked_until)
    )


def forget(connection: Connection, subject: str) -> None:
    """Nothing is held against a subject any more."""
    connection.execute(delete(t.guesses).where(_g.subject == subject))


def forget_old(connection: Connection, before: Instant, limit: int) -> None:
    """Forget subjects that nobody guessed at since an instant; so many at most."""
    old = select(_g.subject).where(_g.last_at < before).order_by(_g.last_at).limit(limit)
    connection.execute(delete(t.guesses).where(_g.subject.in_(old)))
