"""The tables. Times are BIGINT microseconds since 1970-01-01T00:00:00Z; JSON is TEXT.

The narrow `tasks` row holds what decisions and lists need; `details`, `results` and `shard_results`
hold the wide parts. What stands here is what the newest revision in `migrations/` makes.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
)

from farwork.storage.columns import KEY, STATES, TEXT, check, known_state, metadata, where
from farwork.storage.dialect_tables import documents, job_deadlines, job_labels
from farwork.storage.hook_tables import deliveries, hooks, incoming, sendings
from farwork.storage.identity_tables import (
    audit,
    guesses,
    keys,
    sessions,
    tokens,
    usage,
    users,
)
from farwork.storage.work_tables import (
    kinds,
    label_limits,
    leaders,
    leases,
    queues,
    retention,
    slots,
    submissions,
    workers,
)

tasks = Table(
    "tasks",
    metadata,
    Column("pk", KEY, primary_key=True, autoincrement=False),
    Column("project", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("name", TEXT),
    Column("queue", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("reason", TEXT),
    Column("reported_status", TEXT),
    Column("percent", Double, nullable=False),
    Column("message", TEXT),
    Column("error", TEXT),
    Column("priority", Integer, nullable=False),
    Column("labels", TEXT, nullable=False),
    Column("external_ref", TEXT),
    Column("job_id", TEXT),
    Column("inputs", TEXT, nullable=False),
    Column("inputs_pending", Integer, nullable=False),
    Column("on_input_failure", TEXT, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts_max", Integer, nullable=False),
    Column("attempt_opened_at", BigInteger),
    Column("creator", TEXT),
    Column("origin", TEXT),
    Column("created_at", BigInteger, nullable=False),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("has_result", SmallInteger, nullable=False),
    Column("items_total", Integer),
    Column("shards", TEXT),
    Column("settled_by", TEXT, nullable=False),
    Column("mark", TEXT, nullable=False),
    Column("pinned", TEXT, nullable=False),
    Column("requires", TEXT),
    Column("policy", TEXT),
    Column("not_before", BigInteger),
    Column("lease_seq", Integer, nullable=False),
    Column("worker", TEXT),
    Column("cancel", TEXT),
    Column("deadline_at", BigInteger),
    Column("lane", TEXT, nullable=False),
    Column("legal_hold", TEXT),
    Column("restored_at", BigInteger),
    known_state("tasks"),
    check("tasks_percent_in_range", "percent BETWEEN 0 AND 100"),
    check("tasks_attempt_counted", "attempt >= 1"),
    Index("tasks_id", "project", "id", unique=True),
    Index(
        "tasks_job",
        "project",
        "job_id",
        "created_at",
        "pk",
        **where("job_id IS NOT NULL"),
    ),
    Index(
        "tasks_ref",
        "project",
        "external_ref",
        **where("external_ref IS NOT NULL"),
    ),
)

READY = "state = 'queued' AND worker IS NULL AND not_before IS NULL AND archived_at IS NULL"
"""Where a task may be claimed, as the index knows it."""

Index(
    "tasks_ready",
    tasks.c.project,
    tasks.c.queue,
    tasks.c.lane,
    tasks.c.priority.desc(),
    tasks.c.created_at,
    tasks.c.pk,
    **where(READY),
)
Index("tasks_due", tasks.c.not_before, **where("not_before IS NOT NULL"))
Index("tasks_deadline", tasks.c.deadline_at, **where("deadline_at IS NOT NULL"))

# What has ended, by its last change: what retention archives, and what it deletes. The second index
# is left alone by archiving.
for _name, _rows in (
    ("tasks_archivable", "archived_at IS NULL AND restored_at IS NULL"),
    ("tasks_deletable", "legal_hold IS NULL"),
):
    Index(
        _name,
        *(tasks.c[column] for column in ("project", "kind", "state", "updated_at", "pk")),
        **where(f"completed_at IS NOT NULL AND {_rows}"),
    )


def _list_index(prefix: str, name: str, *columns: str, rows: str) -> None:
    parts = [tasks.c[column] for column in ("project", *columns, "pk")]
    Index(f"{prefix}_{name}", *parts, **where(rows))


# The lists of active tasks, and apart from them those of archived ones: an archived task leaves the
# indexes that the busy lists are read from. A task without an end is not in a list by its end.
for _prefix, _where_archived in (
    ("tasks", "archived_at IS NULL"),
    ("archive", "archived_at IS NOT NULL"),
):
    _list_index(_prefix, "created", "created_at", rows=_where_archived)
    _list_index(_prefix, "updated", "updated_at", rows=_where_archived)
    _list_index(
        _prefix,
        "completed",
        "completed_at",
        rows=f"{_where_archived} AND completed_at IS NOT NULL",
    )
    _list_index(_prefix, "state", "state", "created_at", rows=_where_archived)
    _list_index(_prefix, "queue", "queue", "created_at", rows=_where_archived)
_list_index("tasks", "queue_state", "queue", "state", "created_at", rows="archived_at IS NULL")
_list_index("tasks", "kind", "kind", "created_at", rows="archived_at IS NULL")
_list_index("tasks", "creator", "creator", "created_at", rows="archived_at IS NULL")

details = Table(
    "details",
    metadata,
    Column("task_pk", KEY, primary_key=True, autoincrement=False),
    Column("params", TEXT, nullable=False),
    Column("metadata", TEXT, nullable=False),
    Column("metadata_marks", TEXT, nullable=False),
    Column("extensions", TEXT, nullable=False),
    # The W3C traceparent under which it came into being.
    Column("trace", TEXT),
    Index("details_traced", "task_pk", **where("trace IS NOT NULL")),
)

results = Table(
    "results",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("name", TEXT, nullable=False),
    # Empty for the task's own results; a late one is under the mark of the report that brought it.
    Column("late_mark", TEXT, nullable=False),
    Column("rank", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("type", TEXT),
    Column("data", TEXT),
    Column("files", TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("task_pk", "attempt", "name", "late_mark"),
)

shards = Table(
    "shards",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("reason", TEXT),
    Column("external_ref", TEXT),
    Column("queue", TEXT),
    Column("item_count", Integer, nullable=False),
    Column("item_offset", Integer, nullable=False),
    Column("error", TEXT),
    Column("has_result", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("mark", TEXT, nullable=False),
    Column("field_marks", TEXT, nullable=False),
    PrimaryKeyConstraint("task_pk", "index"),
    known_state("shards"),
    check("shards_index_counted", '"index" >= 0'),
    check("shards_cover_items", "item_count >= 1 AND item_offset >= 0"),
)

shard_results = Table(
    "shard_results",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("rank", TEXT, nullable=False),
    Column("data", TEXT, nullable=False),
    PrimaryKeyConstraint("task_pk", "index"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("reason", TEXT),
    Column("percent", Double, nullable=False),
    Column("message", TEXT),
    Column("error", TEXT),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    PrimaryKeyConstraint("task_pk", "number"),
)

edges = Table(
    "edges",
    metadata,
    Column("project", TEXT, nullable=False),
    # By id, not by key: an imported task may name inputs that are imported after it.
    Column("input_id", TEXT, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "input_id", "task_pk"),
    Index("edges_task", "task_pk"),
    sqlite_with_rowid=False,
)

labels = Table(
    "labels",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("value", TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "key", "value", "created_at", "task_pk"),
    Index("labels_task", "task_pk"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("position", KEY, primary_key=True, autoincrement=False),
    Column("project", TEXT, nullable=False),
    Column("task_pk", BigInteger),
    # The id of a task that is gone, or of a job.
    Column("subject", TEXT),
    Column("type", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempt", Integer),
    Column("before", TEXT),
    Column("after", TEXT),
    Column("version", Integer),
    Column("actor", TEXT),
    Column("source", TEXT),
    Column("verdict", TEXT),
    Column("reason", TEXT),
    Column("dedup", BigInteger),
    Column("mark", TEXT),
    Column("fact", TEXT),
    Column("data", TEXT),
    Index("events_project", "project", "position"),
    Index(
        "events_task",
        "task_pk",
        "position",
        **where("task_pk IS NOT NULL"),
    ),
    Index(
        "events_dedup",
        "task_pk",
        "dedup",
        unique=True,
        **where("dedup IS NOT NULL"),
    ),
)

counters = Table(
    "counters",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("queue", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("archived", SmallInteger, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "queue", "kind", "state", "archived"),
    sqlite_with_rowid=False,
)

jobs = Table(
    "jobs",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("name", TEXT),
    Column("parent_id", TEXT),
    Column("labels", TEXT, nullable=False),
    Column("metadata", TEXT, nullable=False),
    Column("creator", TEXT),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("project", "id"),
    Index("jobs_created", "project", "created_at", "id"),
    Index(
        "jobs_parent",
        "project",
        "parent_id",
        **where("parent_id IS NOT NULL"),
    ),
)

job_counters = Table(
    "job_counters",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("job_id", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "job_id", "state"),
    sqlite_with_rowid=False,
)

operations = Table(
    "operations",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("project", TEXT, nullable=False),
    Column("verb", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("selection", TEXT, nullable=False),
    Column("ids", TEXT),
    # Where it stands: as many of its ids, or the creation and key of the last task it came by.
    Column("place", TEXT),
    # The process that carries it out, until it lets go or falls silent.
    Column("owner", TEXT),
    Column("actor", TEXT),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("refusals", TEXT, nullable=False),
    Column("error", TEXT),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    Index("operations_project", "project", "id"),
    Index("operations_running", "id", **where("state = 'running'")),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
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
    Column("id", TEXT, primary_key=True),
    Column("unknown_tasks", TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# Who may sign webhooks. The secret is kept as it is: a signature is checked by making it again.
sources = Table(
    "sources",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("project", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("sources_project", "project", "id"),
    Index("sources_live", "id", **where("revoked_at IS NULL")),
)

heads = Table(
    "heads",
    metadata,
    Column("name", TEXT, primary_key=True),
    # The last feed position, or the last task key, that was given out.
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

__all__ = [
    "READY", "STATES", "attempts", "audit", "counters", "deliveries", "details", "documents",
    "edges", "events", "guesses", "heads", "hooks", "idempotency", "incoming", "job_counters",
    "job_deadlines", "job_labels", "jobs", "keys", "kinds", "label_limits", "labels", "leaders",
    "leases", "metadata", "operations", "projects", "queues", "results", "retention", "sendings",
    "sessions",
    "shard_results", "shards", "slots", "sources", "submissions", "tasks", "tokens", "usage",
    "users", "workers",
]  # fmt: skip
