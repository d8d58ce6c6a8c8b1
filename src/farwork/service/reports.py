"""Taking reports, one or many, from whoever speaks of a task."""

from farwork.domain.commands import ReportTask
from farwork.domain.values import Instant
from farwork.protocol.reports import ReportIn, take_in
from farwork.service.access import TRUST_US, Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.single_flight import SingleFlight
from farwork.storage import access_store
from farwork.storage.writes import Answer, Idempotency, Work, Write

# So many reports go into one transaction. Others wait for it, and reports that come late cost more
# the longer the past of their task is.
AT_ONCE_MAX = 500


class Reports:
    """Takes reports."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._registers: dict[str, tuple[bool, Instant]] = {}
        self._asking = SingleFlight[bool]()

    async def take(
        self,
        caller: Principal,
        said: list[ReportIn],
        idempotency: Idempotency | None = None,
        *,
        also: Work | None = None,
        received_at: Instant | None = None,
    ) -> Answer:
        """Fold each report into its task; an outcome (with its verdict) for each, in their order.

        Needs the role worker. An unknown task becomes known, unless the project rejects it: then
        the verdict is `unknown_task`. `also` is done in the transaction of the last of them; they
        are taken as if they came at `received_at` (not given: now).
        """
        caller.require(Role.WORKER)
        now = self._ledger.now()
        received_at = now if received_at is None else received_at
        register = await self._register(caller.project, now)
        commands: list[ReportTask] = []
        for one in said:
            report, encoded = take_in(one, source=caller.name, received_at=received_at)
            commands.append(
                ReportTask(
                    task_id=report.task_id,
                    actor=caller.name,
                    report=report,
                    register=register,
                    encoded=encoded,
                )
            )
        if idempotency is not None or len(commands) <= AT_ONCE_MAX:
            write = Write(caller.project, [*commands], idempotency=idempotency, also=also)
            return await self._ledger.write(write)
        taken = Answer()
        for start in range(0, len(commands), AT_ONCE_MAX):
            part = commands[start : start + AT_ONCE_MAX]
            last = start + AT_ONCE_MAX >= len(commands)
            write = Write(caller.project, [*part], also=also if last else None)
            taken.outcomes += (await self._ledger.write(write)).outcomes
        return taken

    def forget(self, project: str) -> None:
        """Ask anew what a project does with reports about unknown tasks."""
        self._registers.pop(project, None)

    async def _register(self, project: str, now: Instant) -> bool:
        known = self._registers.get(project)
        if known is None or known[1] < now:
            return await self._asking.ask(project, lambda: self._ask(project, now))
        return known[0]

    async def _ask(self, project: str, now: Instant) -> bool:
        word = await self._ledger.read(lambda c: access_store.unknown_tasks(c, project))
        self._registers[project] = (word != "reject", now + TRUST_US)
        return word != "reject"
