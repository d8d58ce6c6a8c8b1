"""`/v1/jobs`: groups of tasks."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, patch, post
from msgspec import UNSET, structs

from farwork.domain import errors as e
from farwork.domain.values import TaskState, moment
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer, encode, written
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, once_of
from farwork.http.native import examples
from farwork.http.native.paging import Cursor, JobPlace, bounded, link_to_next
from farwork.http.native.tasks import task_page
from farwork.http.preconditions import etag_of, if_version
from farwork.http.query import query_of
from farwork.protocol.jobs import JobCounts, JobCreate, JobOut, JobPage, JobPatch
from farwork.protocol.queries import JobDeleteQuery, JobsQuery, JobTasksQuery, NoQuery
from farwork.protocol.tasks import TaskPage
from farwork.service.access import Role
from farwork.service.jobs import Job, JobStanding, JobSum
from farwork.service.ledger import StoredAnswer

_create = msgspec.json.Decoder(JobCreate)
_patch = msgspec.json.Decoder(JobPatch)
_ORDER = "jobs.created.desc"

CREATE = Call(
    id="createJob",
    summary="Create a job",
    needs=Role.OPERATOR,
    body=JobCreate,
    answer=JobOut,
    status=201,
    example={"id": "sweep-3", "name": "learning rates", "labels": {"team": "vision"}},
    answer_example=examples.JOB,
    refusals=(e.JobExists, e.JobParentNotFound, e.JobsTooDeep),
    idempotent=True,
)
LIST = Call(
    id="listJobs",
    summary="List jobs",
    needs=Role.VIEWER,
    query=JobsQuery,
    answer=JobPage,
    answer_example={"items": [examples.JOB], "next_cursor": None},
    paged=True,
)
GET = Call(
    id="getJob",
    summary="Get a job",
    needs=Role.VIEWER,
    answer=JobOut,
    answer_example=examples.JOB,
    refusals=(e.JobNotFound,),
    versioned=True,
)
CHANGE = Call(
    id="changeJob",
    summary="Change a job",
    needs=Role.OPERATOR,
    body=JobPatch,
    answer=JobOut,
    example={"name": "learning rates, again"},
    answer_example=examples.JOB,
    refusals=(e.JobNotFound, e.JobParentNotFound, e.JobsTooDeep),
    versioned=True,
    conditional=True,
)
DELETE = Call(
    id="deleteJob",
    summary="Delete a job",
    needs=Role.OPERATOR,
    query=JobDeleteQuery,
    answer=None,
    status=204,
    refusals=(e.JobNotFound, e.JobNotEmpty),
    conditional=True,
)
TASKS = Call(
    id="listJobTasks",
    summary="List the tasks of a job",
    needs=Role.VIEWER,
    query=JobTasksQuery,
    answer=TaskPage,
    answer_example=examples.TASK_PAGE,
    refusals=(e.JobNotFound,),
    paged=True,
)


def job_out(standing: JobStanding) -> JobOut:
    """A job on the wire."""
    job, total = standing.job, standing.sum
    counts = {task_state.value: total.counts[task_state] for task_state in TaskState}
    return JobOut(
        id=job.id,
        project=job.project,
        name=job.name,
        parent_id=job.parent_id,
        state=standing.state,
        counts=JobCounts(**counts),
        counts_complete=total.complete,
        tasks=total.counts.total(),
        jobs=total.jobs,
        labels=job.labels,
        metadata=job.metadata,
        creator=job.creator,
        created_at=moment(job.created_at),
        updated_at=moment(job.updated_at),
        version=job.version,
    )


@post("/", status_code=201, opt=described(CREATE))
async def create_job(request: AnyRequest, context: Context) -> Response[bytes]:
    """Create a job. It need not be created: a job comes into being with its first task."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _create)

    def render(job: Job) -> tuple[int, bytes]:
        return 201, encode(job_out(JobStanding(job, JobSum())))

    made = await context.jobs.create(caller, said, once_of(request, raw, render))
    if isinstance(made, StoredAnswer):
        return asked_again(made)
    return written(render(made)[1], status=201)


@get("/", opt=described(LIST))
async def list_jobs(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the project's jobs, newest first, each with how its tasks stand."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, JobsQuery)
    jobs, last = await context.jobs.page(
        caller,
        parent_id=query.parent_id,
        after=Cursor.read(query.cursor, _ORDER, JobPlace),
        limit=bounded(query.limit),
    )
    cursor = Cursor.write(_ORDER, last)
    page = JobPage([job_out(standing) for standing in jobs], cursor)
    return answer(page, headers=link_to_next(request, cursor))


@get("/{job_id:str}", opt=described(GET))
async def get_job(request: AnyRequest, context: Context) -> Response[bytes]:
    """A job, its state and counts taken together from its tasks and the jobs inside it."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    standing = await context.jobs.get(caller, name_in(request, "job_id"))
    return answer(job_out(standing), headers={"ETag": etag_of(standing.job.version)})


@patch("/{job_id:str}", opt=described(CHANGE))
async def change_job(request: AnyRequest, context: Context) -> Response[bytes]:
    """Change what a job says of itself; with `If-Match` only if it has that version."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    patched = structs.asdict(body.decode(raw, _patch))
    said = {name: value for name, value in patched.items() if value is not UNSET}
    standing = await context.jobs.change(
        caller, name_in(request, "job_id"), said, if_version(request)
    )
    return answer(job_out(standing), headers={"ETag": etag_of(standing.job.version)})


@delete("/{job_id:str}", opt=described(DELETE))
async def delete_job(request: AnyRequest, context: Context) -> None:
    """Remove a job that holds nothing or, `with_tasks=true`, all that is in it with it."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, JobDeleteQuery)
    await context.jobs.delete(
        caller,
        name_in(request, "job_id"),
        with_tasks=query.with_tasks == "true",
        if_version=if_version(request),
    )


@get("/{job_id:str}/tasks", opt=described(TASKS))
async def list_job_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the tasks of a job; those of the jobs inside it are listed there."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, JobTasksQuery)
    job_id = name_in(request, "job_id")
    await context.jobs.get(caller, job_id)
    return await task_page(request, context, caller, query, job_id)


def router() -> Router:
    """The routes of jobs."""
    handlers: list[Any] = [create_job, list_jobs, get_job, change_job, delete_job, list_job_tasks]
    return Router("/v1/jobs", route_handlers=handlers)
