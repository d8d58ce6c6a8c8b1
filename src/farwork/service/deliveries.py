"""What hooks were sent, and sending it again."""

from collections.abc import Callable

from sqlalchemy import Connection

from farwork.domain.errors import NotFound
from farwork.protocol.hooks import RedeliverIn
from farwork.protocol.queries import POSITION_MAX
from farwork.service.access import Principal, Role
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.storage import delivery_store, hook_store, trail_store
from farwork.storage.delivery_store import DeliveryRow

Reopening = Callable[[Connection], tuple[int, int | None]]


class DeliveryNotFound(NotFound):
    """There is no such delivery."""

    code = "delivery_not_found"


class Deliveries:
    """Reads deliveries and opens them again. Needs operator."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def page(
        self, caller: Principal, hook_id: str, *, states: list[str], before: int | None, limit: int
    ) -> tuple[list[DeliveryRow], int | None]:
        """Deliveries, latest first, and before which the next page begins.

        Raises `HookNotFound`.
        """
        caller.require(Role.OPERATOR)
        end = POSITION_MAX if before is None else before

        def look(connection: Connection) -> list[DeliveryRow]:
            hook_store.present(connection, caller.project, hook_id)
            return delivery_store.page(
                connection, hook_id, states=states, before=end, limit=limit + 1
            )

        rows = await self._ledger.read(look)
        found = rows[:limit]
        return found, found[-1].position if len(rows) > limit else None

    async def get(self, caller: Principal, hook_id: str, position: int) -> DeliveryRow:
        """One delivery. Raises `HookNotFound`, `DeliveryNotFound`."""
        caller.require(Role.OPERATOR)
        return await self._ledger.read(lambda con: _present(con, caller.project, hook_id, position))

    async def again(self, caller: Principal, hook_id: str, position: int) -> DeliveryRow:
        """Make one delivery again, or at once if it waits for its next attempt.

        Raises `HookNotFound`, `DeliveryNotFound`.
        """
        caller.require(Role.OPERATOR)
        now = self._ledger.now()
        row = entry(caller, "hook.redeliver", f"hook:{hook_id}", now=now, deliveries=[position])

        def open_again(connection: Connection) -> DeliveryRow:
            found = _present(connection, caller.project, hook_id, position)
            if found.state in delivery_store.OPEN:
                delivery_store.hasten_one(connection, hook_id, position, now)
            else:
                delivery_store.redeliver(
                    connection,
                    hook_id,
                    states=[found.state],
                    after=position - 1,
                    until=position,
                    now=now,
                )
            hook_store.note(connection, hook_id, {"updated_at": now})
            trail_store.add(connection, [row])
            return _present(connection, caller.project, hook_id, position)

        return await self._ledger.work(open_again)

    async def all_again(self, caller: Principal, hook_id: str, said: RedeliverIn) -> int:
        """Make many deliveries again, oldest first; how many. Raises `HookNotFound`."""
        caller.require(Role.OPERATOR)
        total, after = 0, said.after
        while True:
            count, more = await self._ledger.work(self._some_again(caller, hook_id, said, after))
            total += count
            if more is None:
                return total
            after = more

    def _some_again(
        self, caller: Principal, hook_id: str, said: RedeliverIn, after: int
    ) -> Reopening:
        now = self._ledger.now()
        row = entry(
            caller, "hook.redeliver", f"hook:{hook_id}", now=now, after=after, states=said.states
        )

        def open_again(connection: Connection) -> tuple[int, int | None]:
            hook_store.present(connection, caller.project, hook_id)
            done = delivery_store.redeliver(
                connection, hook_id, states=said.states, after=after, until=said.until, now=now
            )
            hook_store.note(connection, hook_id, {"updated_at": now})
            trail_store.add(connection, [row])
            return done

        return open_again


def _present(connection: Connection, project: str, hook_id: str, position: int) -> DeliveryRow:
    hook_store.present(connection, project, hook_id)
    found = delivery_store.get(connection, hook_id, position)
    if found is None:
        raise DeliveryNotFound(f"The hook has no delivery {position}.")
    return found


__all__ = ["Deliveries", "DeliveryNotFound", "DeliveryRow"]
