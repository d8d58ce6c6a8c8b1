"""Jobs: groups of tasks, whose state follows from the tasks in them."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from farwork import clock
from farwork.domain.commands import Command, DeleteTask
from farwork.domain.errors import DomainError, JobNotFound
from farwork.domain.jobs import JobState, job_state
from farwork.domain.values import FINAL_STATES, Instant, TaskState
from farwork.protocol.jobs import JobCreate
from farwork.service.access import Principal, Role
from farwork.service.audit import entry, told
from farwork.service.ledger import Ledger, Once, Outcome, StoredAnswer
from farwork.service.tasks import VERBS
from farwork.storage import job_reader, job_store, task_reader
from farwork.storage.job_reader import Job, JobSum
from farwork.storage.task_reader import Page, TaskFilter

CHUNK_TASKS = 500
OUTCOMES_SHOWN_MAX = 1_000

_OPEN = tuple(state.value for state in TaskState if state not in FINAL_STATES)
_CONCERNS: dict[str, TaskFilter] = {
    "submit": TaskFilter(states=(TaskState.CREATED.value,), archived=None),
    "cancel": TaskFilter(states=_OPEN, archived=None),
    "retry": TaskFilter(states=(TaskState.FAILED.value, TaskState.CANCELLED.value), archived=None),
    "archive": TaskFilter(archived=False),
    "restore": TaskFilter(archived=True),
}
"""Which tasks of a job a verb concerns: the others are as it wants them, or cannot be."""
_COMMANDS: dict[str, type[Command]] = {**VERBS, "delete": DeleteTask}


@dataclass(slots=True)
class JobStanding:
    """A job, and how the tasks in it stand."""

    job: Job
    sum: JobSum

    @property
    def state(self) -> JobState:
        """Where the job stands, as follows from its tasks."""
        return job_state(self.sum.counts)


@dataclass(slots=True)
class Ordered:
    """What became of a job's tasks under a verb; `outcomes` up to a bound, refusals first."""

    done: int = 0
    refused: int = 0
    skipped: int = 0
    outcomes: list[Outcome] = field(default_factory=list[Outcome])


