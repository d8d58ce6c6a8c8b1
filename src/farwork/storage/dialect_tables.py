"""The tables of what foreign protocols keep beside tasks and jobs.

A document is a record of a dialect that the core does not understand: a template, a sequence, a
registered worker, the outside's own form of a result. Nothing in it is ever claimed or counted.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table

from farwork.storage.columns import TEXT, metadata, where

documents = Table(
    "documents",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("dialect", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    # A name that no other document of its kind has.
    Column("name", TEXT),
    # The id of what it hangs on: a task, a job, another document.
    Column("parent_id", TEXT),
    Column("body", TEXT, nullable=False),
    Column("creator", TEXT),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("project", "dialect", "kind", "id"),
    Index("documents_created", "project", "dialect", "kind", "created_at", "id"),
    Index(
        "documents_parent",
        "project",
        "dialect",
        "kind",
        "parent_id",
        "created_at",
        **where("parent_id IS NOT NULL"),
    ),
    Index(
        "documents_name",
        "project",
        "dialect",
        "kind",
        "name",
        unique=True,
        **where("name IS NOT NULL"),
    ),
)

job_labels = Table(
    "job_labels",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("value", TEXT, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("job_id", TEXT, nullable=False),
    PrimaryKeyConstraint("project", "key", "value", "created_at", "job_id"),
    Index("job_labels_job", "project", "job_id"),
    sqlite_with_rowid=False,
)

# When a job must have ended; after that its open tasks are ended for it.
job_deadlines = Table(
    "job_deadlines",
    metadata,
    Column("project", TEXT, nullable=False),
    Column("job_id", TEXT, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    # How long it was given, in seconds, to be named in what is said of it.
    Column("limit_seconds", Integer, nullable=False),
    Column("passed_at", BigInteger),
    # Noted when a task comes into a job in which all had ended: it has been said that it is done.
    Column("done_at", BigInteger),
    PrimaryKeyConstraint("project", "job_id"),
    Index("job_deadlines_ahead", "ends_at", **where("passed_at IS NULL")),
)
