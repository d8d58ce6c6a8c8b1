"""Sources of signed webhooks in their table."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql


@dataclass(slots=True)
class SourceRow:
    """A source as it is kept; the secret stays out of its text, so that no log can show it."""

    id: str
    project: str
    name: str
    secret: bytes = field(repr=False)
    created_at: Instant
    revoked_at: Instant | None = None


_SOURCE = tuple(t.sources.c[name] for name in SourceRow.__slots__)
_LIVE = t.sources.c.revoked_at.is_(None)


def add(connection: Connection, source: SourceRow) -> None:
    connection.execute(
        t.sources.insert().values({n: getattr(source, n) for n in SourceRow.__slots__})
    )


def live(connection: Connection) -> list[SourceRow]:
    """The sources of all projects whose signatures are good."""
    found = connection.execute(select(*_SOURCE).where(_LIVE).order_by(t.sources.c.id))
    return [SourceRow(*row) for row in found]


def count_live(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(t.sources).where(_LIVE)).scalar_one()


def page(connection: Connection, project: str, *, after: str, limit: int) -> list[SourceRow]:
    """The sources of a project behind id `after`, oldest first, revoked ones too."""
    statement = (
        select(*_SOURCE)
        .where(t.sources.c.project == project, t.sources.c.id > after)
        .order_by(t.sources.c.id)
        .limit(limit)
    )
    return [SourceRow(*row) for row in connection.execute(statement)]


def revoke(connection: Connection, source_id: str, project: str, at: Instant) -> bool:
    """Make a source's signatures worthless from now on; False when it has none that are good."""
    statement = (
        update(t.sources)
        .where(t.sources.c.id == source_id, t.sources.c.project == project, _LIVE)
        .values(revoked_at=at)
    )
    return connection.execute(statement).rowcount == 1


def incoming(connection: Connection, source_id: str) -> tuple[str, str | None] | None:
    """The scheme and the mapping (JSON) of what a source sends; None: nothing was said of it."""
    found = connection.execute(
        select(t.incoming.c.scheme, t.incoming.c.mapping).where(t.incoming.c.source_id == source_id)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def set_incoming(
    connection: Connection, source_id: str, scheme: str, mapping: str | None, at: Instant
) -> None:
    """Say how what a source sends is taken."""
    said = {"scheme": scheme, "mapping": mapping, "updated_at": at}
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    connection.execute(
        insert(t.incoming)
        .values(source_id=source_id, **said)
        .on_conflict_do_update(index_elements=["source_id"], set_=said)
    )


def get(connection: Connection, source_id: str, project: str | None) -> SourceRow | None:
    """A live source, of this project if one is named."""
    statement = select(*_SOURCE).where(t.sources.c.id == source_id, _LIVE)
    if project is not None:
        statement = statement.where(t.sources.c.project == project)
    found = connection.execute(statement).one_or_none()
    return None if found is None else SourceRow(*found)
