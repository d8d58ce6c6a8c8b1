"""The audit trail: who did what to what, when and from where. Rows are only ever added.

A row is written in the transaction of what it tells of: neither is there without the other.
"""

import json
from typing import Any

from farwork import clock
from farwork.domain.values import Instant
from farwork.service.access import Principal, meant
from farwork.service.ledger import ASKER, Ledger, Work
from farwork.storage import trail_store
from farwork.storage.trail_store import TrailFilter, TrailRow


def entry(
    who: Principal | str,
    action: str,
    target: str | None = None,
    *,
    now: Instant,
    project: str | None = None,
    **details: Any,
) -> TrailRow:
    """A row about an action, to be added where it is carried out.

    `who` is a caller, or what the trail calls somebody who is none yet; then `project` is given.
    """
    if isinstance(who, Principal):
        project = project or who.project
        who = who.who
    assert project is not None, "whose trail?"
    text = json.dumps({name: said for name, said in details.items() if said is not None})
    asker = ASKER.get()
    address = None if asker is None else asker.address
    return TrailRow(clock.uuid7(now), now, project, who, action, target, address, text)


def told(work: Work, said: TrailRow) -> Work:
    """The work, with a row about it if it is carried out."""

    def doing(connection: Any, statements: Any, tick: Any) -> tuple[Any, int | None]:
        found = work(connection, statements, tick)
        trail_store.add(connection, [said])
        return found

    return doing


class Audit:
    """Reads the trail."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def page(
        self, caller: Principal, wanted: TrailFilter, *, before: str | None, limit: int
    ) -> tuple[list[TrailRow], str | None]:
        """A page of the trail, newest first, and the id behind which the next begins.

        Needs admin: for another project, of the default project.
        """
        meant(caller, wanted.project)
        rows = await self._ledger.read(
            lambda c: trail_store.page(c, wanted, before=before, limit=limit + 1)
        )
        found = rows[:limit]
        return found, found[-1].id if len(rows) > limit else None


__all__ = ["Audit", "TrailFilter", "TrailRow", "entry", "told"]
