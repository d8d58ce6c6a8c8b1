"""Between our jobs, tasks and operations and Argus's; pure. Its names stop here."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID, uuid5
from zlib import crc32

from msgspec import UNSET

from farwork.domain.commands import CreateTask, Details
from farwork.domain.task import IDENTITY_FIELDS, Task
from farwork.domain.values import Instant, Json, SettledBy, TaskState, moment
from farwork.http.dialects.argus import wire
from farwork.http.dialects.argus.asking import Flawed, id_of
from farwork.http.dialects.argus.times import NotATime, time_of
from farwork.protocol.reports import ErrorIn, ReportIn, ResultIn
from farwork.service.job_searches import (
    MOMENTS,
    FoundJob,
    JobQuery,
    Moment,
    Standing,
    TaskInJob,
)
from farwork.service.operations import OperationRow
from farwork.service.trees import Document

NAME = "argus"
WORKER, REANALYSIS = "worker", "reanalysis"
"""The documents that this dialect keeps."""
KIND = "analysis"
"""What a task does that was made here."""
SAMPLE = "sha256"
"""The label by which the jobs of a sample are found."""
SIZE = "size_bytes"
ANALYSES = "analyses"
"""The result in which a task keeps the ids of its analyses."""
TIMEOUT = "timeout"
_SPACE = UUID("5ed6ba24-1b46-5f68-9f0e-0c8f10b1c4a7")
_MS = 1_000

_JOB_STATES: dict[Standing, wire.JobState] = {
    "waiting": "enqueued",
    "running": "executing",
    "done": "done",
    "overdue": "timeout",
}
_STANDINGS: dict[wire.JobState, Standing] = {w: standing for standing, w in _JOB_STATES.items()}
_MOMENTS: dict[str, Moment] = {
    "enqueuedTimestamp": "created",
    "startTimestamp": "started",
    "endTimestamp": "ended",
}
_TASK_STATES: dict[TaskState, wire.TaskState] = {
    TaskState.CREATED: "enqueued",
    TaskState.BLOCKED: "enqueued",
    TaskState.QUEUED: "enqueued",
    TaskState.RUNNING: "executing",
    TaskState.SUCCEEDED: "success",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}
_STATES: dict[wire.PutState, TaskState] = {
    "executing": TaskState.RUNNING,
    "success": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.CANCELLED,
}
_TASK_ORDERS = {
    "worker": "queue",
    "state": "standing",
    "enqueuedTimestamp": "queued",
    "startTimestamp": "started",
    "endTimestamp": "completed",
}


# --- from them to us ---


def query_of(
    said: wire.JobSearch | wire.JobsQuery, project: str, now: Instant, default: str
) -> JobQuery | None:
    """Which jobs are looked for; None: none can be. Raises `Flawed`."""
    order = [_ordered(one) for one in said.sortBy or [default]]
    limit = said.limit or None
    standings: list[Standing] = [_STANDINGS[state] for state in said.state]
    if isinstance(said, wire.JobsQuery):
        return JobQuery(standings, order=order, limit=limit, offset=said.offset)
    if said.customer and not _is_customer(said.customer, project):
        return None
    every = not said.timeFieldStrategy or "all" in said.timeFieldStrategy
    moments: list[Moment] = [_MOMENTS[f] for f in said.timeFieldStrategy if f != "all"]
    return JobQuery(
        standings,
        [(SAMPLE, one.lower()) for one in said.sampleSha256],
        window_of(said.startTimestamp, said.endTimestamp, now),
        MOMENTS if every else moments,
        said.timeMatchStrategy == "all",
        order,
        limit,
        said.offset,
    )


def window_of(
    start: int | str | None, end: int | str | None, now: Instant
) -> tuple[Instant | None, Instant | None]:
    """The span of a search, both ends included to their last microsecond. Raises `Flawed`."""
    found: list[Instant | None] = []
    flaws: list[tuple[str, str]] = []
    for field, said in (("startTimestamp", start), ("endTimestamp", end)):
        try:
            found.append(None if said is None else time_of(said, now))
        except NotATime as error:
            flaws.append((field, str(error)))
    if flaws:
        raise Flawed(flaws)
    first, last = found
    if last is not None and last % _MS == 0:
        last += _MS - 1
    return first, last


def _ordered(said: str) -> tuple[str, bool]:
    name = said.removeprefix("-")
    return ("standing" if name == "state" else _MOMENTS[name]), said.startswith("-")


def _is_customer(said: Sequence[str | int], project: str) -> bool:
    names = {project.lower(), str(number_of(project))}
    return any(str(one).lower() in names for one in said)


def task_order(said: Sequence[str]) -> list[tuple[str, bool]]:
    """The order of a job's tasks."""
    return [
        (_TASK_ORDERS[one.removeprefix("-")], one.startswith("-")) for one in said or ["worker"]
    ]


