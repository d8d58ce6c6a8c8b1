"""API keys: made, listed and revoked by admins."""

from sqlalchemy import Connection

from farwork.domain.errors import ProjectNotFound
from farwork.domain.values import Instant
from farwork.service.access import Access, KeyNotFound, KeyRow, Principal, Role, meant, new_key
from farwork.service.audit import entry
from farwork.service.ledger import Ledger, Once, StoredAnswer
from farwork.service.limits import Rate
from farwork.storage import access_store, project_store, trail_store


class Keys:
    """Every method needs the role admin: for another project, of the default project."""

    def __init__(self, ledger: Ledger, access: Access) -> None:
        self._ledger = ledger
        self._access = access

    async def create(  # noqa: PLR0913 - each is something that a key has
        self,
        caller: Principal,
        project: str | None,
        role: Role,
        name: str | None,
        *,
        expires_at: Instant | None = None,
        rate: Rate | None = None,
        asked: Once | None = None,
    ) -> tuple[KeyRow, str] | StoredAnswer:
        """Make a key; its text is given this once. Raises `ProjectNotFound`."""
        theirs = meant(caller, project)
        now = self._ledger.now()
        row, text = new_key(theirs, role, name, now=now, expires_at=expires_at, rate=rate)
        said = entry(
            caller,
            "key.create",
            f"key:{row.id}",
            now=now,
            project=theirs,
            role=row.role,
            name=name,
            expires_at=expires_at,
            rate=None if rate is None else [rate.requests, rate.seconds],
        )

        def work(
            connection: Connection, _statements: object, _tick: object
        ) -> tuple[tuple[KeyRow, str], None]:
            if project_store.get(connection, theirs) is None:
                raise ProjectNotFound.of(theirs)
            access_store.add_key(connection, row)
            trail_store.add(connection, [said])
            return (row, text), None

        return await self._ledger.transact_once(caller.project, work, asked)

    async def every(self, caller: Principal, project: str | None) -> list[KeyRow]:
        """The keys of a project, oldest first, revoked ones included."""
        theirs = meant(caller, project)
        return await self._ledger.read(lambda c: access_store.list_keys(c, theirs))

    async def revoke(self, caller: Principal, project: str | None, key_id: str) -> None:
        """Make a key worthless, in every process by the time this returns. Raises `KeyNotFound`."""
        theirs = meant(caller, project)
        now = self._ledger.now()
        said = entry(caller, "key.revoke", f"key:{key_id}", now=now, project=theirs)

        def work(connection: Connection) -> None:
            if not access_store.revoke_key(connection, key_id, theirs, now):
                raise KeyNotFound(f"There is no valid key {key_id!r} in this project.")
            trail_store.add(connection, [said])

        await self._ledger.work(work)
        await self._access.spread()


__all__ = ["KeyNotFound", "KeyRow", "Keys"]
