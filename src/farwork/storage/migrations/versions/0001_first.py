"""The first schema.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from farwork.clock import now

revision = "0001"
down_revision = None

# SQLite makes an INTEGER PRIMARY KEY the row's own key; a BIGINT one would be a second index.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Both engines order text by its code points, whatever language the database is set to.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KNOWN_STATE = (
    "state IN ('created', 'blocked', 'queued', 'running', 'succeeded', 'failed', 'cancelled')"
)
ACTIVE = "archived_at IS NULL"
ARCHIVED = "archived_at IS NOT NULL"


def upgrade() -> None:
    _tasks()
    _lists()
    _details()
    _results()
    _shards()
    _shard_results()
    _attempts()
    _edges()
    _labels()
    _events()
    _counters()
    _jobs()
    _job_counters()
    _operations()
    _idempotency()
    _projects()
    _keys()
    _sources()
    _heads()
    _begin()


def _index(
    name: str, table: str, *columns: str, where: str | None = None, unique: bool = False
) -> None:
    """An index of the rows that satisfy `where`."""
    rows: dict[str, Any] = {}
    if where is not None:
        rows = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
    op.create_index(name, table, list(columns), unique=unique, **rows)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("pk", KEY, nullable=False, autoincrement=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("reported_status", TEXT),
        sa.Column("percent", sa.Double, nullable=False),
        sa.Column("message", TEXT),
        sa.Column("error", TEXT),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("labels", TEXT, nullable=False),
        sa.Column("external_ref", TEXT),
        sa.Column("job_id", TEXT),
        sa.Column("inputs", TEXT, nullable=False),
        sa.Column("inputs_pending", sa.Integer(), nullable=False),
        sa.Column("on_input_failure", TEXT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("attempts_max", sa.Integer(), nullable=False),
        sa.Column("attempt_opened_at", sa.BigInteger()),
        sa.Column("creator", TEXT),
        sa.Column("origin", TEXT),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("completed_at", sa.BigInteger()),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("has_result", sa.SmallInteger(), nullable=False),
        sa.Column("items_total", sa.Integer()),
        sa.Column("shards", TEXT),
        sa.Column("settled_by", TEXT, nullable=False),
        sa.Column("mark", TEXT, nullable=False),
        sa.Column("pinned", TEXT, nullable=False),
        sa.Column("requires", TEXT),
        sa.Column("policy", TEXT),
        sa.Column("not_before", sa.BigInteger()),
        sa.Column("lease_seq", sa.Integer(), nullable=False),
        sa.Column("worker", TEXT),
        sa.Column("cancel", TEXT),
        sa.Column("deadline_at", sa.BigInteger()),
        sa.Column("lane", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("pk"),
        sa.CheckConstraint("attempt >= 1", name="tasks_attempt_counted"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="tasks_percent_in_range"),
        sa.CheckConstraint(KNOWN_STATE, name="tasks_state_known"),
    )


def _lists() -> None:
    _index(
        "archive_completed",
        "tasks",
        "project",
        "completed_at",
        "pk",
        where=f"{ARCHIVED} AND completed_at IS NOT NULL",
    )
    _index("archive_created", "tasks", "project", "created_at", "pk", where=ARCHIVED)
    _index("archive_queue", "tasks", "project", "queue", "created_at", "pk", where=ARCHIVED)
    _index("archive_state", "tasks", "project", "state", "created_at", "pk", where=ARCHIVED)
    _index("archive_updated", "tasks", "project", "updated_at", "pk", where=ARCHIVED)
    _index(
        "tasks_completed",
        "tasks",
        "project",
        "completed_at",
        "pk",
        where=f"{ACTIVE} AND completed_at IS NOT NULL",
    )
    _index("tasks_created", "tasks", "project", "created_at", "pk", where=ACTIVE)
    _index("tasks_creator", "tasks", "project", "creator", "created_at", "pk", where=ACTIVE)
    _index("tasks_id", "tasks", "project", "id", unique=True)
    _index(
        "tasks_job", "tasks", "project", "job_id", "created_at", "pk", where="job_id IS NOT NULL"
    )
    _index("tasks_kind", "tasks", "project", "kind", "created_at", "pk", where=ACTIVE)
    _index("tasks_queue", "tasks", "project", "queue", "created_at", "pk", where=ACTIVE)
    _index(
        "tasks_queue_state", "tasks", "project", "queue", "state", "created_at", "pk", where=ACTIVE
    )
    _index("tasks_ref", "tasks", "project", "external_ref", where="external_ref IS NOT NULL")
    _index("tasks_state", "tasks", "project", "state", "created_at", "pk", where=ACTIVE)
    _index("tasks_updated", "tasks", "project", "updated_at", "pk", where=ACTIVE)


def _details() -> None:
    op.create_table(
        "details",
        sa.Column("task_pk", KEY, nullable=False, autoincrement=False),
        sa.Column("params", TEXT, nullable=False),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("metadata_marks", TEXT, nullable=False),
        sa.Column("extensions", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("task_pk"),
    )


def _results() -> None:
    op.create_table(
        "results",
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("late_mark", TEXT, nullable=False),
        sa.Column("rank", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("type", TEXT),
        sa.Column("data", TEXT),
        sa.Column("files", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_pk", "attempt", "name", "late_mark"),
    )


def _shards() -> None:
    op.create_table(
        "shards",
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("external_ref", TEXT),
        sa.Column("queue", TEXT),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("item_offset", sa.Integer(), nullable=False),
        sa.Column("error", TEXT),
        sa.Column("has_result", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("mark", TEXT, nullable=False),
        sa.Column("field_marks", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("task_pk", "index"),
        sa.CheckConstraint("item_count >= 1 AND item_offset >= 0", name="shards_cover_items"),
        sa.CheckConstraint('"index" >= 0', name="shards_index_counted"),
        sa.CheckConstraint(KNOWN_STATE, name="shards_state_known"),
    )


def _shard_results() -> None:
    op.create_table(
        "shard_results",
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("rank", TEXT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("task_pk", "index"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("percent", sa.Double, nullable=False),
        sa.Column("message", TEXT),
        sa.Column("error", TEXT),
        sa.Column("queued_at", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("completed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("task_pk", "number"),
    )


def _edges() -> None:
    op.create_table(
        "edges",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("input_id", TEXT, nullable=False),
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "input_id", "task_pk"),
        sqlite_with_rowid=False,
    )
    _index("edges_task", "edges", "task_pk")


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("task_pk", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "key", "value", "created_at", "task_pk"),
        sqlite_with_rowid=False,
    )
    _index("labels_task", "labels", "task_pk")


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", KEY, nullable=False, autoincrement=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("task_pk", sa.BigInteger()),
        sa.Column("subject", TEXT),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer()),
        sa.Column("before", TEXT),
        sa.Column("after", TEXT),
        sa.Column("version", sa.Integer()),
        sa.Column("actor", TEXT),
        sa.Column("source", TEXT),
        sa.Column("verdict", TEXT),
        sa.Column("reason", TEXT),
        sa.Column("dedup", sa.BigInteger()),
        sa.Column("mark", TEXT),
        sa.Column("fact", TEXT),
        sa.Column("data", TEXT),
        sa.PrimaryKeyConstraint("position"),
    )
    _index("events_dedup", "events", "task_pk", "dedup", where="dedup IS NOT NULL", unique=True)
    _index("events_project", "events", "project", "position")
    _index("events_task", "events", "task_pk", "position", where="task_pk IS NOT NULL")


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("archived", sa.SmallInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "queue", "kind", "state", "archived"),
        sqlite_with_rowid=False,
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("parent_id", TEXT),
        sa.Column("labels", TEXT, nullable=False),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("creator", TEXT),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project", "id"),
    )
    _index("jobs_created", "jobs", "project", "created_at", "id")
    _index("jobs_parent", "jobs", "project", "parent_id", where="parent_id IS NOT NULL")


def _job_counters() -> None:
    op.create_table(
        "job_counters",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "job_id", "state"),
        sqlite_with_rowid=False,
    )


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("verb", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("selection", TEXT, nullable=False),
        sa.Column("ids", TEXT),
        sa.Column("place", TEXT),
        sa.Column("owner", TEXT),
        sa.Column("actor", TEXT),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("refusals", TEXT, nullable=False),
        sa.Column("error", TEXT),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("operations_project", "operations", "project", "id")
    _index("operations_running", "operations", "id", where="state = 'running'")


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "key"),
    )
    _index("idempotency_created", "idempotency", "created_at")


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("unknown_tasks", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("keys_project", "keys", "project", "created_at")


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("sources_live", "sources", "id", where="revoked_at IS NULL")
    _index("sources_project", "sources", "project", "id")


def _heads() -> None:
    op.create_table(
        "heads",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )


def _begin() -> None:
    """No position and no key is given out yet; the project that is there without asking."""
    heads = sa.table("heads", sa.column("name", sa.Text), sa.column("value", sa.BigInteger))
    op.bulk_insert(heads, [{"name": "feed", "value": 0}, {"name": "task", "value": 0}])
    projects = sa.table(
        "projects",
        sa.column("id", sa.Text),
        sa.column("unknown_tasks", sa.Text),
        sa.column("created_at", sa.BigInteger),
    )
    op.bulk_insert(projects, [{"id": "default", "unknown_tasks": "register", "created_at": now()}])
