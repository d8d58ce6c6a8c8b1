"""API keys: made, listed and revoked by admins."""

from sqlalchemy import Connection

from farwork.domain.errors import ProjectNotFound
from farwork.domain.values import Instant
from farwork.service.access import Access, KeyNotFound, KeyRow, Principal, Role, new_key
from farwork.service.ledger import Ledger, Once, StoredAnswer
from farwork.service.projects import require_everywhere
from farwork.storage import access_store, project_store


class Keys:
    """Every method needs the role admin: for another project, of the default project."""

    def __init__(self, ledger: Ledger, access: Access) -> None:
        self._ledger = ledger
        self._access = access

    async def create(
        self,
        caller: Principal,
        project: str | None,
        role: Role,
        name: str | None,
        *,
        expires_at: Instant | None = None,
        asked: Once | None = None,
    ) -> tuple[KeyRow, str] | StoredAnswer:
        """Make a key; its text is given this once. Raises `ProjectNotFound`."""
        meant = _meant(caller, project)
        row, text = new_key(meant, role, name, now=self._ledger.now(), expires_at=expires_at)

        def work(
            connection: Connection, _statements: object, _tick: object
        ) -> tuple[tuple[KeyRow, str], None]:
            if project_store.get(connection, meant) is None:
                raise ProjectNotFound.of(meant)
            access_store.add_key(connection, row)
            return (row, text), None

        return await self._ledger.transact_once(caller.project, work, asked)

    async def every(self, caller: Principal, project: str | None) -> list[KeyRow]:
        """The keys of a project, oldest first, revoked ones included."""
        return await self._access.list_keys(_meant(caller, project))

    async def revoke(self, caller: Principal, project: str | None, key_id: str) -> None:
        """Make a key worthless. Raises `KeyNotFound`."""
        await self._access.revoke_key(_meant(caller, project), key_id)


def _meant(caller: Principal, project: str | None) -> str:
    """Whose keys are meant. Raises `Forbidden` unless the caller administers that project."""
    caller.require(Role.ADMIN)
    if project in (None, caller.project):
        return caller.project
    require_everywhere(caller)
    return project


__all__ = ["KeyNotFound", "KeyRow", "Keys"]
