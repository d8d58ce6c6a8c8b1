"""Users, sessions, guesses, rate limits of keys, and the audit trail.

Revision ID: 0004
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _keys()
    _users()
    _sessions()
    _tokens()
    _guesses()
    _usage()
    _audit()


def _index(
    name: str, table: str, *columns: str, where: str | None = None, unique: bool = False
) -> None:
    """An index of the rows that satisfy `where`."""
    rows: dict[str, Any] = {}
    if where is not None:
        rows = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
    op.create_index(name, table, list(columns), unique=unique, **rows)


def _keys() -> None:
    # SQLite would only write new columns behind the old text; made anew, the table reads like any.
    anew = "always" if op.get_context().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("keys", recreate=anew) as keys:
        keys.add_column(sa.Column("last_used_from", TEXT))
        keys.add_column(sa.Column("requests_max", sa.BigInteger()))
        keys.add_column(sa.Column("window_seconds", sa.Integer()))


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("folded", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("full_name", TEXT),
        sa.Column("email", TEXT),
        sa.Column("password_hash", TEXT),
        sa.Column("password_changed_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.Column("last_login_at", sa.BigInteger()),
        sa.Column("extensions", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "role IN ('viewer', 'worker', 'operator', 'admin')", name="users_role_known"
        ),
    )
    _index("users_folded", "users", "folded", unique=True)
    _index("users_project", "users", "project", "folded")


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_id", TEXT),
        sa.Column("key_id", TEXT),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("idle_seconds", sa.Integer()),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("address", TEXT),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", TEXT),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("(user_id IS NULL) <> (key_id IS NULL)", name="sessions_of_one"),
    )
    _index("sessions_user", "sessions", "user_id", "id", where="user_id IS NOT NULL")
    _index("sessions_expire", "sessions", "expires_at")


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("hash"),
        sa.CheckConstraint("kind IN ('access', 'refresh', 'cookie')", name="tokens_kind_known"),
    )
    _index("tokens_session", "tokens", "session_id")


def _guesses() -> None:
    op.create_table(
        "guesses",
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    _index("guesses_last", "guesses", "last_at")


def _usage() -> None:
    op.create_table(
        "usage",
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("target", TEXT),
        sa.Column("address", TEXT),
        sa.Column("details", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("audit_project", "audit", "project", "id")
    _index("audit_actor", "audit", "project", "actor", "id")
    _index("audit_target", "audit", "project", "target", "id", where="target IS NOT NULL")
    for statement in _APPEND_ONLY[op.get_context().dialect.name]:
        op.execute(statement)


_APPEND_ONLY: dict[str, tuple[str, ...]] = {
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
