"""The schema of a database: brought up to date."""

from sqlalchemy import Engine

from farwork.storage import tables as t


def migrate(engine: Engine) -> None:
    """Bring the schema up to date."""
    with engine.begin() as connection:
        t.metadata.create_all(connection)
        if not connection.execute(t.heads.select()).all():
            connection.execute(
                t.heads.insert(), [{"name": "feed", "value": 0}, {"name": "task", "value": 0}]
            )
