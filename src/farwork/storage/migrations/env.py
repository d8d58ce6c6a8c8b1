"""What Alembic runs our revisions in: the transaction of whoever asks, never one of its own."""

from alembic import context

from farwork.storage import tables
from farwork.storage.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    version_table=VERSION_TABLE,
    # Both engines take schema changes back with the transaction: all revisions or none.
    transactional_ddl=True,
)
context.run_migrations()
