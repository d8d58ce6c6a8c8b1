"""The tables of work under leases: who holds what, how queues and kinds are set."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table

from farwork.storage.columns import KEY, TEXT, metadata, where

# One row for each task that a worker holds. Heartbeats touch nothing else.
leases = Table(
    "leases",
    metadata,
    Column("task_pk", KEY, primary_key=True, autoincrement=False),
    Column("project", TEXT, nullable=False),
    Column("queue", TEXT, nullable=False),
    Column("worker", TEXT, nullable=False),
    Column("lease_seq", Integer, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("leases_ends", "ends_at"),
    Index("leases_queue", "project", "queue"),
    Index("leases_worker", "project", "worker"),
)

# What counts against a limit or a fair share, for as long as a lease lasts.
slots = Table(
    "slots",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("slot", TEXT, nullable=False),
    Column("task_pk", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "slot", "task_pk"),
    Index("slots_task", "task_pk"),
    sqlite_with_rowid=False,
)

workers = Table(
    "workers",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("host", TEXT),
    Column("process", Integer),
    Column("queues", TEXT, nullable=False),
    Column("labels", TEXT, nullable=False),
    Column("concurrency", Integer),
    Column("state", TEXT, nullable=False),
    Column("comment", TEXT),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", "name"),
    Index("workers_seen", "project", "seen_at"),
)

queues = Table(
    "queues",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("comment", TEXT),
    Column("running_max", Integer),
    Column("fair_by", TEXT),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", TEXT),
    PrimaryKeyConstraint("project", "name"),
)

label_limits = Table(
    "label_limits",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("running_max", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", TEXT),
    PrimaryKeyConstraint("project", "key"),
)

kinds = Table(
    "kinds",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("attempts_max", Integer),
    Column("policy", TEXT, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", TEXT),
    PrimaryKeyConstraint("project", "name"),
)

# When tasks that have ended are archived and deleted; `*` stands for every kind or state.
retention = Table(
    "retention",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("archive_after", BigInteger),
    Column("delete_after", BigInteger),
    Column("legal_hold", TEXT),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", TEXT),
    PrimaryKeyConstraint("project", "kind", "state"),
)

# Which process does what only one shall do, until it lets go or falls silent.
leaders = Table(
    "leaders",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("owner", TEXT, nullable=False),
    Column("until", BigInteger, nullable=False),
)

# What a worker hands to an outside platform: noted before, under a token that is the same whoever
# tries; the platform's own id is added after.
submissions = Table(
    "submissions",
    metadata,
    Column("task_pk", BigInteger, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("project", TEXT, nullable=False),
    Column("platform", TEXT, nullable=False),
    Column("token", TEXT, nullable=False),
    Column("external_ref", TEXT),
    Column("shard", Integer),
    Column("attempt", Integer, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("task_pk", "key"),
    Index(
        "submissions_ref",
        "project",
        "platform",
        "external_ref",
        **where("external_ref IS NOT NULL"),
    ),
    Index("submissions_token", "project", "platform", "token", unique=True),
)
