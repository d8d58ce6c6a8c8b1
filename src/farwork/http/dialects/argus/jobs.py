"""The routes of jobs, of the tasks in them, and of samples that are analysed again."""

from contextlib import suppress
from typing import Any, TypeAlias

from litestar import Response, get, post, put
from litestar.params import FromPath

from farwork import clock
from farwork.domain.commands import Command
from farwork.domain.errors import TaskExists, VersionMismatch
from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context, UseCases
from farwork.http.dialects.argus import answers, asking, translate, wire
from farwork.http.dialects.argus.asking import Flawed, Refused, id_of
from farwork.http.dialects.argus.callers import caller_of
from farwork.service.access import Principal, Role
from farwork.service.job_searches import FoundJob, FoundJobs, JobQuery, TaskInJob
from farwork.service.trees import Composition, Document, DocumentChange, Job, NameTaken

TRIES_MAX = 8
JobId: TypeAlias = FromPath[str]
TaskId: TypeAlias = FromPath[str]


@get("/job")
async def list_jobs(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    said = asking.query_of(request.scope["query_string"], wire.JobsQuery)
    wanted = translate.query_of(said, caller.project, context.ledger.now(), "-enqueuedTimestamp")
    return await _found(context, caller, wanted, said)


@post("/job/search", status_code=200)
async def search_jobs(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    said = asking.body_of(await _raw(request, context), wire.JobSearch)
    wanted = translate.query_of(said, caller.project, context.ledger.now(), "enqueuedTimestamp")
    return await _found(context, caller, wanted, said)


async def _found(
    context: UseCases,
    caller: Principal,
    wanted: JobQuery | None,
    said: wire.JobsQuery | wire.JobSearch,
) -> Response[Any]:
    found = FoundJobs()
    if wanted is not None:
        found = await context.job_searches.search(caller, wanted)
    jobs = [translate.job_from(one) for one in found.jobs]
    return answers.page(jobs, said.limit, said.offset, found.total)


@get("/job/{job_id:str}")
async def get_job(request: AnyRequest, context: Context, job_id: JobId) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    return answers.one(translate.job_from(await context.job_searches.get(caller, id_of(job_id))))


@get("/job/{job_id:str}/tasks")
async def list_tasks(request: AnyRequest, context: Context, job_id: JobId) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    place = id_of(job_id)
    await context.job_searches.get(caller, place)
    said = asking.query_of(request.scope["query_string"], wire.TasksQuery)
    tasks, total = await context.job_searches.tasks(
        caller,
        place,
        translate.task_order(said.sortBy),
        said.limit or None,
        said.offset,
        translate.ANALYSES,
    )
    shown = [translate.task_from(one) for one in tasks]
    return answers.page(shown, said.limit, said.offset, total)


@get("/job/{job_id:str}/task/{task_id:str}")
async def get_task(
    request: AnyRequest, context: Context, job_id: JobId, task_id: TaskId
) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    found = await _task(context, caller, id_of(job_id), id_of(task_id))
    return answers.one(translate.task_from(found))


async def _task(context: UseCases, caller: Principal, job_id: str, task_id: str) -> TaskInJob:
    return await context.job_searches.task(caller, job_id, task_id, translate.ANALYSES)


# --- adding ---


@post("/job/{job_id:str}/task", status_code=201)
async def add_task(request: AnyRequest, context: Context, job_id: JobId) -> Response[Any]:
    caller = await caller_of(request, context, Role.WORKER)
    found = await context.job_searches.get(caller, id_of(job_id))
    said = asking.body_of(await _raw(request, context), wire.TaskAdd)
    worker = translate.worker_of(said)
    job = found.job
    known = await context.job_searches.in_queue(caller, job.id, worker)
    if known is None:
        if found.standing == "overdue":
            raise Refused(412, "The job's time has run out; it takes no further tasks.")
        known = await _add(context, caller, found, worker, said.state)
    task = await _task(context, caller, job.id, known)
    return answers.one(translate.task_from(task), 201)


async def _add(
    context: UseCases, caller: Principal, found: FoundJob, worker: str, state: wire.AddedState
) -> str:
    """Give a worker its task in a job; whoever asks at the same time gets the same."""
    job, was_done = found.job, found.standing == "done"
    now = context.ledger.now()
    created = translate.creation(job.id, worker, caller.name, now)
    commands: list[Command] = [created]
    if state != "enqueued":
        said = translate.report_of(created.task, state, None, None, now)
        commands.append(context.trees.report(caller, said))
    with suppress(TaskExists):
        await context.job_searches.write(
            caller,
            commands,
            job=job,
            limit_seconds=context.config.argus_job_seconds_max,
            was_done=was_done,
        )
    return created.task_id


# --- what becomes of a task ---


@put("/job/{job_id:str}/task/{task_id:str}")
async def update_task(
    request: AnyRequest, context: Context, job_id: JobId, task_id: TaskId
) -> Response[Any]:
    caller = await caller_of(request, context, Role.WORKER)
    place = (id_of(job_id), id_of(task_id))
    await _task(context, caller, *place)
    said = asking.body_of(await _raw(request, context), wire.TaskPut)
    analyses = translate.analyses_in(said)
    for _ in range(TRIES_MAX):
        found = await _task(context, caller, *place)
        if translate.says_nothing_new(found, said.state, said.message, analyses):
            return answers.one(translate.task_from(found))
        if not translate.takes(found.task, said.state):
            ended = translate.state_of(found.task)
            raise Flawed([("state", f"cannot be {said.state}: the task has ended as {ended}")])
        report = translate.report_of(
            found.task, said.state, said.message, analyses, context.ledger.now()
        )
        command = context.trees.report(caller, report)
        command.if_version = found.task.version
        try:
            await context.job_searches.write(caller, [command])
        except VersionMismatch:
            continue
        return answers.one(translate.task_from(await _task(context, caller, *place)))
    raise Refused(409, "The task is changed too often at present; try again.")


# --- samples ---


@put("/sample/{sha256:str}/reanalyse")
async def reanalyse(request: AnyRequest, context: Context, sha256: FromPath[str]) -> Response[Any]:
    caller = await caller_of(request, context, Role.WORKER)
    sample = asking.sha256_of(sha256)
    for _ in range(TRIES_MAX):
        note = await context.trees.document(caller, translate.NAME, [translate.REANALYSIS], sample)
        job_id = await _open_job(context, caller, note)
        try:
            if job_id is None:
                job_id = await _begin(context, caller, sample, note)
        except (NameTaken, VersionMismatch):
            continue
        return answers.one(translate.job_from(await context.job_searches.get(caller, job_id)))
    raise Refused(409, "The sample is asked for too often at present; try again.")


async def _open_job(context: UseCases, caller: Principal, note: Document | None) -> str | None:
    """The job that was begun for a sample and has not ended: whoever asks again gets it."""
    if note is None:
        return None
    known = await context.job_searches.search(
        caller, JobQuery(["waiting", "running"], [(translate.SAMPLE, note.id)], limit=None)
    )
    ids = [found.job.id for found in known.jobs]
    return note.body["job_id"] if note.body["job_id"] in ids else None


async def _begin(context: UseCases, caller: Principal, sample: str, note: Document | None) -> str:
    """Make a job for a sample, with a task for every registered worker."""
    now = context.ledger.now()
    job = Job(
        project=caller.project,
        id=clock.uuid7(now),
        name=f"analysis of {sample[:12]}",
        parent_id=None,
        labels={translate.SAMPLE: sample},
        metadata={},
        creator=caller.name,
        created_at=now,
        updated_at=now,
        version=1,
    )
    workers = await context.trees.documents(caller, translate.NAME, translate.WORKER)
    names = [one.name for one in workers if one.name is not None]
    commands = [translate.creation(job.id, name, caller.name, now) for name in names]
    what = Composition(caller.project, caller.name, jobs=[job], begun={job.id})
    if note is None:
        document = Document(
            project=caller.project,
            dialect=translate.NAME,
            kind=translate.REANALYSIS,
            id=sample,
            name=sample,
            body={"job_id": job.id},
            creator=caller.name,
            created_at=now,
            updated_at=now,
        )
        what.documents.append(document)
    else:
        note.body = {"job_id": job.id}
        what.document_changes.append(DocumentChange(note, note.version))
    await context.job_searches.write(
        caller,
        commands,
        what,
        job=job,
        limit_seconds=context.config.argus_job_seconds_max,
    )
    return job.id


async def _raw(request: AnyRequest, context: UseCases) -> bytes:
    return await body.read(request, context.config.single_body_bytes_max)


CALLS: list[Any] = [
    list_jobs, search_jobs, get_job, list_tasks, get_task, add_task, update_task, reanalyse,
]  # fmt: skip
