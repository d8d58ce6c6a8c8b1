"""What sources sent, as it came; traces of tasks and deliveries; how many events are gone.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Both engines order text by its code points, whatever language the database is set to.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("details", sa.Column("trace", TEXT))
    traced = sa.text("trace IS NOT NULL")
    op.create_index(
        "details_traced", "details", ["task_pk"], sqlite_where=traced, postgresql_where=traced
    )
    op.add_column("deliveries", sa.Column("trace", TEXT))
    _sendings()
    _forgotten()


def _sendings() -> None:
    op.create_table(
        "sendings",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", TEXT),
        sa.Column("headers", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("mapping", TEXT),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("replayed_at", sa.BigInteger()),
        sa.CheckConstraint("state IN ('taken', 'nothing', 'refused')", name="sendings_state_known"),
    )
    op.create_index("sendings_source", "sendings", ["source_id", "id"])
    op.create_index("sendings_state", "sendings", ["source_id", "state", "id"])
    op.create_index("sendings_at", "sendings", ["at"])


def _forgotten() -> None:
    """Events that went with deleted tasks, so that a hole in the feed can be told from them."""
    heads = sa.table("heads", sa.column("name"), sa.column("value", sa.BigInteger()))
    events = sa.table("events", sa.column("position"))
    connection = op.get_bind()
    there: int = connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()
    feed = sa.select(heads.c.value).where(heads.c.name == "feed")
    gone = connection.execute(feed).scalar_one() - there
    if gone:
        op.bulk_insert(heads, [{"name": "forgotten", "value": gone}])