class Jobs:
    """The use cases of jobs. Every method names the role that it needs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def create(
        self, caller: Principal, said: JobCreate, asked: Once | None = None
    ) -> Job | StoredAnswer:
        """Create a job. Needs operator.

        Raises `JobExists`, `JobParentNotFound`, `JobsTooDeep`.
        """
        caller.require(Role.OPERATOR)
        now = self._ledger.now()
        job = Job(
            project=caller.project,
            id=said.id or clock.uuid7(now),
            name=said.name,
            parent_id=said.parent_id,
            labels=said.labels,
            metadata=said.metadata,
            creator=caller.name,
            created_at=now,
            updated_at=now,
            version=1,
        )
        told_of = entry(caller, "job.create", f"job:{job.id}", now=now)
        work = told(job_store.creating(job), told_of)
        return await self._ledger.transact_once(caller.project, work, asked)

    async def get(self, caller: Principal, job_id: str) -> JobStanding:
        """A job. Needs viewer. Raises `JobNotFound`."""
        caller.require(Role.VIEWER)

        def reading(connection: Any) -> JobStanding:
            job = job_reader.get(connection, caller.project, job_id)
            if job is None:
                raise JobNotFound.of(job_id)
            return JobStanding(job, job_reader.sums(connection, caller.project, [job_id])[job_id])

        return await self._ledger.read(reading)

    async def page(
        self,
        caller: Principal,
        *,
        parent_id: str | None,
        after: tuple[int, str] | None,
        limit: int,
    ) -> tuple[list[JobStanding], tuple[int, str] | None]:
        """A page of jobs, and the place behind which the next begins. Needs viewer."""
        caller.require(Role.VIEWER)

        def reading(connection: Any) -> tuple[list[JobStanding], bool]:
            found = job_reader.page(
                connection, caller.project, parent_id=parent_id, after=after, limit=limit + 1
            )
            jobs = found[:limit]
            sums = job_reader.sums(connection, caller.project, [job.id for job in jobs])
            return [JobStanding(job, sums[job.id]) for job in jobs], len(found) > limit

        jobs, more = await self._ledger.read(reading)
        last = jobs[-1].job if more else None
        return jobs, None if last is None else (last.created_at, last.id)

    async def change(
        self, caller: Principal, job_id: str, said: dict[str, Any], if_version: int | None
    ) -> JobStanding:
        """Change what a job says of itself. Needs operator.

        Raises `JobNotFound`, `VersionMismatch`, `JobParentNotFound`, `JobsTooDeep`.
        """
        caller.require(Role.OPERATOR)
        work = job_store.changing(
            caller.project, job_id, said, actor=caller.name, if_version=if_version
        )
        now = self._ledger.now()
        told_of = entry(caller, "job.change", f"job:{job_id}", now=now, changed=sorted(said))
        await self._ledger.transact(told(work, told_of))
        return await self.get(caller, job_id)

    async def delete(
        self, caller: Principal, job_id: str, *, with_tasks: bool, if_version: int | None
    ) -> None:
        """Remove a job; `with_tasks`, all that is in it goes first. Needs operator.

        Raises `JobNotFound`, `VersionMismatch`, `JobNotEmpty`.
        """
        caller.require(Role.OPERATOR)
        standing = await self.get(caller, job_id)
        if with_tasks:
            await self._empty(caller, standing.job, if_version)
        work = job_store.deleting(caller.project, job_id, actor=caller.name, if_version=if_version)
        now = self._ledger.now()
        said = entry(caller, "job.delete", f"job:{job_id}", now=now, with_tasks=with_tasks)
        await self._ledger.transact(told(work, said))

    async def _empty(self, caller: Principal, job: Job, if_version: int | None) -> None:
        """Remove the tasks in a job and in the jobs inside it, then those jobs, inwards first."""
        project = caller.project
        await self._ledger.read(lambda con: job_store.present(con, project, job.id, if_version))
        families, _ = await self._ledger.read(
            lambda con: job_reader.families(con, project, [job.id])
        )
        await self._order(caller, list(families), "delete", TaskFilter(archived=None))
        for inner in reversed([id_ for id_ in families if id_ != job.id]):
            work = job_store.deleting(project, inner, actor=caller.name, if_version=None)
            await self._ledger.transact(work)

    async def order(
        self,
        caller: Principal,
        verb: str,
        job_id: str,
        asked: Once | None = None,
        **said: Any,
    ) -> Ordered | StoredAnswer:
        """Carry out a verb on those tasks in a job, and in the jobs inside it, that it concerns.

        Needs operator. Each task has its own outcome: what one refuses stops no other. The answer
        is kept when all is done: whoever asks again before that has the rest done.
        Raises `JobNotFound`.
        """
        caller.require(Role.OPERATOR)
        known = await self._ledger.recall(caller.project, asked)
        if known is not None:
            return known
        standing = await self.get(caller, job_id)
        families, _ = await self._ledger.read(
            lambda con: job_reader.families(con, caller.project, [job_id])
        )
        ordered = await self._order(caller, list(families), verb, _CONCERNS[verb], **said)
        touched = ordered.done + ordered.refused
        ordered.skipped = max(standing.sum.counts.total() - touched, 0)
        return await self._ledger.transact_once(
            caller.project, lambda _connection, _statements, _tick: (ordered, None), asked
        )

    async def _order(
        self, caller: Principal, job_ids: Sequence[str], verb: str, wanted: TaskFilter, **said: Any
    ) -> Ordered:
        command = _COMMANDS[verb]
        found = _Outcomes()
        for job_id in job_ids:
            async for ids in self._tasks_of(caller.project, job_id, wanted):
                commands = [command(task_id=id_, actor=caller.name, **said) for id_ in ids]
                answer = await self._ledger.commands(caller.project, commands)
                found.take(answer.outcomes)
        return found.ordered()

    async def _tasks_of(
        self, project: str, job_id: str, wanted: TaskFilter
    ) -> AsyncIterator[list[str]]:
        """The tasks of one job that are wanted, oldest first, in chunks."""
        meant = TaskFilter(states=wanted.states, archived=wanted.archived, job_id=job_id)
        place: tuple[Instant, int] | None = None
        while True:
            at = Page(CHUNK_TASKS, "created", descending=False, after=place)
            found = await self._ledger.read(
                lambda con, at=at: task_reader.page(con, project, meant, at)
            )
            if not found:
                return
            yield [task.id for task in found]
            place = (found[-1].created_at, found[-1].pk)


class _Outcomes:
    def __init__(self) -> None:
        self._counts = Counter[bool]()
        self._refused: list[Outcome] = []
        self._done: list[Outcome] = []

    def take(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            refused = isinstance(outcome.refusal, DomainError)
            self._counts[refused] += 1
            shown = self._refused if refused else self._done
            if len(shown) < OUTCOMES_SHOWN_MAX:
                shown.append(outcome)

    def ordered(self) -> Ordered:
        shown = [*self._refused, *self._done][:OUTCOMES_SHOWN_MAX]
        return Ordered(self._counts[False], self._counts[True], outcomes=shown)
