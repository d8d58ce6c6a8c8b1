"""Jobs that must end by some time: after it their open tasks are ended, and it is said why."""

from sqlalchemy import Connection

from farwork.domain.commands import ExpireTask
from farwork.domain.values import Fault, Instant, TaskState
from farwork.service.ledger import Ledger, Write
from farwork.storage import deadline_store
from farwork.storage.deadline_store import Deadline
from farwork.upkeep.keepers import Report

JOBS_MAX = 50
TASKS_MAX = 500
REASON = "timeout"
"""The reason of a task that was ended because a limit ran out."""
CATEGORY = "job_deadline"


class JobDeadlineKeeper:
    """Ends the open tasks of jobs whose time has run out.

    Whoever looks at the same time does no harm: a task that has ended is left as it is.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run_once(self, now: Instant) -> Report:
        """End what is due by now, a bounded part of it."""
        due = await self._ledger.read(lambda con: deadline_store.due(con, now, JOBS_MAX))
        ended = 0
        for deadline in due:
            ended += await self._end(deadline)
        return Report(ended, more=len(due) == JOBS_MAX)

    async def _end(self, deadline: Deadline) -> int:
        said = (
            f"The job's limit of {deadline.limit_seconds} seconds ran out "
            "before this task had ended."
        )
        fault = Fault(CATEGORY, said, {"limit_seconds": deadline.limit_seconds})
        ended = 0
        while True:
            ids, some = await self._open(deadline)
            commands = [
                ExpireTask(task_id=id_, state=TaskState.FAILED, reason=REASON, error=fault)
                for id_ in ids
            ]
            # That it has passed is noted with the last of them. A job in which all had ended before
            # needs its deadline no more.
            last = len(ids) < TASKS_MAX
            at = None if some and not ids and not ended else self._ledger.now()
            ended += await self._write(deadline, commands, at, last=last)
            if last:
                return ended

    async def _write(
        self, deadline: Deadline, commands: list[ExpireTask], at: Instant | None, *, last: bool
    ) -> int:
        def settle(connection: Connection, _statements: object, _tick: object) -> tuple[None, None]:
            deadline_store.settle(connection, deadline, at)
            return None, None

        if not commands:
            await self._ledger.transact(settle)
            return 0
        write = Write(deadline.project, [*commands], also=settle if last else None)
        answer = await self._ledger.write(write)
        return sum(outcome.refusal is None for outcome in answer.outcomes)

    async def _open(self, deadline: Deadline) -> tuple[list[str], bool]:
        """The job's tasks that have not ended, up to a bound; whether it has any tasks."""

        def read(connection: Connection) -> tuple[list[str], bool]:
            ids = deadline_store.open_tasks(connection, deadline, TASKS_MAX)
            return ids, bool(ids) or deadline_store.has_tasks(connection, deadline)

        return await self._ledger.read(read)
