"""The tables of who may come in: keys, users and their sessions, guesses, and the audit trail."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    event,
)

from farwork.storage.columns import TEXT, check, metadata, where

ROLES = ("viewer", "worker", "operator", "admin")

keys = Table(
    "keys",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("project", TEXT, nullable=False),
    Column("name", TEXT),
    Column("role", TEXT, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("last_used_from", TEXT),
    # How many requests in how many seconds; null: as many as the server's default allows.
    Column("requests_max", BigInteger),
    Column("window_seconds", Integer),
    Index("keys_project", "project", "created_at"),
)

users = Table(
    "users",
    metadata,
    Column("id", TEXT, primary_key=True),
    # What the user types; `folded` is the same in small letters, by which it is found.
    Column("name", TEXT, nullable=False),
    Column("folded", TEXT, nullable=False),
    Column("project", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("full_name", TEXT),
    Column("email", TEXT),
    # Null: nobody signs in with a password.
    Column("password_hash", TEXT),
    Column("password_changed_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("last_login_at", BigInteger),
    # What dialects keep about a user, by dialect; opaque to the core.
    Column("extensions", TEXT, nullable=False),
    check("users_role_known", f"role IN ({', '.join(map(repr, ROLES))})"),
    Index("users_folded", "folded", unique=True),
    Index("users_project", "project", "folded"),
)

# One a login, of a user or with an API key; its tokens live no longer than it.
sessions = Table(
    "sessions",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("user_id", TEXT),
    Column("key_id", TEXT),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # How long it may go unused; null: as long as it lives.
    Column("idle_seconds", Integer),
    Column("last_used_at", BigInteger, nullable=False),
    Column("address", TEXT),
    Column("ended_at", BigInteger),
    Column("ended_by", TEXT),
    check("sessions_of_one", "(user_id IS NULL) <> (key_id IS NULL)"),
    Index("sessions_user", "user_id", "id", **where("user_id IS NOT NULL")),
    Index("sessions_expire", "expires_at"),
)

# What a session's holder shows: only the hash is kept. A refresh token is spent by its one use, and
# stays known, so that a second use is recognised.
tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),
    check("tokens_kind_known", "kind IN ('access', 'refresh', 'cookie')"),
    Index("tokens_session", "session_id"),
)

# Wrong passwords in a row: for a name, whether or not somebody has it, or from an address.
guesses = Table(
    "guesses",
    metadata,
    Column("subject", TEXT, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
    Index("guesses_last", "last_at"),
)

# How many requests of a limited caller were given out to processes in a window, named by its end.
usage = Table(
    "usage",
    metadata,
    Column("subject", TEXT, primary_key=True),
    Column("window", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
)

# Rows are only ever added; the database itself refuses anything else.
audit = Table(
    "audit",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("project", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("target", TEXT),
    Column("address", TEXT),
    Column("details", TEXT, nullable=False),
    Index("audit_project", "project", "id"),
    Index("audit_actor", "project", "actor", "id"),
    Index("audit_target", "project", "target", "id", **where("target IS NOT NULL")),
)

APPEND_ONLY: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE EXCEPTION ''the audit trail is append-only''; END'"
        ),
        (
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        ),
    ),
}
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(audit, "after_create", DDL(_statement).execute_if(dialect=_dialect))
