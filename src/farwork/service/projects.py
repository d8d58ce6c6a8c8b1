"""Projects. Who administers the default project administers them all; others see their own."""

from collections.abc import Callable

from sqlalchemy import Connection

from farwork.domain.errors import ProjectExists, ProjectNotFound
from farwork.service.access import DEFAULT_PROJECT, Principal, Role, require_everywhere
from farwork.service.audit import entry, told
from farwork.service.ledger import Ledger, Once, StoredAnswer
from farwork.storage import project_store, trail_store
from farwork.storage.project_store import ProjectRow


class Projects:
    """Makes and lists projects, and says what they do with reports about unknown tasks.

    `on_change` is called with the id of a project whose policy has changed.
    """

    def __init__(self, ledger: Ledger, on_change: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._on_change = on_change

    async def create(
        self, caller: Principal, project: str, unknown_tasks: str, asked: Once | None = None
    ) -> ProjectRow | StoredAnswer:
        """Make a project. Raises `ProjectExists`, `Forbidden`."""
        require_everywhere(caller)
        row = ProjectRow(project, unknown_tasks, self._ledger.now())

        def work(con: Connection, _statements: object, _tick: object) -> tuple[ProjectRow, None]:
            if not project_store.add(con, row):
                raise ProjectExists(f"There is a project {project!r}.")
            return row, None

        said = entry(
            caller,
            "project.create",
            f"project:{project}",
            now=row.created_at,
            project=project,
            unknown_tasks=unknown_tasks,
        )
        return await self._ledger.transact_once(caller.project, told(work, said), asked)

    async def every(self, caller: Principal) -> list[ProjectRow]:
        """The projects that the caller may see."""
        caller.require(Role.ADMIN)
        rows = await self._ledger.read(project_store.every)
        return [row for row in rows if caller.project in (DEFAULT_PROJECT, row.id)]

    async def get(self, caller: Principal, project: str) -> ProjectRow:
        """One project. Raises `ProjectNotFound`."""
        caller.require(Role.ADMIN)
        row = None
        if caller.project in (DEFAULT_PROJECT, project):
            row = await self._ledger.read(lambda con: project_store.get(con, project))
        if row is None:
            raise ProjectNotFound.of(project)
        return row

    async def set_policy(
        self, caller: Principal, project: str, unknown_tasks: str | None
    ) -> ProjectRow:
        """Say what a project does with reports about unknown tasks; it does so from now on."""
        row = await self.get(caller, project)
        if unknown_tasks is not None:
            target, now = f"project:{project}", self._ledger.now()
            said = entry(
                caller,
                "project.change",
                target,
                now=now,
                project=project,
                unknown_tasks=unknown_tasks,
            )

            def work(connection: Connection) -> None:
                project_store.set_policy(connection, project, unknown_tasks)
                trail_store.add(connection, [said])

            await self._ledger.work(work)
            row.unknown_tasks = unknown_tasks
            self._on_change(project)
        return row


__all__ = ["ProjectRow", "Projects", "require_everywhere"]
