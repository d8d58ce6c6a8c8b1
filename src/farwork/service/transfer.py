"""Import and export: whole tasks with their history, in and out of a project."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.commands import ImportTask
from farwork.domain.errors import DomainError
from farwork.domain.values import Instant
from farwork.protocol.transfer import ExportQuery, JobRecord, TaskRecord
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.records import command_of, job_of, job_record_of, record_of
from farwork.service.selections import SHELVES, filter_of
from farwork.storage import job_moves, transfer_reader, walks
from farwork.storage.errors import Overloaded
from farwork.storage.task_reader import TaskFilter
from farwork.storage.writes import Outcome

RECORDS_AT_ONCE = 500
"""So many records are imported in one transaction."""
TASKS_AT_ONCE = 50
"""So many tasks are read, and held, at a time."""
JOBS_AT_ONCE = 500
REFUSALS_MAX = 1_000
FULL_SECONDS = 0.1
FULL_TRIES = 100

T = TypeVar("T")
P = TypeVar("P")
Reading = Callable[[Connection], tuple[bytes, P | None]]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Refusal:
    """A record that was not taken, where it stood and why."""

    line: int
    id: str | None
    reason: str


@dataclass(slots=True)
class Import:
    """What became of the records of an import so far."""

    created: int = 0
    replaced: int = 0
    refused: int = 0
    jobs: int = 0
    refusals: list[Refusal] = field(default_factory=list[Refusal])

    def refuse(self, line: int, task_id: str | None, reason: str) -> None:
        """Count a record that is not taken, and list it while the list is not full."""
        self.refused += 1
        if len(self.refusals) < REFUSALS_MAX:
            self.refusals.append(Refusal(line, task_id, reason))


@dataclass(slots=True, frozen=True)
class Line:
    """A record and where it stood."""

    number: int
    record: TaskRecord | JobRecord


class Transfer:
    """Takes whole tasks in, and gives them out."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def begin(self, caller: Principal) -> Import:
        """The sum of an import that begins. Needs admin."""
        caller.require(Role.ADMIN)
        return Import()

    async def take(self, caller: Principal, lines: Sequence[Line], result: Import) -> None:
        """Import these records in two transactions, each for itself, and count what became of them.

        Jobs go first. A record replaces the task, or the job, that has its id. Needs admin.
        """
        caller.require(Role.ADMIN)
        now = self._ledger.now()
        await self._take_jobs(caller, lines, result, now)
        commands: list[ImportTask] = []
        numbers: list[int] = []
        for line in lines:
            if isinstance(line.record, JobRecord):
                continue
            try:
                commands.append(command_of(line.record, caller.project, caller.name, now))
                numbers.append(line.number)
            except DomainError as refusal:
                result.refuse(line.number, line.record.id, refusal.detail)
        answer = await self._write(caller.project, commands)
        for number, outcome in zip(numbers, answer, strict=True):
            if outcome.refusal is not None:
                result.refuse(number, outcome.task_id, outcome.refusal.detail)
            elif outcome.existed:
                result.replaced += 1
            else:
                result.created += 1

    async def _take_jobs(
        self, caller: Principal, lines: Sequence[Line], result: Import, now: Instant
    ) -> None:
        said = [(line.number, line.record) for line in lines if isinstance(line.record, JobRecord)]
        if not said:
            return
        jobs = [job_of(record, caller.project, caller.name, now) for _, record in said]
        work = job_moves.taking(jobs, caller.name)
        answers: list[DomainError | None] = await self._patiently(
            lambda: self._ledger.transact(work)
        )
        for (number, record), refusal in zip(said, answers, strict=True):
            if refusal is None:
                result.jobs += 1
            else:
                result.refuse(number, record.job.id, refusal.detail)

    def export(self, caller: Principal, said: ExportQuery) -> AsyncIterator[bytes]:
        """The tasks that are meant, as NDJSON, the earliest created first. Needs viewer.

        Each line is of one moment, the lines together are not: what changes while the export goes
        on is in it as it was before or after the change.
        """
        caller.require(Role.VIEWER)
        archived = SHELVES[said.archived]
        wanted = filter_of(said, job_id=said.job_id, archived=archived)
        # What chooses among tasks says nothing of jobs.
        with_jobs = said == ExportQuery(job_id=said.job_id)
        return self._lines(caller.project, wanted, with_jobs=with_jobs)

    async def _lines(
        self, project: str, wanted: TaskFilter, *, with_jobs: bool
    ) -> AsyncIterator[bytes]:
        if with_jobs:
            async for text in self._pages(lambda at: _jobs_page(project, wanted.job_id, at)):
                yield text
        async for text in self._pages(lambda at: _page(project, wanted, at)):
            yield text

    async def _pages(self, page: Callable[[P | None], Reading[P]]) -> AsyncIterator[bytes]:
        """The texts of pages, each of which tells the place where the next begins."""
        place: P | None = None
        while True:
            text, place = await self._ledger.read(page(place))
            if text:
                yield text
            if place is None:
                return

    async def _write(self, project: str, commands: list[ImportTask]) -> list[Outcome]:
        if not commands:
            return []
        answer = await self._patiently(lambda: self._ledger.commands(project, commands))
        return answer.outcomes

    async def _patiently(self, write: Callable[[], Awaitable[T]]) -> T:
        """What a write gives; when too much is waiting to be written, it waits too."""
        for _ in range(FULL_TRIES):
            try:
                return await write()
            except Overloaded:
                await clock.pause_on_loop(FULL_SECONDS)
        return await write()


def _jobs_page(
    project: str, only: str | None, after: job_moves.Place | None
) -> Reading[job_moves.Place]:
    def read(connection: Connection) -> tuple[bytes, job_moves.Place | None]:
        found = job_moves.slice_of(connection, project, only, after, JOBS_AT_ONCE)
        text = b"".join(_encode(job_record_of(job)) + b"\n" for job in found)
        if len(found) < JOBS_AT_ONCE:
            return text, None
        return text, (found[-1].created_at, found[-1].id)

    return read


def _page(project: str, wanted: TaskFilter, after: walks.Place | None) -> Reading[walks.Place]:
    """Read a slice and write its lines, both on the reader's thread; with the place behind it."""

    def read(connection: Connection) -> tuple[bytes, walks.Place | None]:
        found = transfer_reader.slice_of(connection, project, wanted, after, TASKS_AT_ONCE)
        text = b"".join(_encode(record_of(whole)) + b"\n" for whole in found)
        if len(found) < TASKS_AT_ONCE:
            return text, None
        last = found[-1].task
        return text, (last.created_at, last.pk)

    return read
