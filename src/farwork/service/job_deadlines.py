"""Jobs that must end by some time: after it their open tasks are ended, and it is said why."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.commands import ExpireTask
from farwork.domain.values import Fault, Instant, TaskState
from farwork.service.ledger import Ledger, Overloaded, StorageUnavailable, Write
from farwork.storage import deadline_store
from farwork.storage.deadline_store import Deadline

log = structlog.get_logger()

LOOK_SECONDS = 1.0
JOBS_MAX = 50
TASKS_MAX = 500
REASON = "timeout"
"""The reason of a task that was ended because a limit ran out."""
CATEGORY = "job_deadline"


@dataclass(slots=True, frozen=True)
class Swept:
    """What a pass came to: how many tasks were ended, and whether there may be more to do."""

    tasks: int = 0
    more: bool = False


class JobDeadlines:
    """Ends the open tasks of jobs whose time has run out.

    Whoever looks at the same time does no harm: a task that has ended is left as it is.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def run_once(self, now: Instant) -> Swept:
        """End what is due by now, a bounded part of it."""
        due = await self._ledger.read(lambda con: deadline_store.due(con, now, JOBS_MAX))
        ended = 0
        for deadline in due:
            ended += await self._end(deadline)
        return Swept(ended, more=len(due) == JOBS_MAX)

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

    # --- the loop ---

    def open(self) -> None:
        """Begin to look, from time to time."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; what is being ended is finished first."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                while (await self.run_once(self._ledger.now())).more:
                    await clock.pause_on_loop(0)
            except (StorageUnavailable, Overloaded) as error:
                log.warning("deadlines wait for the database", error=str(error))
            except Exception:
                # The loop outlives a mistake of ours.
                log.exception("the keeper of deadlines stumbled")
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue


def deadline_of(job: Any, limit_seconds: int) -> Deadline:
    """The deadline of a job that is given so many seconds from its creation on."""
    return Deadline(job.project, job.id, job.created_at + limit_seconds * 1_000_000, limit_seconds)


__all__ = ["REASON", "Deadline", "JobDeadlines", "Swept", "deadline_of"]
