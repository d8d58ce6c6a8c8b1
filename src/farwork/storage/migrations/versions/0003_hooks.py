"""Outgoing webhooks: hooks and their deliveries; incoming ones in any form.

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger


def upgrade() -> None:
    _hooks()
    _deliveries()
    op.create_table(
        "incoming",
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("scheme", TEXT, nullable=False),
        sa.Column("mapping", TEXT),
        sa.Column("updated_at", NUMBER(), nullable=False),
        sa.PrimaryKeyConstraint("source_id"),
    )


def _index(name: str, table: str, *columns: str, where: str | None = None, **more: Any) -> None:
    rows: dict[str, Any] = {}
    if where is not None:
        rows = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
    op.create_index(name, table, list(columns), **rows, **more)


def _hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("wanted", TEXT, nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("old_secret", sa.LargeBinary()),
        sa.Column("old_secret_until", NUMBER()),
        sa.Column("token", TEXT),
        sa.Column("task_pk", NUMBER()),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("position", NUMBER(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", NUMBER()),
        sa.Column("probe_at", NUMBER()),
        sa.Column("last_error", TEXT),
        sa.Column("creator", TEXT),
        sa.Column("created_at", NUMBER(), nullable=False),
        sa.Column("updated_at", NUMBER(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'disabled')", name="hooks_state_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("hooks_project", "hooks", "project", "id", where="task_pk IS NULL")
    _index("hooks_task", "hooks", "task_pk", where="task_pk IS NOT NULL", unique=True)
    _index("hooks_updated", "hooks", "updated_at")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("hook_id", TEXT, nullable=False),
        sa.Column("position", NUMBER(), nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("next_at", NUMBER(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("log", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("created_at", NUMBER(), nullable=False),
        sa.Column("ended_at", NUMBER()),
        sa.CheckConstraint(
            "state IN ('due', 'waiting', 'delivered', 'failed', 'abandoned')",
            name="deliveries_state_known",
        ),
        sa.PrimaryKeyConstraint("hook_id", "position"),
        sqlite_with_rowid=False,
    )
    _index("deliveries_due", "deliveries", "hook_id", "next_at", where="state = 'due'")
    _index(
        "deliveries_open",
        "deliveries",
        "hook_id",
        "subject",
        "position",
        where="state IN ('due', 'waiting')",
    )
    _index("deliveries_state", "deliveries", "hook_id", "state", "position")
    _index("deliveries_ended", "deliveries", "ended_at", where="ended_at IS NOT NULL")
