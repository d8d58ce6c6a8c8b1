"""The tables. Times are BIGINT microseconds since 1970-01-01T00:00:00Z; JSON is TEXT that only we read.

The narrow `tasks` row holds what decisions and lists need; `details`, `results` and `shard_results` hold the wide parts.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData()

STATES = ("created", "blocked", "queued", "running", "succeeded", "failed", "cancelled")
_STATES = ", ".join(f"'{state}'" for state in STATES)
# SQLite makes an INTEGER PRIMARY KEY the row's own key; a BIGINT one would be a second index.
_Key = BigInteger().with_variant(Integer(), "sqlite")

tasks = Table(
    "tasks",
    metadata,
    Column("pk", _Key, primary_key=True, autoincrement=False),
    Column("project", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("queue", Text, nullable=False),
    Column("state", Text, CheckConstraint(f"state IN ({_STATES})"), nullable=False),
    Column("reason", Text),
    Column("reported_status", Text),
    Column("percent", Double, CheckConstraint("percent BETWEEN 0 AND 100"), nullable=False),
    Column("message", Text),
    Column("error", Text),
    Column("priority", Integer, nullable=False),
    Column("labels", Text, nullable=False),
    Column("external_ref", Text),
    Column("job_id", Text),
    Column("inputs", Text, nullable=False),
    Column("inputs_pending", Integer, nullable=False),
    Column("on_input_failure", Text, nullable=False),
    Column("attempt", Integer, CheckConstraint("attempt >= 1"), nullable=False),
    Column("attempts_max", Integer, nullable=False),
    Column("attempt_opened_at", BigInteger),
    Column("creator", Text),
    Column("origin", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("has_result", SmallInteger, nullable=False),
    Column("items_total", Integer),
    Column("shards", Text),
    Column("settled_by", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("pinned", Text, nullable=False),
    Index("tasks_id", "project", "id", unique=True),
    Index("tasks_job", "project", "job_id", "created_at", "pk", sqlite_where=text("job_id IS NOT NULL"),
          postgresql_where=text("job_id IS NOT NULL")),
    Index("tasks_ref", "project", "external_ref", sqlite_where=text("external_ref IS NOT NULL"),
          postgresql_where=text("external_ref IS NOT NULL")),
)


def _list_index(name: str, *columns: str, archived: bool) -> None:
    """One index for the lists of active tasks or, apart from it, of archived ones."""
    where = text(f"archived_at IS {'NOT ' if archived else ''}NULL")
    prefix = "archive" if archived else "tasks"
    Index(
        f"{prefix}_{name}",
        tasks.c.project,
        *(tasks.c[column] for column in columns),
        tasks.c.pk,
        sqlite_where=where,
        postgresql_where=where,
    )


for _archived in (False, True):
    _list_index("created", "created_at", archived=_archived)
    _list_index("state", "state", "created_at", archived=_archived)
    _list_index("queue", "queue", "created_at", archived=_archived)
_list_index("queue_state", "queue", "state", "created_at", archived=False)
_list_index("kind", "kind", "created_at", archived=False)
_list_index("updated", "updated_at", archived=False)
_list_index("completed", "completed_at", archived=False)
_list_index("creator", "creator", "created_at", archived=False)

details = Table(
    "details",
    metadata,
    Column("task_pk", _Key, primary_key=True, autoincrement=False),
    Column("params", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("metadata_marks", Text, nullable=False),
    Column("extensions", Text, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("name", Text, nullable=False),
    # Empty for the task's own results; a late one is kept under the mark of the report that brought it.
    Column("late_mark", Text, nullable=False),
    Column("rank", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text),
    Column("data", Text),
    Column("files", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("task_pk", "attempt", "name", "late_mark"),
)

shards = Table(
    "shards",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("index", Integer, CheckConstraint('"index" >= 0'), nullable=False),
    Column("state", Text, CheckConstraint(f"state IN ({_STATES})"), nullable=False),
    Column("reason", Text),
    Column("external_ref", Text),
    Column("queue", Text),
    Column("item_count", Integer, CheckConstraint("item_count >= 1"), nullable=False),
    Column("item_offset", Integer, CheckConstraint("item_offset >= 0"), nullable=False),
    Column("error", Text),
    Column("has_result", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("mark", Text, nullable=False),
    Column("reopened", Text, nullable=False),
    Column("field_marks", Text, nullable=False),
    PrimaryKeyConstraint("task_pk", "index"),
)

shard_results = Table(
    "shard_results",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("rank", Text, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("task_pk", "index"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("percent", Double, nullable=False),
    Column("message", Text),
    Column("error", Text),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    PrimaryKeyConstraint("task_pk", "number"),
)

edges = Table(
    "edges",
    metadata,
    Column("project", Text, nullable=False),
    # By id, not by key: an imported task may name inputs that are imported after it.
    Column("input_id", Text, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "input_id", "task_pk"),
    Index("edges_task", "task_pk"),
)

labels = Table(
    "labels",
    metadata,
    Column("project", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "key", "value", "created_at", "task_pk"),
    Index("labels_task", "task_pk"),
)

events = Table(
    "events",
    metadata,
    Column("position", _Key, primary_key=True, autoincrement=False),
    Column("project", Text, nullable=False),
    Column("task_pk", BigInteger),
    # The id of a task that is gone, or of a job.
    Column("subject", Text),
    Column("type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempt", Integer),
    Column("before", Text),
    Column("after", Text),
    Column("version", Integer),
    Column("actor", Text),
    Column("source", Text),
    Column("verdict", Text),
    Column("reason", Text),
    Column("dedup", BigInteger),
    Column("mark", Text),
    Column("fact", Text),
    Column("data", Text),
    Index("events_project", "project", "position"),
    Index("events_task", "task_pk", "position", sqlite_where=text("task_pk IS NOT NULL"),
          postgresql_where=text("task_pk IS NOT NULL")),
    Index("events_dedup", "task_pk", "dedup", unique=True, sqlite_where=text("dedup IS NOT NULL"),
          postgresql_where=text("dedup IS NOT NULL")),
)

counters = Table(
    "counters",
    metadata,
    Column("project", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("archived", SmallInteger, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "queue", "kind", "state", "archived"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("project", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text),
    Column("parent_id", Text),
    Column("labels", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("creator", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("project", "id"),
    Index("jobs_created", "project", "created_at", "id"),
    Index("jobs_parent", "project", "parent_id", sqlite_where=text("parent_id IS NOT NULL"),
          postgresql_where=text("parent_id IS NOT NULL")),
)

job_counters = Table(
    "job_counters",
    metadata,
    Column("project", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "job_id", "state"),
)

operations = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("actor", Text),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("refusals", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    Index("operations_project", "project", "created_at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("project", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "key"),
    Index("idempotency_created", "created_at"),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("unknown_tasks", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text),
    Column("role", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    Index("keys_project", "project", "created_at"),
)

heads = Table(
    "heads",
    metadata,
    Column("name", Text, primary_key=True),
    # The last feed position, or the last task key, that was given out.
    Column("value", BigInteger, nullable=False),
)
