"""What is written beside tasks in one transaction with them: jobs and documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, delete, select

from farwork.clock import Now
from farwork.domain.values import Json
from farwork.storage import document_store, job_store
from farwork.storage import tables as t
from farwork.storage.document_store import Document
from farwork.storage.job_reader import Job
from farwork.storage.statements import Statements
from farwork.storage.writes import Work


@dataclass(slots=True, frozen=True)
class JobChange:
    """What a job says of itself from now on; `metadata` is merged key by key."""

    job_id: str
    said: Mapping[str, Json]
    if_version: int | None = None


@dataclass(slots=True, frozen=True)
class DocumentChange:
    """A document with another name, parent or body."""

    document: Document
    if_version: int | None = None


@dataclass(slots=True, frozen=True)
class Gone:
    """Documents of one kind that are removed: by their ids, and by what they hang on."""

    dialect: str
    kind: str
    ids: Sequence[str] = ()
    parents: Sequence[str] = ()


@dataclass(slots=True, frozen=True)
class ResultGone:
    """A result of a task, by its name, that is removed."""

    task_id: str
    name: str


@dataclass(slots=True)
class Composition:
    """Jobs and documents that come, change and go together.

    Jobs come outwards first and go inwards first. `begun` names those of the new jobs that come
    into being with tasks of the same transaction. Without `is_told`, the audit trail does not tell
    of documents that come and change: they are what a worker says of its task.
    """

    project: str
    actor: str
    is_told: bool = True
    jobs: list[Job] = field(default_factory=list[Job])
    begun: set[str] = field(default_factory=set[str])
    job_changes: list[JobChange] = field(default_factory=list[JobChange])
    jobs_gone: list[str] = field(default_factory=list[str])
    documents: list[Document] = field(default_factory=list[Document])
    document_changes: list[DocumentChange] = field(default_factory=list[DocumentChange])
    documents_gone: list[Gone] = field(default_factory=list[Gone])
    results_gone: list[ResultGone] = field(default_factory=list[ResultGone])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (
            self.jobs
            or self.job_changes
            or self.jobs_gone
            or self.documents
            or self.document_changes
            or self.documents_gone
            or self.results_gone
        )


@dataclass(slots=True)
class Composed:
    """Jobs and documents as they were written, by id."""

    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    documents: dict[str, Document] = field(default_factory=dict[str, Document])


def composing(what: Composition) -> Work:
    """Write it all. Raises what the single changes are refused with."""

    def work(
        connection: Connection, statements: Statements, tick: Now
    ) -> tuple[Composed, int | None]:
        done = Composed()
        head: int | None = None
        for work in _job_works(what):
            job, head = work(connection, statements, tick)
            if isinstance(job, Job):
                done.jobs[job.id] = job
        for document in what.documents:
            done.documents[document.id] = document_store.add(connection, document)
        for change in what.document_changes:
            after = document_store.change(connection, change.document, tick(), change.if_version)
            done.documents[after.id] = after
        for gone in what.documents_gone:
            here = (what.project, gone.dialect, gone.kind)
            document_store.remove(connection, *here, gone.ids)
            document_store.remove_under(connection, *here, gone.parents)
        for result in what.results_gone:
            _remove_result(connection, what.project, result)
        return done, head

    return work


def _remove_result(connection: Connection, project: str, gone: ResultGone) -> None:
    tasks, results = t.tasks.c, t.results.c
    here = and_(tasks.project == project, tasks.id == gone.task_id)
    key = select(tasks.pk).where(here).scalar_subquery()
    connection.execute(delete(t.results).where(results.task_pk == key, results.name == gone.name))


def _job_works(what: Composition) -> list[Work]:
    created = [job_store.creating(job, begun=job.id in what.begun) for job in what.jobs]
    changed = [
        job_store.changing(
            what.project, one.job_id, one.said, actor=what.actor, if_version=one.if_version
        )
        for one in what.job_changes
    ]
    gone = [
        job_store.deleting(what.project, job_id, actor=what.actor, if_version=None)
        for job_id in what.jobs_gone
    ]
    return [*created, *changed, *gone]
