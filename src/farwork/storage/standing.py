"""How what a server does by itself stands: who leads, what is overdue, how webhooks go."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from farwork.domain.values import Instant
from farwork.storage import event_reader
from farwork.storage import tables as t

_FAILED = ("failing", "gone")


@dataclass(slots=True, frozen=True)
class HookStanding:
    """How a hook stands; `lag` is how many positions it has yet to read."""

    id: str
    project: str
    url: str
    lag: int
    is_failing: bool
    reason: str | None
    last_error: str | None


def leader_until(connection: Connection, name: str) -> Instant | None:
    """Until when somebody leads, None: nobody has yet."""
    c = t.leaders.c
    return connection.execute(select(c.until).where(c.name == name)).scalar_one_or_none()


def overdue_us(connection: Connection, now: Instant) -> int:
    """For how long something has run out that nothing followed from, 0: nothing has."""
    tasks = t.tasks.c
    firsts = (
        select(func.min(t.leases.c.ends_at)),
        select(func.min(tasks.deadline_at)).where(tasks.deadline_at.is_not(None)),
        select(func.min(tasks.not_before)).where(tasks.not_before.is_not(None)),
    )
    found = [connection.execute(first).scalar_one() for first in firsts]
    return max(0, now - min((at for at in found if at is not None), default=now))


def hooks(connection: Connection) -> list[HookStanding]:
    """All hooks but callbacks that are active, or disabled because nobody took what they sent."""
    head = event_reader.head(connection)
    c = t.hooks.c
    columns = (c.id, c.project, c.url, c.position, c.state, c.reason, c.probe_at, c.last_error)
    rows = connection.execute(select(*columns).where(c.task_pk.is_(None)).order_by(c.id))
    return [
        HookStanding(
            row.id,
            row.project,
            row.url,
            max(0, head - row.position) if row.state == "active" else 0,
            row.probe_at is not None or row.reason in _FAILED,
            row.reason,
            row.last_error,
        )
        for row in rows
        if row.state == "active" or row.reason in _FAILED
    ]
