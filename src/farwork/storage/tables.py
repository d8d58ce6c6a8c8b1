"""The tables. Times are BIGINT microseconds since 1970-01-01T00:00:00Z; JSON is TEXT.

The narrow `tasks` row holds what decisions and lists need; `details`, `results` and `shard_results`
hold the wide parts. What stands here is what the newest revision in `migrations/` makes.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
)

from farwork.storage.columns import Text as _Text
from farwork.storage.columns import check as _check
from farwork.storage.columns import metadata
from farwork.storage.columns import where as _where
from farwork.storage.identity_tables import (
    audit,
    guesses,
    keys,
    sessions,
    tokens,
    usage,
    users,
)

STATES = ("created", "blocked", "queued", "running", "succeeded", "failed", "cancelled")
# SQLite makes an INTEGER PRIMARY KEY the row's own key; a BIGINT one would be a second index.
_Key = BigInteger().with_variant(Integer(), "sqlite")


def _known_state(table: str) -> CheckConstraint:
    return _check(f"{table}_state_known", f"state IN ({', '.join(map(repr, STATES))})")


tasks = Table(
    "tasks",
    metadata,
    Column("pk", _Key, primary_key=True, autoincrement=False),
    Column("project", _Text, nullable=False),
    Column("id", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("name", _Text),
    Column("queue", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("reason", _Text),
    Column("reported_status", _Text),
    Column("percent", Double, nullable=False),
    Column("message", _Text),
    Column("error", _Text),
    Column("priority", Integer, nullable=False),
    Column("labels", _Text, nullable=False),
    Column("external_ref", _Text),
    Column("job_id", _Text),
    Column("inputs", _Text, nullable=False),
    Column("inputs_pending", Integer, nullable=False),
    Column("on_input_failure", _Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts_max", Integer, nullable=False),
    Column("attempt_opened_at", BigInteger),
    Column("creator", _Text),
    Column("origin", _Text),
    Column("created_at", BigInteger, nullable=False),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("has_result", SmallInteger, nullable=False),
    Column("items_total", Integer),
    Column("shards", _Text),
    Column("settled_by", _Text, nullable=False),
    Column("mark", _Text, nullable=False),
    Column("pinned", _Text, nullable=False),
    _known_state("tasks"),
    _check("tasks_percent_in_range", "percent BETWEEN 0 AND 100"),
    _check("tasks_attempt_counted", "attempt >= 1"),
    Index("tasks_id", "project", "id", unique=True),
    Index(
        "tasks_job",
        "project",
        "job_id",
        "created_at",
        "pk",
        **_where("job_id IS NOT NULL"),
    ),
    Index(
        "tasks_ref",
        "project",
        "external_ref",
        **_where("external_ref IS NOT NULL"),
    ),
)


def _list_index(prefix: str, name: str, *columns: str, where: str) -> None:
    parts = [tasks.c[column] for column in ("project", *columns, "pk")]
    Index(f"{prefix}_{name}", *parts, **_where(where))


# The lists of active tasks, and apart from them those of archived ones: an archived task leaves the
# indexes that the busy lists are read from. A task without an end is not in a list by its end.
for _prefix, _where_archived in (
    ("tasks", "archived_at IS NULL"),
    ("archive", "archived_at IS NOT NULL"),
):
    _list_index(_prefix, "created", "created_at", where=_where_archived)
    _list_index(_prefix, "updated", "updated_at", where=_where_archived)
    _list_index(
        _prefix,
        "completed",
        "completed_at",
        where=f"{_where_archived} AND completed_at IS NOT NULL",
    )
    _list_index(_prefix, "state", "state", "created_at", where=_where_archived)
    _list_index(_prefix, "queue", "queue", "created_at", where=_where_archived)
_list_index("tasks", "queue_state", "queue", "state", "created_at", where="archived_at IS NULL")
_list_index("tasks", "kind", "kind", "created_at", where="archived_at IS NULL")
_list_index("tasks", "creator", "creator", "created_at", where="archived_at IS NULL")

details = Table(
    "details",
    metadata,
    Column("task_pk", _Key, primary_key=True, autoincrement=False),
    Column("params", _Text, nullable=False),
    Column("metadata", _Text, nullable=False),
    Column("metadata_marks", _Text, nullable=False),
    Column("extensions", _Text, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("name", _Text, nullable=False),
    # Empty for the task's own results; a late one is under the mark of the report that brought it.
    Column("late_mark", _Text, nullable=False),
    Column("rank", _Text, nullable=False),
    Column("id", _Text, nullable=False),
    Column("type", _Text),
    Column("data", _Text),
    Column("files", _Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("task_pk", "attempt", "name", "late_mark"),
)

shards = Table(
    "shards",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("state", _Text, nullable=False),
    Column("reason", _Text),
    Column("external_ref", _Text),
    Column("queue", _Text),
    Column("item_count", Integer, nullable=False),
    Column("item_offset", Integer, nullable=False),
    Column("error", _Text),
    Column("has_result", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("mark", _Text, nullable=False),
    Column("field_marks", _Text, nullable=False),
    PrimaryKeyConstraint("task_pk", "index"),
    _known_state("shards"),
    _check("shards_index_counted", '"index" >= 0'),
    _check("shards_cover_items", "item_count >= 1 AND item_offset >= 0"),
)

shard_results = Table(
    "shard_results",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("rank", _Text, nullable=False),
    Column("data", _Text, nullable=False),
    PrimaryKeyConstraint("task_pk", "index"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", _Text, nullable=False),
    Column("reason", _Text),
    Column("percent", Double, nullable=False),
    Column("message", _Text),
    Column("error", _Text),
    Column("queued_at", BigInteger),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    PrimaryKeyConstraint("task_pk", "number"),
)

edges = Table(
    "edges",
    metadata,
    Column("project", _Text, nullable=False),
    # By id, not by key: an imported task may name inputs that are imported after it.
    Column("input_id", _Text, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "input_id", "task_pk"),
    Index("edges_task", "task_pk"),
    sqlite_with_rowid=False,
)

labels = Table(
    "labels",
    metadata,
    Column("project", _Text, nullable=False),
    Column("key", _Text, nullable=False),
    Column("value", _Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "key", "value", "created_at", "task_pk"),
    Index("labels_task", "task_pk"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("position", _Key, primary_key=True, autoincrement=False),
    Column("project", _Text, nullable=False),
    Column("task_pk", BigInteger),
    # The id of a task that is gone, or of a job.
    Column("subject", _Text),
    Column("type", _Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempt", Integer),
    Column("before", _Text),
    Column("after", _Text),
    Column("version", Integer),
    Column("actor", _Text),
    Column("source", _Text),
    Column("verdict", _Text),
    Column("reason", _Text),
    Column("dedup", BigInteger),
    Column("mark", _Text),
    Column("fact", _Text),
    Column("data", _Text),
    Index("events_project", "project", "position"),
    Index(
        "events_task",
        "task_pk",
        "position",
        **_where("task_pk IS NOT NULL"),
    ),
    Index(
        "events_dedup",
        "task_pk",
        "dedup",
        unique=True,
        **_where("dedup IS NOT NULL"),
    ),
)

counters = Table(
    "counters",
    metadata,
    Column("project", _Text, nullable=False),
    Column("queue", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("archived", SmallInteger, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "queue", "kind", "state", "archived"),
    sqlite_with_rowid=False,
)

jobs = Table(
    "jobs",
    metadata,
    Column("project", _Text, nullable=False),
    Column("id", _Text, nullable=False),
    Column("name", _Text),
    Column("parent_id", _Text),
    Column("labels", _Text, nullable=False),
    Column("metadata", _Text, nullable=False),
    Column("creator", _Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("project", "id"),
    Index("jobs_created", "project", "created_at", "id"),
    Index(
        "jobs_parent",
        "project",
        "parent_id",
        **_where("parent_id IS NOT NULL"),
    ),
)

job_counters = Table(
    "job_counters",
    metadata,
    Column("project", _Text, nullable=False),
    Column("job_id", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("tasks", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "job_id", "state"),
    sqlite_with_rowid=False,
)

operations = Table(
    "operations",
    metadata,
    Column("id", _Text, primary_key=True),
    Column("project", _Text, nullable=False),
    Column("verb", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("selection", _Text, nullable=False),
    Column("ids", _Text),
    # Where it stands: as many of its ids, or the creation and key of the last task it came by.
    Column("place", _Text),
    # The process that carries it out, until it lets go or falls silent.
    Column("owner", _Text),
    Column("actor", _Text),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("refusals", _Text, nullable=False),
    Column("error", _Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    Index("operations_project", "project", "id"),
    Index("operations_running", "id", **_where("state = 'running'")),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("project", _Text, nullable=False),
    Column("key", _Text, nullable=False),
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
    Column("id", _Text, primary_key=True),
    Column("unknown_tasks", _Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# Who may sign webhooks. The secret is kept as it is: a signature is checked by making it again.
sources = Table(
    "sources",
    metadata,
    Column("id", _Text, primary_key=True),
    Column("project", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("sources_project", "project", "id"),
    Index("sources_live", "id", **_where("revoked_at IS NULL")),
)

heads = Table(
    "heads",
    metadata,
    Column("name", _Text, primary_key=True),
    # The last feed position, or the last task key, that was given out.
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

__all__ = [
    "STATES",
    "attempts",
    "audit",
    "counters",
    "details",
    "edges",
    "events",
    "guesses",
    "heads",
    "idempotency",
    "job_counters",
    "jobs",
    "keys",
    "labels",
    "metadata",
    "operations",
    "projects",
    "results",
    "sessions",
    "shard_results",
    "shards",
    "sources",
    "tasks",
    "tokens",
    "usage",
    "users",
]
