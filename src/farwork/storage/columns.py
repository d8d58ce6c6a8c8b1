"""What all tables are made of: the kinds of their columns, their checks and partial indexes."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Integer, MetaData, Text, text

metadata = MetaData()

STATES = ("created", "blocked", "queued", "running", "succeeded", "failed", "cancelled")
# SQLite makes an INTEGER PRIMARY KEY the row's own key; a BIGINT one would be a second index.
KEY = BigInteger().with_variant(Integer(), "sqlite")
# Both engines, and Python, order text by its code points, whatever language the database is set to.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def check(name: str, rule: str) -> CheckConstraint:
    return CheckConstraint(rule, name=name)


def known_state(table: str) -> CheckConstraint:
    return check(f"{table}_state_known", f"state IN ({', '.join(map(repr, STATES))})")


def where(condition: str) -> dict[str, Any]:
    """The rows that an index holds, for both engines."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
