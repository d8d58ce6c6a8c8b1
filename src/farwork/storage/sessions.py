"""Who else works on a PostgreSQL database."""

from sqlalchemy import Connection

_COUNTED = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'farwork' AND pid <> pg_backend_pid()"
)


def others(connection: Connection) -> int:
    """How many other sessions of ours there are, those of this process among them."""
    return connection.exec_driver_sql(_COUNTED).scalar_one()
