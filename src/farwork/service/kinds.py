"""How new tasks of a kind are treated."""

from sqlalchemy import Connection

from farwork.domain.errors import NotFound
from farwork.domain.values import Instant
from farwork.protocol.policies import policy_from
from farwork.protocol.steering import KindIn
from farwork.service.access import TRUST_US, Principal, Role
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.storage import steering_store, trail_store
from farwork.storage.steering_store import KindRow


class KindNotFound(NotFound):
    """This kind is not set."""

    code = "kind_not_found"


class Kinds:
    """The use cases of kinds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, tuple[dict[str, KindRow], Instant]] = {}

    async def of(self, project: str) -> dict[str, KindRow]:
        """How the kinds of a project are set, by name."""
        now = self._ledger.now()
        known = self._known.get(project)
        if known is None or known[1] < now:
            rows = await self._ledger.read(lambda con: steering_store.kinds(con, project))
            known = self._known[project] = ({row.name: row for row in rows}, now + TRUST_US)
        return known[0]

    async def all(self, caller: Principal) -> list[KindRow]:
        """The kinds that are set. Needs viewer."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(lambda con: steering_store.kinds(con, caller.project))

    async def put(self, caller: Principal, name: str, said: KindIn) -> KindRow:
        """Set how new tasks of a kind are treated. Needs operator."""
        caller.require(Role.OPERATOR)
        row = KindRow(
            name, said.attempts_max, policy_from(said.policy), self._ledger.now(), caller.name
        )
        trail = entry(caller, "kind.change", f"kind:{name}", now=row.updated_at)

        def keep(connection: Connection) -> None:
            steering_store.set_kind(connection, caller.project, row)
            trail_store.add(connection, [trail])

        await self._ledger.work(keep)
        self._known.pop(caller.project, None)
        return row

    async def remove(self, caller: Principal, name: str) -> None:
        """Treat new tasks of a kind as any others. Needs operator. Raises `KindNotFound`."""
        caller.require(Role.OPERATOR)
        trail = entry(caller, "kind.delete", f"kind:{name}", now=self._ledger.now())

        def forget(connection: Connection) -> bool:
            was_set = steering_store.unset_kind(connection, caller.project, name)
            if was_set:
                trail_store.add(connection, [trail])
            return was_set

        if not await self._ledger.work(forget):
            raise KindNotFound(f"The kind {name!r} is not set in this project.")
        self._known.pop(caller.project, None)
