"""What tables are made of: their one metadata, and the kinds of columns and rules they share."""

from typing import Any

from sqlalchemy import CheckConstraint, MetaData, text
from sqlalchemy import Text as AnyText

metadata = MetaData()

# Both engines, and Python, order text by its code points, whatever language the database is set to.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def check(name: str, rule: str) -> CheckConstraint:
    """A rule that every row keeps."""
    return CheckConstraint(rule, name=name)


def where(condition: str) -> dict[str, Any]:
    """The rows that an index holds, for both engines."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
