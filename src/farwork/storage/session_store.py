"""Sessions of users and the tokens that open them."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, select, update

from farwork.domain.values import Instant
from farwork.storage import tables as t


@dataclass(slots=True)
class SessionRow:
    """One login: of a user, or with an API key."""

    id: str
    user_id: str | None
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant
    idle_seconds: int | None = None
    address: str | None = None
    ended_at: Instant | None = None
    ended_by: str | None = None
    key_id: str | None = None


@dataclass(slots=True)
class TokenRow:
    """A token as it is kept: its hash, never its text."""

    hash: bytes = field(repr=False)
    session_id: str
    kind: str
    expires_at: Instant
    spent_at: Instant | None = None


@dataclass(slots=True)
class Opened:
    """What a token opens: its own state, its session's, and its user's or its key's.

    `gone_at`: since when the user is disabled or the key revoked; `holder_ends_at`: when the key
    expires. `requests_max` in `window_seconds` is the limit that the key has of its own.
    """

    kind: str
    expires_at: Instant
    spent_at: Instant | None
    session_id: str
    session_expires_at: Instant
    last_used_at: Instant
    idle_seconds: int | None
    ended_at: Instant | None
    user_id: str | None
    key_id: str | None
    name: str | None
    project: str | None
    role: str | None
    gone_at: Instant | None
    holder_ends_at: Instant | None
    requests_max: int | None
    window_seconds: int | None


_s, _t, _u, _k = t.sessions.c, t.tokens.c, t.users.c, t.keys.c
_SESSION = tuple(_s[name] for name in SessionRow.__slots__)
_OPENED = (
    select(
        _t.kind,
        _t.expires_at,
        _t.spent_at,
        _s.id,
        _s.expires_at,
        _s.last_used_at,
        _s.idle_seconds,
        _s.ended_at,
        _s.user_id,
        _s.key_id,
        func.coalesce(_u.name, _k.name),
        func.coalesce(_u.project, _k.project),
        func.coalesce(_u.role, _k.role),
        func.coalesce(_u.disabled_at, _k.revoked_at),
        _k.expires_at,
        _k.requests_max,
        _k.window_seconds,
    )
    .join_from(t.tokens, t.sessions, _s.id == _t.session_id)
    .outerjoin(t.users, _u.id == _s.user_id)
    .outerjoin(t.keys, _k.id == _s.key_id)
)


def begin(connection: Connection, session: SessionRow) -> None:
    """Keep a session."""
    values = {name: getattr(session, name) for name in SessionRow.__slots__}
    connection.execute(t.sessions.insert().values(values))


def add_tokens(connection: Connection, tokens: list[TokenRow]) -> None:
    """Keep tokens."""
    rows = [{name: getattr(token, name) for name in TokenRow.__slots__} for token in tokens]
    connection.execute(t.tokens.insert(), rows)


def opened_by(connection: Connection, token_hash: bytes) -> Opened | None:
    """What the token with this hash opens, or opened."""
    row = connection.execute(_OPENED.where(_t.hash == token_hash)).one_or_none()
    return None if row is None else Opened(*row)


def spend(connection: Connection, token_hash: bytes, at: Instant) -> bool:
    """Use a token up; False when it was used before. Of two who try at once, one succeeds."""
    statement = update(t.tokens).where(_t.hash == token_hash, _t.spent_at.is_(None))
    return connection.execute(statement.values(spent_at=at)).rowcount == 1


def touch(connection: Connection, session_id: str, at: Instant) -> None:
    """Say when a session was last used; it never goes back."""
    statement = update(t.sessions).where(_s.id == session_id, _s.last_used_at < at)
    connection.execute(statement.values(last_used_at=at))


def of_user(connection: Connection, user_id: str, now: Instant) -> list[SessionRow]:
    """The sessions of a user that have not ended, oldest first."""
    statement = (
        select(*_SESSION)
        .where(_s.user_id == user_id, _s.ended_at.is_(None), _s.expires_at > now)
        .order_by(_s.id)
    )
    return [SessionRow(*row) for row in connection.execute(statement)]


def end(connection: Connection, session_id: str, at: Instant, by: str) -> bool:
    """End a session, and with it its tokens; False when it had ended."""
    statement = update(t.sessions).where(_s.id == session_id, _s.ended_at.is_(None))
    return connection.execute(statement.values(ended_at=at, ended_by=by)).rowcount == 1


def end_all(
    connection: Connection, user_id: str, at: Instant, by: str, *, but: str | None = None
) -> int:
    """End every session of a user but one; how many ended."""
    statement = update(t.sessions).where(_s.user_id == user_id, _s.ended_at.is_(None))
    if but is not None:
        statement = statement.where(_s.id != but)
    return connection.execute(statement.values(ended_at=at, ended_by=by)).rowcount


def forget_over(connection: Connection, before: Instant, limit: int) -> None:
    """Forget sessions whose time was over before an instant, with their tokens; so many at most."""
    over = [
        row.id
        for row in connection.execute(
            select(_s.id).where(_s.expires_at < before).order_by(_s.expires_at).limit(limit)
        )
    ]
    if over:
        connection.execute(delete(t.tokens).where(_t.session_id.in_(over)))
        connection.execute(delete(t.sessions).where(_s.id.in_(over)))


def forget_user(connection: Connection, user_id: str) -> None:
    """Forget every session of a user."""
    theirs = select(_s.id).where(_s.user_id == user_id)
    connection.execute(delete(t.tokens).where(_t.session_id.in_(theirs)))
    connection.execute(delete(t.sessions).where(_s.user_id == user_id))