def task_id_of(job_id: str, worker: str) -> str:
    """The id of the one task that a worker has in a job."""
    return str(uuid5(_SPACE, f"{job_id}\0{worker}"))


def worker_of(said: wire.TaskAdd) -> str:
    """The worker that a new task names. Raises `Flawed`."""
    worker = said.worker if said.worker is not UNSET else said.analyzerName
    if worker is UNSET:
        raise Flawed([("worker", "is missing; it must be the name of a worker")])
    return worker


def creation(job_id: str, worker: str, actor: str, now: Instant) -> CreateTask:
    """The command that gives a worker its task in a job."""
    task_id = task_id_of(job_id, worker)
    task = Task(
        project="",
        id=task_id,
        created_at=now,
        updated_at=now,
        kind=KIND,
        name=worker,
        queue=worker,
        job_id=job_id,
        creator=actor,
        pinned=frozenset(IDENTITY_FIELDS),
    )
    return CreateTask(task_id=task_id, actor=actor, task=task, details=Details())


def analyses_in(said: wire.TaskPut) -> list[str] | None:
    """The analyses that are named, each once; None: nothing is said of them."""
    given = said.analyses
    if given is None and said.analysisID is None:
        return None
    listed = [given] if isinstance(given, str) else list(given or [])
    if said.analysisID is not None:
        listed.append(said.analysisID)
    return list(dict.fromkeys(id_of(one) for one in listed))


def report_of(
    task: Task, state: wire.PutState, message: str | None, analyses: list[str] | None, now: Instant
) -> ReportIn:
    """The report that a worker makes of its task, later than all that is known of it."""
    at = moment(max(now, task.updated_at + 1))
    results: list[ResultIn] = []
    if analyses is not None:
        results.append(ResultIn(ANALYSES, "argus.analyses", analyses))
    return ReportIn(
        task_id=task.id,
        occurred_at=at,
        attempt=task.attempt,
        state=_STATES[state],
        reported_status=state,
        message=task.message if message is None else message,
        error=ErrorIn(KIND, message) if state == "failed" and message is not None else None,
        started_at=at if task.started_at is None and state != "cancelled" else None,
        results=results,
    )


def says_nothing_new(
    found: TaskInJob, state: wire.PutState, message: str | None, analyses: list[str] | None
) -> bool:
    """Whether a task is as it is said to be already."""
    task = found.task
    return (
        state_of(task) == state
        and message in (None, task.message)
        and analyses in (None, found.result)
    )


def takes(task: Task, state: wire.PutState) -> bool:
    """Whether a task may come to a state: one that has ended keeps its end.

    An end that we had concluded yields to the worker's own; and what a worker says of a task that
    an operator has ended is kept beside it.
    """
    if not task.is_final or state_of(task) == state:
        return True
    if state == "executing":
        return False
    return task.settled_by in (SettledBy.SERVER, SettledBy.SHARDS, SettledBy.OPERATOR)


# --- from us to them ---


def number_of(name: str) -> int:
    """The number of something that we know by its name."""
    return crc32(name.encode()) + 1


_DOMAIN = wire.Domain(1, "farwork")


def customer_from(project: str) -> wire.Customer:
    """A project as a customer."""
    return wire.Customer(number_of(project), project, project, _DOMAIN)


def user_from(name: str | None, project: str) -> wire.User:
    """Who did something."""
    shown = name or "system"
    return wire.User(number_of(shown), shown, shown, customer_from(project), _DOMAIN)


def _ms(at: Instant | None) -> int | None:
    return None if at is None else at // _MS


