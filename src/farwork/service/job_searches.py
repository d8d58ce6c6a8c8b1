"""Jobs as a client without cursors sees them: found by how they stand and when, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from farwork.domain.commands import Command
from farwork.domain.errors import JobNotFound, TaskNotFound
from farwork.domain.task import Task
from farwork.domain.values import Json
from farwork.service.access import SECOND, Principal, Role
from farwork.service.audit import rows_of, told
from farwork.service.ledger import Ledger, Outcome, Write
from farwork.storage import deadline_store, job_reader, job_search, task_reader
from farwork.storage.compositions import Composition, composing
from farwork.storage.deadline_store import Deadline
from farwork.storage.job_search import (
    MOMENTS,
    STANDINGS,
    FoundJob,
    FoundJobs,
    JobQuery,
    Moment,
    Standing,
)
from farwork.storage.result_reader import data_of


@dataclass(slots=True)
class TaskInJob:
    """A task with the data of the one of its results that was asked for, None where it has none."""

    task: Task
    result: Json


class JobSearches:
    """Finds jobs and the tasks in them. Reading needs the role viewer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def search(self, caller: Principal, query: JobQuery) -> FoundJobs:
        """A page of jobs and how many there are."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(lambda con: job_search.search(con, caller.project, query))

    async def get(self, caller: Principal, job_id: str) -> FoundJob:
        """One job. Raises `JobNotFound`."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> FoundJob:
            jobs = job_reader.several(connection, caller.project, [job_id])
            found = job_search.with_standing(connection, caller.project, jobs)
            if not found:
                raise JobNotFound.of(job_id)
            return found[0]

        return await self._ledger.read(read)

    async def tasks(
        self,
        caller: Principal,
        job_id: str,
        order: Sequence[tuple[str, bool]],
        limit: int | None,
        offset: int,
        result: str,
    ) -> tuple[list[TaskInJob], int]:
        """A page of a job's tasks, with the result of that name, and how many there are.

        Raises `JobNotFound`.
        """
        caller.require(Role.VIEWER)
        project = caller.project

        def read(connection: Connection) -> tuple[list[TaskInJob], int]:
            if job_reader.get(connection, project, job_id) is None:
                raise JobNotFound.of(job_id)
            ids, total = job_search.tasks_of_job(connection, project, job_id, order, limit, offset)
            tasks = {task.id: task for task in task_reader.several(connection, project, ids)}
            data = data_of(connection, list(tasks.values()), result)
            return [TaskInJob(tasks[id_], data.get(tasks[id_].pk)) for id_ in ids], total

        return await self._ledger.read(read)

    async def task(self, caller: Principal, job_id: str, task_id: str, result: str) -> TaskInJob:
        """One task of a job. Raises `JobNotFound`, `TaskNotFound`."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> TaskInJob:
            if job_reader.get(connection, caller.project, job_id) is None:
                raise JobNotFound.of(job_id)
            task = task_reader.get(connection, caller.project, task_id)
            if task is None or task.job_id != job_id:
                raise TaskNotFound(f"There is no task {task_id!r} in the job {job_id!r}.")
            return TaskInJob(task, data_of(connection, [task], result).get(task.pk))

        return await self._ledger.read(read)

    async def in_queue(self, caller: Principal, job_id: str, queue: str) -> str | None:
        """The id of the oldest task of a job that is meant for this queue."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: job_search.task_in_queue(con, caller.project, job_id, queue)
        )

    async def write(
        self,
        caller: Principal,
        commands: Sequence[Command],
        what: Composition | None = None,
        *,
        job: job_reader.Job | None = None,
        limit_seconds: int = 0,
        was_done: bool = False,
    ) -> list[Outcome]:
        """Carry out the commands, with what goes with them: all or nothing. Needs worker.

        `job` is given a deadline, `limit_seconds` from its creation on, unless it has one. One that
        `was_done` stays so, whatever comes into it.
        """
        caller.require(Role.WORKER)
        compose = None
        if what is not None:
            compose = told(composing(what), *rows_of(caller, what, self._ledger.now()))

        def also(connection: Any, statements: Any, tick: Any) -> tuple[Any, int | None]:
            done, head = (None, None) if compose is None else compose(connection, statements, tick)
            if job is not None and limit_seconds:
                ends_at = job.created_at + limit_seconds * SECOND
                deadline = Deadline(job.project, job.id, ends_at, limit_seconds)
                deadline_store.give(connection, deadline)
                if was_done:
                    deadline_store.note_done(connection, job.project, job.id, tick())
            return done, head

        if commands:
            write = Write(caller.project, [*commands], atomic=True, also=also)
            return (await self._ledger.write(write)).outcomes
        await self._ledger.transact(also)
        return []


__all__ = [
    "MOMENTS",
    "STANDINGS",
    "FoundJob",
    "FoundJobs",
    "JobQuery",
    "JobSearches",
    "Moment",
    "Standing",
    "TaskInJob",
]
