"""`/v1/tasks`: create, get, list, change, delete."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, get, patch, post

from farwork.domain import errors as e
from farwork.domain.values import instant
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer, encode, written
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, idempotency_of
from farwork.http.mistakes import Mistake
from farwork.http.native import examples
from farwork.http.native.paging import Cursor, TimePlace, bounded, link_to_next
from farwork.http.native.shards import check_indexes
from farwork.http.preconditions import etag_of, if_version
from farwork.http.query import query_of
from farwork.protocol.queries import JobTasksQuery, TaskFilterQuery, TaskQuery
from farwork.protocol.shapes import summary, whole
from farwork.protocol.tasks import TaskCreate, TaskOut, TaskPage, TaskPatch, TaskSummary
from farwork.service.access import Principal, Role
from farwork.service.ledger import Outcome
from farwork.service.queries import Page, Range, TaskFilter

TASKS_MAX = 10_000
TaskCreates = Annotated[list[TaskCreate], msgspec.Meta(min_length=1, max_length=TASKS_MAX)]

_create = msgspec.json.Decoder(TaskCreate)
_create_many = msgspec.json.Decoder(TaskCreates)
_patch = msgspec.json.Decoder(TaskPatch)

CREATE = Call(
    id="createTasks",
    summary="Create tasks",
    needs=Role.WORKER,
    body=(TaskCreate, TaskCreates),
    answer=(TaskSummary, TaskPage),
    status=201,
    example=examples.TASK_CREATE,
    answer_example=examples.TASK_SUMMARY,
    refusals=(e.TaskExists, e.InputNotFound, e.InputsFormACycle),
    idempotent=True,
)
LIST = Call(
    id="listTasks",
    summary="List tasks",
    needs=Role.VIEWER,
    query=TaskQuery,
    answer=TaskPage,
    answer_example=examples.TASK_PAGE,
    paged=True,
)
GET = Call(
    id="getTask",
    summary="Get a task",
    needs=Role.VIEWER,
    answer=TaskOut,
    answer_example=examples.TASK,
    refusals=(e.TaskNotFound,),
    versioned=True,
)
CHANGE = Call(
    id="changeTask",
    summary="Change a task",
    needs=Role.OPERATOR,
    body=TaskPatch,
    answer=TaskSummary,
    example={"priority": 10, "metadata": {"note": "before the others", "obsolete": None}},
    answer_example=examples.TASK_SUMMARY,
    refusals=(e.TaskNotFound,),
    versioned=True,
    conditional=True,
)
DELETE = Call(
    id="deleteTask",
    summary="Delete a task",
    needs=Role.OPERATOR,
    answer=None,
    status=204,
    refusals=(e.TaskNotFound, e.TaskUnderHold),
    conditional=True,
)


@post("/", status_code=201, opt=described(CREATE))
async def create_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """Create one task, or (a JSON list) several: all of them or none.

    A list is answered with a list. A worker may create tasks that belong to a job; whoever may
    submit tasks may create any.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, CREATE.query)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    single = raw.lstrip()[:1] != b"["
    if single and len(raw) > context.config.single_body_bytes_max:
        raise body.too_large(context.config.single_body_bytes_max)
    wanted = [body.decode(raw, _create)] if single else body.decode(raw, _create_many)
    _check_shards(wanted, single=single)
    _check_callbacks(context, wanted, single=single)

    def render(outcomes: list[Outcome]) -> tuple[int, bytes]:
        items = [summary(o.task) for o in outcomes if o.task is not None]
        return 201, encode(items[0] if single else TaskPage(items, None))

    done = await context.tasks.create(caller, wanted, idempotency_of(request, raw, render))
    if done.stored is not None:
        return asked_again(done.stored)
    return written(render(done.outcomes)[1], status=201)


def _check_shards(wanted: list[TaskCreate], *, single: bool) -> None:
    """Refuse shards that share an index."""
    problems: list[Mistake] = []
    for place, task in enumerate(wanted):
        problems += check_indexes(task.shards, "" if single else f"/{place}")
    if problems:
        raise body.invalid(problems)


