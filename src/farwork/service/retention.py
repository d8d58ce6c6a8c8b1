"""Rules of retention: who sets them, and what they come to."""

from typing import Any

from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain.errors import NotFound
from farwork.domain.retention import NEVER, Rule
from farwork.domain.values import Instant
from farwork.protocol.retention import After, RetentionIn
from farwork.service.access import Principal, meant
from farwork.service.audit import entry, told
from farwork.service.ledger import Ledger
from farwork.service.refusals import SECOND
from farwork.storage import retention_store


class RetentionNotFound(NotFound):
    """There is no such rule of retention."""

    code = "retention_not_found"


class Retention:
    """The use cases of retention.

    Every method needs admin: for another project, of the default project.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def all(self, caller: Principal, project: str | None = None) -> list[Rule]:
        """The rules of a project."""
        whose = meant(caller, project)
        return await self._ledger.read(lambda con: retention_store.every(con, whose))

    async def put(self, caller: Principal, said: RetentionIn, project: str | None = None) -> Rule:
        """Keep a rule, in place of any about the same kind and state."""
        whose = meant(caller, project)
        now = self._ledger.now()
        rule = Rule(
            said.kind,
            said.state,
            _us(said.archive_after_seconds),
            _us(said.delete_after_seconds),
            said.legal_hold,
            now,
            caller.name,
        )

        def work(connection: Connection, _statements: object, _tick: Now) -> tuple[None, None]:
            retention_store.put(connection, whose, rule)
            return None, None

        row = entry(
            caller,
            "retention.set",
            f"retention:{said.kind}/{said.state}",
            now=now,
            project=whose,
            archive_after_seconds=said.archive_after_seconds,
            delete_after_seconds=said.delete_after_seconds,
            legal_hold=said.legal_hold,
        )
        await self._ledger.transact(told(work, row))
        return rule

    async def remove(
        self, caller: Principal, kind: str, state: str, project: str | None = None
    ) -> None:
        """Forget a rule. Raises `RetentionNotFound`."""
        whose = meant(caller, project)

        def work(connection: Connection, _statements: object, _tick: Now) -> tuple[Any, None]:
            if not retention_store.remove(connection, whose, kind, state):
                raise RetentionNotFound(
                    f"The project {whose!r} has no rule for the kind {kind!r} and the state "
                    f"{state!r}."
                )
            return None, None

        target = f"retention:{kind}/{state}"
        row = entry(caller, "retention.remove", target, now=self._ledger.now(), project=whose)
        await self._ledger.transact(told(work, row))


def _us(after: After) -> Instant | None:
    if after is None:
        return None
    return NEVER if after == "never" else round(float(after) * SECOND)
