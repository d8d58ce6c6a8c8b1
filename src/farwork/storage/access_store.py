"""Projects and API keys in their tables."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.engine import ACCESS_CHANNEL, is_postgresql


@dataclass(slots=True)
class KeyRow:
    """An API key as it is kept: the hash of its secret, never the secret."""

    id: str
    project: str
    name: str | None
    role: str
    secret_hash: bytes
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    last_used_at: Instant | None = None
    last_used_from: str | None = None
    requests_max: int | None = None
    window_seconds: int | None = None


_KEY = tuple(t.keys.c[name] for name in KeyRow.__slots__)


def add_project(connection: Connection, project: str, at: Instant) -> None:
    """Make a project known; nothing happens when it is."""
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    connection.execute(
        insert(t.projects)
        .values(id=project, unknown_tasks="register", created_at=at)
        .on_conflict_do_nothing()
    )


def hold_project(connection: Connection, project: str) -> None:
    """Keep others who would hold the project out until the transaction ends."""
    connection.execute(select(t.projects.c.id).where(t.projects.c.id == project).with_for_update())


def unknown_tasks(connection: Connection, project: str) -> str | None:
    """What a project does about unknown tasks: `register` or `reject`; None: no such project."""
    return connection.execute(
        select(t.projects.c.unknown_tasks).where(t.projects.c.id == project)
    ).scalar_one_or_none()


def add_key(connection: Connection, key: KeyRow) -> None:
    """Keep a key."""
    connection.execute(t.keys.insert().values({n: getattr(key, n) for n in KeyRow.__slots__}))


def get_key(connection: Connection, key_id: str) -> KeyRow | None:
    """The key with this id."""
    row = connection.execute(select(*_KEY).where(t.keys.c.id == key_id)).one_or_none()
    return None if row is None else KeyRow(*row)


def list_keys(connection: Connection, project: str | None) -> list[KeyRow]:
    """The keys of a project (None: of all), oldest first."""
    statement = select(*_KEY).order_by(t.keys.c.created_at, t.keys.c.id)
    if project is not None:
        statement = statement.where(t.keys.c.project == project)
    return [KeyRow(*row) for row in connection.execute(statement)]


def revoke_key(connection: Connection, key_id: str, project: str | None, at: Instant) -> bool:
    """Make a key worthless from now on, and say so; False when there is none (in that project)."""
    statement = update(t.keys).where(t.keys.c.id == key_id, t.keys.c.revoked_at.is_(None))
    if project is not None:
        statement = statement.where(t.keys.c.project == project)
    revoked = connection.execute(statement.values(revoked_at=at)).rowcount == 1
    if revoked:
        announce(connection)
    return revoked


def touch_key(connection: Connection, key_id: str, at: Instant, address: str | None) -> None:
    """Say when a key was last used, and from where."""
    statement = update(t.keys).where(t.keys.c.id == key_id)
    connection.execute(statement.values(last_used_at=at, last_used_from=address))


def announce(connection: Connection) -> None:
    """Tell other processes, with the commit, that something was taken back from somebody."""
    if is_postgresql(connection):
        connection.exec_driver_sql("SELECT pg_notify(%s, '')", (ACCESS_CHANNEL,))