def _check_callbacks(context: Context, wanted: list[TaskCreate], *, single: bool) -> None:
    """Refuse callbacks that could not be sent, or that nobody could tell from anybody's."""
    problems: list[Mistake] = []
    for place, task in enumerate(wanted):
        if task.callback is None:
            continue
        prefix = f"{'' if single else f'/{place}'}/callback"
        said = task.callback
        found = context.hooks.faults(said.url, said.secret)
        if said.secret is None and said.token is None:
            found.append(("", "must have a secret, a token, or both"))
        problems += [(f"{prefix}{pointer}", detail) for pointer, detail in found]
    if problems:
        raise body.invalid(problems)


@get("/", opt=described(LIST))
async def list_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the project's tasks, without their params, metadata and extensions."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, TaskQuery)
    return await task_page(request, context, caller, query, query.job_id)


async def task_page(
    request: AnyRequest,
    context: Context,
    caller: Principal,
    query: JobTasksQuery,
    job_id: str | None,
) -> Response[bytes]:
    """A page of the tasks that a query means."""
    order = f"{query.order}.{query.direction}"
    after = Cursor.read(query.cursor, order, TimePlace)
    at = Page(bounded(query.limit), query.order, query.direction == "desc", after)
    tasks, last = await context.tasks.page(caller, filter_of(query, job_id), at)
    cursor = Cursor.write(order, last)
    page = TaskPage([summary(task) for task in tasks], cursor)
    return answer(page, headers=link_to_next(request, cursor))


def filter_of(query: TaskFilterQuery, job_id: str | None = None) -> TaskFilter:
    """The filter that a query asks for."""
    return TaskFilter(
        states=tuple(dict.fromkeys(state.value for state in query.state)),
        reasons=query.reason,
        kinds=query.kind,
        queues=query.queue,
        job_id=job_id,
        labels=labels_of(query.label),
        creator=query.creator,
        external_ref=query.external_ref,
        created=_range(query.created_after, query.created_before),
        updated=_range(query.updated_after, query.updated_before),
        completed=_range(query.completed_after, query.completed_before),
        archived={"false": False, "true": True, "any": None}[query.archived],
    )


def labels_of(given: list[str]) -> dict[str, str]:
    """The labels of `key=value` parameters."""
    labels: dict[str, str] = {}
    for one in given:
        key, _, value = one.partition("=")
        if labels.setdefault(key, value) != value:
            said = f"no task has both {key}={labels[key]} and {one}"
            raise body.bad_request([("query:label", said)])
    return labels


def _range(after: datetime | None, before: datetime | None) -> Range:
    return Range(
        None if after is None else instant(after), None if before is None else instant(before)
    )


@get("/{task_id:str}", opt=described(GET))
async def get_task(request: AnyRequest, context: Context) -> Response[bytes]:
    """A task, whole. Its results are fetched beside it."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, GET.query)
    task, details = await context.tasks.get(caller, name_in(request, "task_id"))
    return answer(whole(task, details), headers={"ETag": etag_of(task.version)})


@patch("/{task_id:str}", opt=described(CHANGE))
async def change_task(request: AnyRequest, context: Context) -> Response[bytes]:
    """Change what a task says of itself; with `If-Match` only if it has that version.

    Reports do not change any more what an operator has said.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, CHANGE.query)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _patch)
    outcome = await context.tasks.change(
        caller, name_in(request, "task_id"), said, if_version(request)
    )
    assert outcome.task is not None
    headers = {"ETag": etag_of(outcome.task.version)}
    return answer(summary(outcome.task), headers=headers)


@delete("/{task_id:str}", opt=described(DELETE))
async def delete_task(request: AnyRequest, context: Context) -> None:
    """Remove a task, its results and its events for good; with `If-Match` only that version."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, DELETE.query)
    await context.tasks.delete(caller, name_in(request, "task_id"), if_version(request))


def router() -> Router:
    """The routes of tasks."""
    handlers: list[Any] = [create_tasks, list_tasks, get_task, change_task, delete_task]
    return Router("/v1/tasks", route_handlers=handlers)
