"""The tables of webhooks: who is told, what each is sent; what sources sent to us."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from farwork.storage.columns import TEXT, check, metadata, where

OPEN = "state IN ('due', 'waiting')"

# The secrets are kept as they are: a signature is made with them.
hooks = Table(
    "hooks",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("project", TEXT, nullable=False),
    Column("name", TEXT),
    Column("url", TEXT, nullable=False),
    Column("format", TEXT, nullable=False),
    # JSON: which events are meant.
    Column("wanted", TEXT, nullable=False),
    Column("secret", LargeBinary),
    Column("old_secret", LargeBinary),
    Column("old_secret_until", BigInteger),
    # Sent along as a bearer token.
    Column("token", TEXT),
    # Given with a task, for that task alone.
    Column("task_pk", BigInteger),
    Column("state", TEXT, nullable=False),
    Column("reason", TEXT),
    # Up to here the feed has been turned into deliveries.
    Column("position", BigInteger, nullable=False),
    # The circuit: attempts that failed since the last success, and while it is open when the next
    # one is made.
    Column("failures", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("probe_at", BigInteger),
    Column("last_error", TEXT),
    Column("creator", TEXT),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    check("hooks_state_known", "state IN ('active', 'disabled')"),
    Index("hooks_project", "project", "id", **where("task_pk IS NULL")),
    Index("hooks_task", "task_pk", unique=True, **where("task_pk IS NOT NULL")),
    Index("hooks_updated", "updated_at"),
)

# One row an event that a hook means. The first open one of a subject is `due`, those behind it are
# `waiting`, so that what happens to one task is told in order.
deliveries = Table(
    "deliveries",
    metadata,
    Column("hook_id", TEXT, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    # JSON: what became of the last attempts.
    Column("log", TEXT, nullable=False),
    # JSON: the event.
    Column("event", TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    # The traceparent of the task that the event is about.
    Column("trace", TEXT),
    PrimaryKeyConstraint("hook_id", "position"),
    check(
        "deliveries_state_known",
        "state IN ('due', 'waiting', 'delivered', 'failed', 'abandoned')",
    ),
    Index("deliveries_due", "hook_id", "next_at", **where("state = 'due'")),
    Index("deliveries_open", "hook_id", "subject", "position", **where(OPEN)),
    Index("deliveries_state", "hook_id", "state", "position"),
    Index("deliveries_ended", "ended_at", **where("ended_at IS NOT NULL")),
    sqlite_with_rowid=False,
)

# How what a source sends is vouched for, and what becomes of it. No row: as Standard Webhooks has
# it, and a report.
incoming = Table(
    "incoming",
    metadata,
    Column("source_id", TEXT, primary_key=True),
    Column("scheme", TEXT, nullable=False),
    # JSON.
    Column("mapping", TEXT),
    Column("updated_at", BigInteger, nullable=False),
)

# What a source sent, as it came, for a while: it can be read again once its mapping is mended.
sendings = Table(
    "sendings",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("source_id", TEXT, nullable=False),
    Column("project", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("delivery_id", TEXT),
    # JSON: those that say what the body is.
    Column("headers", TEXT, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", TEXT, nullable=False),
    # JSON: the verdicts, or what was wrong.
    Column("outcome", TEXT, nullable=False),
    # A digest of the mapping by which it was taken when it came.
    Column("mapping", TEXT),
    Column("replays", Integer, nullable=False),
    Column("replayed_at", BigInteger),
    check("sendings_state_known", "state IN ('taken', 'nothing', 'refused')"),
    Index("sendings_source", "source_id", "id"),
    Index("sendings_state", "source_id", "state", "id"),
    Index("sendings_at", "at"),
)
