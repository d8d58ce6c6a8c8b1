"""Jobs with all that is in them, and documents beside: read whole, written in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from farwork.domain.commands import Command, ReportTask
from farwork.domain.errors import JobNotFound, TaskNotFound
from farwork.protocol.reports import ReportIn, take_in
from farwork.service.access import Principal, Role
from farwork.service.audit import rows_of, told
from farwork.service.ledger import Ledger
from farwork.storage import document_store, job_reader, task_reader, tree_reader
from farwork.storage.compositions import (
    Composed,
    Composition,
    DocumentChange,
    Gone,
    JobChange,
    ResultGone,
    composing,
)
from farwork.storage.document_store import Document, DocumentNotFound, NameTaken
from farwork.storage.job_reader import Job
from farwork.storage.tree_reader import Hangings, Leaf, Tree
from farwork.storage.writes import Outcome, Write


@dataclass(slots=True)
class Written:
    """What was written: an outcome for each command, jobs and documents by id."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    composed: Composed = field(default_factory=Composed)


class Trees:
    """Reads and writes trees of jobs. Reading needs the role viewer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def task(self, caller: Principal, task_id: str, wanted: Hangings) -> Tree:
        """One task as a tree of its own. Raises `TaskNotFound`."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> Tree:
            task = task_reader.get(connection, caller.project, task_id)
            if task is None:
                raise TaskNotFound.of(task_id)
            return tree_reader.leaves_of(connection, caller.project, [task], wanted)

        return await self._ledger.read(read)

    async def job(self, caller: Principal, job_id: str, levels: int, wanted: Hangings) -> Tree:
        """A job, with the jobs up to so many levels inside it. Raises `JobNotFound`."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> Tree:
            job = job_reader.get(connection, caller.project, job_id)
            if job is None:
                raise JobNotFound.of(job_id)
            return tree_reader.grown(connection, caller.project, [job], levels, wanted)

        return await self._ledger.read(read)

    async def inside(self, caller: Principal, job_id: str, wanted: Hangings) -> Tree:
        """The jobs that stand directly in a job, each with its tasks."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> Tree:
            roots = job_reader.inside(connection, caller.project, [job_id])
            return tree_reader.grown(connection, caller.project, roots, 0, wanted)

        return await self._ledger.read(read)

    async def labelled(
        self, caller: Principal, key: str, value: str, levels: int, wanted: Hangings
    ) -> Tree:
        """The jobs that have a label, with the jobs up to so many levels inside them."""
        caller.require(Role.VIEWER)

        def read(connection: Connection) -> Tree:
            roots = job_reader.labelled(connection, caller.project, key, value)
            return tree_reader.grown(connection, caller.project, roots, levels, wanted)

        return await self._ledger.read(read)

    async def existing(self, caller: Principal, ids: Sequence[str]) -> set[str]:
        """Those of these ids that are a task's."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(lambda con: tree_reader.existing(con, caller.project, ids))

    async def has_other_results(self, caller: Principal, task_id: str, name: str) -> bool:
        """Whether a task has results of its own beside the one of this name."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: tree_reader.has_other_results(con, caller.project, task_id, name)
        )

    # --- documents ---

    async def document(
        self, caller: Principal, dialect: str, kinds: Sequence[str], document_id: str
    ) -> Document | None:
        """The document of one of these kinds with this id."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: document_store.get(con, caller.project, dialect, kinds, document_id)
        )

    async def named(self, caller: Principal, dialect: str, kind: str, name: str) -> Document | None:
        """The document of a kind with this name."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: document_store.named(con, caller.project, dialect, kind, name)
        )

    async def documents(self, caller: Principal, dialect: str, kind: str) -> list[Document]:
        """All documents of a kind, oldest first."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: document_store.every(con, caller.project, dialect, kind)
        )

    async def under(
        self, caller: Principal, dialect: str, kind: str, parents: Sequence[str]
    ) -> list[Document]:
        """The documents of a kind that hang on one of these, oldest first."""
        caller.require(Role.VIEWER)
        return await self._ledger.read(
            lambda con: document_store.under(con, caller.project, dialect, kind, parents)
        )

    # --- writing ---

    async def write(
        self,
        caller: Principal,
        needs: Role,
        commands: Sequence[Command],
        what: Composition | None = None,
        *,
        until: float | None = None,
    ) -> Written:
        """Carry out the commands, and write what goes with them: all or nothing.

        Needs the role `needs`. Raises what any part is refused with, and `NotInTime` after `until`
        (see `clock.ticks`); nothing was kept then.
        """
        caller.require(needs)
        also = None
        if what is not None and not what.is_empty:
            also = told(composing(what), *rows_of(caller, what, self._ledger.now()))
        if not commands:
            if also is None:
                return Written()
            return Written([], await self._ledger.transact(also, until))
        write = Write(caller.project, list(commands), atomic=True, also=also, until=until)
        answer = await self._ledger.write(write)
        return Written(answer.outcomes, answer.beside or Composed())

    def report(self, caller: Principal, said: ReportIn) -> ReportTask:
        """The command that a report is; its task must exist."""
        report, encoded = take_in(said, source=caller.name, received_at=self._ledger.now())
        return ReportTask(
            task_id=report.task_id,
            actor=caller.name,
            report=report,
            register=False,
            encoded=encoded,
        )


__all__ = [
    "Composed",
    "Composition",
    "Document",
    "DocumentChange",
    "DocumentNotFound",
    "Gone",
    "Hangings",
    "Job",
    "JobChange",
    "Leaf",
    "NameTaken",
    "ResultGone",
    "Tree",
    "Trees",
    "Written",
]
