"""`/v1/tasks/{id}/...`: what hangs on a task, why it stands where it stands, and waiting for it."""

import asyncio
from typing import Any

from litestar import Response, Router, get

from farwork.domain import errors as e
from farwork.domain.task import Task
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native import examples, shards
from farwork.http.native.paging import (
    Cursor,
    ResultPlace,
    ShardPlace,
    bounded,
    link_to_next,
)
from farwork.http.preconditions import etag_of
from farwork.http.query import query_of
from farwork.protocol.events import EventPage
from farwork.protocol.parts import AttemptList, Explanation, Graph, ResultPage, ShardPage
from farwork.protocol.queries import (
    GraphQuery,
    NoQuery,
    ResultsQuery,
    ShardsQuery,
    TaskEventsQuery,
    WaitQuery,
)
from farwork.protocol.shapes import summary
from farwork.protocol.tasks import TaskWaited
from farwork.service.access import Principal, Role


def _reading(id_: str, title: str, shape: Any, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"needs": Role.VIEWER, "refusals": (e.TaskNotFound,)} | more
    return described(Call(id=id_, summary=title, answer=shape, **given))


@get(
    "/events",
    opt=_reading(
        "listTaskEvents",
        "List what happened to a task",
        EventPage,
        query=TaskEventsQuery,
        answer_example=examples.EVENT_PAGE,
        paged=True,
    ),
)
async def list_events(request: AnyRequest, context: Context) -> Response[bytes]:
    """The events of a task, oldest first (or newest, with `direction=desc`).

    Go on with `after` = `next_after` until no more come.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, TaskEventsQuery)
    limit = bounded(query.limit)
    page = await context.queries.events(
        caller,
        name_in(request, "task_id"),
        after=query.after,
        limit=limit,
        descending=query.direction == "desc",
    )
    more = str(page.next_after) if len(page.items) == limit else None
    return answer(page, headers=link_to_next(request, more, "after"))


@get(
    "/attempts",
    opt=_reading(
        "listTaskAttempts",
        "List the attempts at a task",
        AttemptList,
        answer_example=examples.ATTEMPT_LIST,
    ),
)
async def list_attempts(request: AnyRequest, context: Context) -> Response[bytes]:
    """Every attempt at a task, oldest first; the present one is the last."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    found = await context.queries.attempts(caller, name_in(request, "task_id"))
    return answer(AttemptList(found))


@get(
    "/results",
    opt=_reading(
        "listTaskResults",
        "List the results of a task",
        ResultPage,
        query=ResultsQuery,
        answer_example=examples.RESULT_PAGE,
        paged=True,
    ),
)
async def list_results(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of results: the present attempt's own, then late ones, then earlier attempts'."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, ResultsQuery)
    order = f"results.{query.attempt or 'every'}"
    found, last = await context.queries.results(
        caller,
        name_in(request, "task_id"),
        attempt=query.attempt,
        after=Cursor.read(query.cursor, order, ResultPlace),
        limit=bounded(query.limit),
    )
    cursor = Cursor.write(order, last)
    return answer(ResultPage(found, cursor), headers=link_to_next(request, cursor))


@get(
    "/shards",
    opt=_reading(
        "listTaskShards",
        "List the shards of a task",
        ShardPage,
        query=ShardsQuery,
        answer_example=examples.SHARD_PAGE,
        paged=True,
    ),
)
async def list_shards(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of shards by index; with `results=true` what each of them gave."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, ShardsQuery)
    place = Cursor.read(query.cursor, "shards", ShardPlace)
    found, last = await context.queries.shards(
        caller,
        name_in(request, "task_id"),
        with_results=query.results == "true",
        after=-1 if place is None else place[0],
        limit=bounded(query.limit),
    )
    cursor = Cursor.write("shards", None if last is None else (last,))
    return answer(ShardPage(found, cursor), headers=link_to_next(request, cursor))


@get(
    "/graph",
    opt=_reading(
        "getTaskGraph",
        "See what a task waits for, and what waits for it",
        Graph,
        query=GraphQuery,
        answer_example=examples.GRAPH,
    ),
)
async def get_graph(request: AnyRequest, context: Context) -> Response[bytes]:
    """The tasks around a task along their inputs, nearest first, up to a depth and a number."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, GraphQuery)
    graph = await context.queries.graph(
        caller,
        name_in(request, "task_id"),
        direction=query.direction,
        depth=query.depth,
        limit=query.limit,
    )
    return answer(graph)


@get(
    "/explain",
    opt=_reading(
        "explainTask",
        "See why a task stands where it stands",
        Explanation,
        answer_example=examples.EXPLANATION,
    ),
)
async def explain_task(request: AnyRequest, context: Context) -> Response[bytes]:
    """What will move a task, or what ended it: in words for people, in data for programs."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(await context.explainer.explain(caller, name_in(request, "task_id")))


@get(
    "/wait",
    opt=_reading(
        "waitForTask",
        "Wait for a task",
        TaskWaited,
        query=WaitQuery,
        answer_example={"met": True, "task": examples.TASK_SUMMARY},
        versioned=True,
    ),
)
async def wait_for_task(request: AnyRequest, context: Context) -> Response[bytes]:
    """Answer when the task has ended, or is in one of the given states, or beyond a version.

    When `wait` seconds are over first, the answer says `met: false`; then ask again.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, WaitQuery)
    met, task = await _wait(context, caller, name_in(request, "task_id"), query)
    return answer(TaskWaited(met, summary(task)), headers={"ETag": etag_of(task.version)})


def _is_met(task: Task, query: WaitQuery) -> bool:
    if query.after_version is not None and not query.state:
        return task.version > query.after_version
    met = task.state in query.state if query.state else task.is_final
    return met and (query.after_version is None or task.version > query.after_version)


async def _wait(
    context: Context, caller: Principal, task_id: str, query: WaitQuery
) -> tuple[bool, Task]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + query.wait
    # Whoever need not wait need not be told.
    task = await context.queries.task(caller, task_id)
    if _is_met(task, query) or query.wait <= 0:
        return _is_met(task, query), task
    async with context.watch.of(caller.project, task_id) as watched:
        while True:
            task = await context.queries.task(caller, task_id)
            left = deadline - loop.time()
            if _is_met(task, query) or left <= 0 or not context.hub.is_open:
                return _is_met(task, query), task
            await watched.next(left)


def router() -> Router:
    """The routes of what hangs on tasks."""
    handlers: list[Any] = [
        list_events,
        list_attempts,
        list_results,
        list_shards,
        get_graph,
        explain_task,
        wait_for_task,
        *shards.handlers(),
    ]
    return Router("/v1/tasks/{task_id:str}", route_handlers=handlers)
