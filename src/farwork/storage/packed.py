"""Many narrow rows fetched in one step.

SQLite's driver lets other threads run between any two rows: under load each row may cost a change
of threads, and a thousand of them more than the statement itself. Packed into one JSON text they
come in one step. PostgreSQL's driver fetches a whole answer at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from farwork.storage.engine import is_postgresql
from farwork.storage.json import decode_text


def fetch(
    connection: Connection, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]
) -> Sequence[Any]:
    """The rows of a statement whose columns are texts and integers.

    Their order is kept if the statement has a limit.
    """
    if is_postgresql(connection):
        return connection.execute(statement, parameters).all()
    rows = statement.subquery()
    packed = select(func.json_group_array(func.json_array(*rows.c)))
    return decode_text(connection.execute(packed, parameters).scalar_one())
