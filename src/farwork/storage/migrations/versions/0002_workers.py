"""Work under leases.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# SQLite makes an INTEGER PRIMARY KEY the row's own key; a BIGINT one would be a second index.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Both engines order text by its code points, whatever language the database is set to.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
READY = "state = 'queued' AND worker IS NULL AND not_before IS NULL AND archived_at IS NULL"


def upgrade() -> None:
    _tasks()
    _leases()
    _slots()
    _workers()
    _queues()
    _label_limits()
    _kinds()
    _leaders()
    _submissions()


def _index(
    name: str, table: str, *columns: Any, where: str | None = None, unique: bool = False
) -> None:
    """An index of the rows that satisfy `where`."""
    rows: dict[str, Any] = {}
    if where is not None:
        rows = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
    op.create_index(name, table, list(columns), unique=unique, **rows)


def _tasks() -> None:
    order = ("project", "queue", "lane", sa.text("priority DESC"), "created_at", "pk")
    _index("tasks_ready", "tasks", *order, where=READY)
    _index("tasks_due", "tasks", "not_before", where="not_before IS NOT NULL")
    _index("tasks_deadline", "tasks", "deadline_at", where="deadline_at IS NOT NULL")


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("task_pk", KEY, nullable=False, autoincrement=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("lease_seq", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_pk"),
    )
    _index("leases_ends", "leases", "ends_at")
    _index("leases_queue", "leases", "project", "queue")
    _index("leases_worker", "leases", "project", "worker")


def _slots() -> None:
    op.create_table(
        "slots",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("slot", TEXT, nullable=False),
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "slot", "task_pk"),
        sqlite_with_rowid=False,
    )
    _index("slots_task", "slots", "task_pk")


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("host", TEXT),
        sa.Column("process", sa.Integer()),
        sa.Column("queues", TEXT, nullable=False),
        sa.Column("labels", TEXT, nullable=False),
        sa.Column("concurrency", sa.Integer()),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("comment", TEXT),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "name"),
    )
    _index("workers_seen", "workers", "project", "seen_at")


def _queues() -> None:
    op.create_table(
        "queues",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("comment", TEXT),
        sa.Column("running_max", sa.Integer()),
        sa.Column("fair_by", TEXT),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", TEXT),
        sa.PrimaryKeyConstraint("project", "name"),
    )


def _label_limits() -> None:
    op.create_table(
        "label_limits",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("running_max", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", TEXT),
        sa.PrimaryKeyConstraint("project", "key"),
    )


def _kinds() -> None:
    op.create_table(
        "kinds",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("attempts_max", sa.Integer()),
        sa.Column("policy", TEXT, nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", TEXT),
        sa.PrimaryKeyConstraint("project", "name"),
    )


def _leaders() -> None:
    op.create_table(
        "leaders",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("token", TEXT, nullable=False),
        sa.Column("external_ref", TEXT),
        sa.Column("shard", sa.Integer()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_pk", "key"),
    )
    _index(
        "submissions_ref",
        "submissions",
        "project",
        "platform",
        "external_ref",
        where="external_ref IS NOT NULL",
    )
    _index("submissions_token", "submissions", "project", "platform", "token", unique=True)
