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
from farwork.storage.command_trail import about_tasks
from farwork.storage.compositions import Composition
from farwork.storage.document_store import Document
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


def told(work: Work, *said: TrailRow) -> Work:
    """The work, with rows about it if it is carried out."""

    def doing(connection: Any, statements: Any, tick: Any) -> tuple[Any, int | None]:
        found = work(connection, statements, tick)
        if said:
            trail_store.add(connection, [*said])
        return found

    return doing


def told_of_tasks(work: Work, action: str, project: str, now: Instant) -> Work:
    """The work on many tasks, with a row about those that it changed, if anybody asks for it."""
    asker = ASKER.get()
    if asker is None:
        return work

    def doing(connection: Any, statements: Any, tick: Any) -> tuple[Any, int | None]:
        done, head = work(connection, statements, tick)
        if done.changed:
            trail_store.add(connection, [about_tasks(project, asker, action, done.changed, now)])
        return done, head

    return doing


def rows_of(caller: Principal, what: Composition, now: Instant) -> list[TrailRow]:
    """What the trail says of jobs and documents that come, change and go together."""
    said: list[tuple[str, str, dict[str, Any]]] = []
    said += [("job.create", f"job:{job.id}", {}) for job in what.jobs]
    said += [
        ("job.change", f"job:{one.job_id}", {"changed": sorted(one.said)})
        for one in what.job_changes
    ]
    said += [("job.delete", f"job:{job_id}", {}) for job_id in what.jobs_gone]
    if what.is_told:
        said += [("document.create", _shown(one), {}) for one in what.documents]
        changes = (change.document for change in what.document_changes)
        said += [("document.change", _shown(one), {}) for one in changes]
    for gone in what.documents_gone:
        kind = f"{gone.dialect}.{gone.kind}"
        said += [("document.delete", f"{kind}:{one}", {}) for one in gone.ids]
        said += [("document.delete", f"{kind}:*", {"under": one}) for one in gone.parents]
    return [entry(caller, action, target, now=now, **more) for action, target, more in said]


def _shown(document: Document) -> str:
    return f"{document.dialect}.{document.kind}:{document.id}"


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


__all__ = [
    "Audit",
    "TrailFilter",
    "TrailRow",
    "entry",
    "rows_of",
    "told",
    "told_of_tasks",
]
