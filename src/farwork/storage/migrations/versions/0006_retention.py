"""Retention: rules, legal holds, and the tasks that have ended by their last change.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Both engines order text by its code points, whatever language the database is set to.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _rules()
    _tasks()
    _shards()


def _rules() -> None:
    op.create_table(
        "retention",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("archive_after", sa.BigInteger()),
        sa.Column("delete_after", sa.BigInteger()),
        sa.Column("legal_hold", TEXT),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", TEXT),
        sa.PrimaryKeyConstraint("project", "kind", "state"),
    )


def _tasks() -> None:
    op.add_column("tasks", sa.Column("legal_hold", TEXT))
    op.add_column("tasks", sa.Column("restored_at", sa.BigInteger()))
    by_change = ["project", "kind", "state", "updated_at", "pk"]
    archivable = sa.text("completed_at IS NOT NULL AND archived_at IS NULL AND restored_at IS NULL")
    op.create_index(
        "tasks_archivable",
        "tasks",
        by_change,
        sqlite_where=archivable,
        postgresql_where=archivable,
    )
    deletable = sa.text("completed_at IS NOT NULL AND legal_hold IS NULL")
    op.create_index(
        "tasks_deletable", "tasks", by_change, sqlite_where=deletable, postgresql_where=deletable
    )


def _shards() -> None:
    """Of the shards that there are something is known: their tasks follow them."""
    tasks = sa.table("tasks", sa.column("shards"))
    told = sa.literal('{"told":true,') + sa.func.substr(tasks.c.shards, 2)
    op.execute(sa.update(tasks).where(tasks.c.shards.is_not(None)).values(shards=told))
