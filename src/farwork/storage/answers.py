"""Work that is asked for under an Idempotency-Key: its answer is kept in the same transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain.errors import IdempotencyKeyReused
from farwork.storage.statements import Statements
from farwork.storage.writes import StoredAnswer, Work


@dataclass(slots=True, frozen=True)
class Once:
    """A request that may come again: its key, what it asked, and how its answer is written."""

    key: str
    fingerprint: bytes
    render: Callable[[Any], tuple[int, bytes]]


def recalling(project: str, asked: Once) -> Work:
    """The `StoredAnswer` of a request that came before. Raises `IdempotencyKeyReused`."""

    def work(
        connection: Connection, statements: Statements, _tick: Now
    ) -> tuple[StoredAnswer | None, None]:
        rows = statements.select_idempotency.all(connection, (project, asked.key))
        if not rows:
            return None, None
        fingerprint, status, body = rows[0]
        if bytes(fingerprint) != asked.fingerprint:
            raise IdempotencyKeyReused(
                f"The Idempotency-Key {asked.key!r} came before with another request; "
                "use a new key for a new request."
            )
        return StoredAnswer(status, bytes(body)), None

    return work


def once(work: Work, project: str, asked: Once | None) -> Work:
    """The work, done the first time it is asked; after that its result is the `StoredAnswer`.

    Raises `IdempotencyKeyReused`.
    """
    if asked is None:
        return work
    recall = recalling(project, asked)

    def doing(connection: Connection, statements: Statements, tick: Now) -> tuple[Any, int | None]:
        known, _ = recall(connection, statements, tick)
        if known is not None:
            return known, None
        result, head = work(connection, statements, tick)
        status, body = asked.render(result)
        row = (project, asked.key, asked.fingerprint, status, body, tick())
        statements.insert_idempotency.many(connection, [row])
        return result, head

    return doing