def job_from(found: FoundJob) -> wire.Job:
    """A job."""
    job = found.job
    sha256, size = job.labels.get(SAMPLE), job.metadata.get(SIZE)
    sized = size if isinstance(size, int) and not isinstance(size, bool) else None
    return wire.Job(
        id=job.id,
        state=_JOB_STATES[found.standing],
        analysedSample=None if sha256 is None else wire.Sample(sha256, sized),
        customer=customer_from(job.project),
        enqueuedTimestamp=job.created_at // _MS,
        startTimestamp=_ms(found.started_at),
        endTimestamp=_ms(found.ended_at),
    )


def state_of(task: Task) -> wire.TaskState:
    """The state of a task."""
    if task.state is TaskState.FAILED and task.reason == TIMEOUT:
        return "timeout"
    return _TASK_STATES[task.state]


def task_from(found: TaskInJob) -> wire.Task:
    """A task of a job."""
    task = found.task
    message = task.message
    if message is None and task.error is not None:
        message = task.error.message
    ids = cast("list[Json]", found.result) if isinstance(found.result, list) else []
    analyses = [wire.Analysis(one) for one in ids if isinstance(one, str)]
    return wire.Task(
        id=task.id,
        worker=task.queue,
        state=state_of(task),
        message=message,
        analyses=analyses,
        analysis=analyses[0] if analyses else None,
        enqueuedTimestamp=(task.queued_at or task.created_at) // _MS,
        startTimestamp=_ms(task.started_at),
        endTimestamp=_ms(task.completed_at),
    )


# --- workers ---


def worker_from(document: Document) -> wire.Worker:
    """A registered worker."""
    body = document.body
    names, texts = body["names"], body["descriptions"]
    changed = document.updated_at > document.created_at
    deleted_at: Instant | None = body.get("deleted_at")
    project = document.project
    return wire.Worker(
        id=document.id,
        shortName=body["short_name"],
        localizedName=names["english"],
        localizedNames=names,
        localizedDescription=texts.get("english"),
        localizedDescriptions=texts,
        flags=[] if deleted_at is None else ["deleted"],
        createdTimestamp=document.created_at // _MS,
        lastUpdatedTimestamp=document.updated_at // _MS if changed else None,
        deletedTimestamp=_ms(deleted_at),
        createdByUser=user_from(document.creator, project),
        lastUpdatedByUser=user_from(body.get("changed_by"), project) if changed else None,
        deletedByUser=None if deleted_at is None else user_from(body.get("changed_by"), project),
    )


def check_languages(names: dict[str, str] | None, texts: dict[str, str] | None) -> None:
    """Raises `Flawed` about languages that are not known, and without an english name."""
    flaws = [
        (f"{field}.{language}", f"is no language here; known are {', '.join(wire.LANGUAGES)}")
        for field, said in (("localizedNames", names), ("localizedDescriptions", texts))
        for language in said or {}
        if language not in wire.LANGUAGES
    ]
    if names is not None and "english" not in names:
        flaws.append(("localizedNames", "must have a name in english"))
    if flaws:
        raise Flawed(flaws)


# --- service tasks ---

ABORTED = "aborted"
"""How the error of an operation begins that somebody has aborted."""


def operation_from(row: OperationRow) -> wire.Operation:
    """A bulk operation as a service task."""
    state = operation_state(row)
    said = [wire.OperationMessage(row.error, row.updated_at // _MS)] if row.error else []
    return wire.Operation(
        id=row.id,
        correlationID=None,
        operation=row.verb,
        state=state,
        flags=[],
        createdTimestamp=row.created_at // _MS,
        executionTimestamp=row.created_at // _MS,
        finishedTimestamp=(row.completed_at or 0) // _MS,
        createdByUser=None if row.actor is None else user_from(row.actor, row.project),
        workerHost=None,
        parentTask=None,
        rootTask=wire.OperationRef(row.id, state),
        responseContext={
            "total": str(row.total), "done": str(row.done), "refused": str(row.refused),
        },
        responseMessages=said,
    )  # fmt: skip


def operation_state(row: OperationRow) -> str:
    """The state of a service task."""
    if row.state == "failed" and (row.error or "").startswith(ABORTED):
        return "aborted"
    return row.state
