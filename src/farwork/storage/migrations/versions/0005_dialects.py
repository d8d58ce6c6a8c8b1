"""What foreign protocols keep: documents; jobs by their labels; when jobs must have ended.

Revision ID: 0005
Revises: 0004
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# Both engines order text by its code points, whatever language the database is set to.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    _documents()
    _job_labels()
    _fill_job_labels()
    _job_deadlines()


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("dialect", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("parent_id", TEXT),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("creator", TEXT),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project", "dialect", "kind", "id"),
    )
    here = ("project", "dialect", "kind")
    op.create_index("documents_created", "documents", [*here, "created_at", "id"])
    hanging, named = sa.text("parent_id IS NOT NULL"), sa.text("name IS NOT NULL")
    op.create_index(
        "documents_parent",
        "documents",
        [*here, "parent_id", "created_at"],
        sqlite_where=hanging,
        postgresql_where=hanging,
    )
    op.create_index(
        "documents_name",
        "documents",
        [*here, "name"],
        unique=True,
        sqlite_where=named,
        postgresql_where=named,
    )


def _job_labels() -> None:
    op.create_table(
        "job_labels",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("project", "key", "value", "created_at", "job_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("job_labels_job", "job_labels", ["project", "job_id"])


def _fill_job_labels() -> None:
    """The labels of the jobs that there are."""
    jobs = _table("jobs", "project", "id", "labels", "created_at")
    labels = _table("job_labels", "project", "key", "value", "created_at", "job_id")
    labelled = sa.select(jobs).where(jobs.c.labels != "{}")
    rows = [
        {"project": project, "key": key, "value": value, "created_at": at, "job_id": job_id}
        for project, job_id, text, at in op.get_bind().execute(labelled)
        for key, value in json.loads(text).items()
    ]
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        op.bulk_insert(labels, rows[begin : begin + ROWS_AT_ONCE])


def _job_deadlines() -> None:
    op.create_table(
        "job_deadlines",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("job_id", TEXT, nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("limit_seconds", sa.Integer(), nullable=False),
        sa.Column("passed_at", sa.BigInteger()),
        sa.Column("done_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("project", "job_id"),
    )
    ahead = sa.text("passed_at IS NULL")
    op.create_index(
        "job_deadlines_ahead",
        "job_deadlines",
        ["ends_at"],
        sqlite_where=ahead,
        postgresql_where=ahead,
    )


def _table(name: str, *columns: str) -> sa.TableClause:
    named: list[sa.ColumnClause[object]] = [sa.column(column) for column in columns]
    return sa.table(name, *named)
