"""Queues, workers, kinds and limits: what steers those who do the work."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, patch, put

from farwork.domain.values import moment
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native.paging import Cursor, Number, bounded, link_to_next
from farwork.http.query import query_of
from farwork.protocol.policies import policy_out
from farwork.protocol.queries import NoQuery, PageQuery
from farwork.protocol.shapes import when
from farwork.protocol.steering import (
    KindIn,
    KindList,
    KindOut,
    LabelLimitIn,
    LabelLimitList,
    LabelLimitOut,
    QueueOut,
    QueuePage,
    QueuePatch,
    WorkerOut,
    WorkerPage,
    WorkerPatch,
)
from farwork.service.access import Role
from farwork.service.kinds import KindNotFound
from farwork.service.steering import LabelLimitNotFound, QueueNotFound
from farwork.service.workforce import WorkerNotFound

_QUEUE = {
    "name": "gpu",
    "state": "active",
    "comment": None,
    "running_max": 8,
    "fair_by": "team",
    "tasks": {"queued": 12, "running": 8},
    "leases": 8,
    "drained": False,
    "oldest_queued_at": "2026-11-22T01:48:00Z",
    "updated_at": "2026-11-22T02:00:00Z",
    "updated_by": "ada",
}
_WORKER = {
    "name": "gpu-7-4711",
    "state": "active",
    "comment": None,
    "queues": ["gpu"],
    "labels": {"memory": "80g"},
    "leases": 1,
    "started_at": "2026-11-22T01:00:00Z",
    "seen_at": "2026-11-22T02:00:00Z",
}
_POLICY = {"retry": {"backoff_seconds": 5.0}, "limits": {"run_seconds": 21600.0}}
_KIND = {
    "name": "train",
    "attempts_max": 3,
    "policy": _POLICY,
    "updated_at": "2026-11-22T02:00:00Z",
    "updated_by": "ada",
}
_LIMIT = {
    "key": "licence",
    "running_max": 2,
    "updated_at": "2026-11-22T02:00:00Z",
    "updated_by": "ada",
}

LIST_QUEUES = Call(
    id="listQueues",
    summary="List queues",
    needs=Role.VIEWER,
    query=PageQuery,
    answer=QueuePage,
    answer_example={"items": [_QUEUE], "next_cursor": None},
    paged=True,
)
GET_QUEUE = Call(
    id="getQueue",
    summary="Get a queue",
    needs=Role.VIEWER,
    answer=QueueOut,
    answer_example=_QUEUE,
    refusals=(QueueNotFound,),
)
CHANGE_QUEUE = Call(
    id="changeQueue",
    summary="Steer a queue",
    needs=Role.OPERATOR,
    body=QueuePatch,
    answer=QueueOut,
    example={"state": "paused", "comment": "the cluster is serviced"},
    answer_example=_QUEUE,
)
LIST_WORKERS = Call(
    id="listWorkers",
    summary="List workers",
    needs=Role.VIEWER,
    query=PageQuery,
    answer=WorkerPage,
    answer_example={"items": [_WORKER], "next_cursor": None},
    paged=True,
)
GET_WORKER = Call(
    id="getWorker",
    summary="Get a worker",
    needs=Role.VIEWER,
    answer=WorkerOut,
    answer_example=_WORKER,
    refusals=(WorkerNotFound,),
)
CHANGE_WORKER = Call(
    id="changeWorker",
    summary="Steer a worker",
    needs=Role.OPERATOR,
    body=WorkerPatch,
    answer=WorkerOut,
    example={"state": "draining", "comment": "a newer version is coming"},
    answer_example=_WORKER,
    refusals=(WorkerNotFound,),
)
LIST_KINDS = Call(
    id="listKinds",
    summary="List kinds",
    needs=Role.VIEWER,
    answer=KindList,
    answer_example={"items": [_KIND]},
)
PUT_KIND = Call(
    id="setKind",
    summary="Set a kind",
    needs=Role.OPERATOR,
    body=KindIn,
    answer=KindOut,
    example={"attempts_max": 3, "policy": _POLICY},
    answer_example=_KIND,
)
DELETE_KIND = Call(
    id="deleteKind",
    summary="Forget how a kind is set",
    needs=Role.OPERATOR,
    answer=None,
    status=204,
    refusals=(KindNotFound,),
)
LIST_LIMITS = Call(
    id="listLimits",
    summary="List limited labels",
    needs=Role.VIEWER,
    answer=LabelLimitList,
    answer_example={"items": [_LIMIT]},
)
PUT_LIMIT = Call(
    id="setLimit",
    summary="Limit a label",
    needs=Role.OPERATOR,
    body=LabelLimitIn,
    answer=LabelLimitOut,
    example={"running_max": 2},
    answer_example=_LIMIT,
)
DELETE_LIMIT = Call(
    id="deleteLimit",
    summary="Limit a label no longer",
    needs=Role.OPERATOR,
    answer=None,
    status=204,
    refusals=(LabelLimitNotFound,),
)

_queue_patch = msgspec.json.Decoder(QueuePatch)
_worker_patch = msgspec.json.Decoder(WorkerPatch)
_kind_in = msgspec.json.Decoder(KindIn)
_limit_in = msgspec.json.Decoder(LabelLimitIn)
NAME_LENGTH_MAX = 255


def _name(request: AnyRequest, parameter: str) -> str:
    name = name_in(request, parameter)
    if len(name) > NAME_LENGTH_MAX:
        said = f"must have at most {NAME_LENGTH_MAX} characters"
        raise body.bad_request([(f"path:{parameter}", said)])
    return name


@get("/queues", opt=described(LIST_QUEUES))
async def list_queues(request: AnyRequest, context: Context) -> Response[bytes]:
    """The queues that have tasks or are set, by name."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, PageQuery)
    after = Cursor.read(query.cursor, "queues", tuple[str])
    rows, last = await context.steering.queues(
        caller, "" if after is None else after[0], bounded(query.limit)
    )
    cursor = Cursor.write("queues", None if last is None else (last,))
    page = QueuePage([_queue_out(row) for row in rows], cursor)
    return answer(page, headers=link_to_next(request, cursor))


@get("/queues/{queue:str}", opt=described(GET_QUEUE))
async def get_queue(request: AnyRequest, context: Context) -> Response[bytes]:
    """How a queue is set, and how its tasks stand."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(_queue_out(await context.steering.queue(caller, _name(request, "queue"))))


@patch("/queues/{queue:str}", opt=described(CHANGE_QUEUE))
async def change_queue(request: AnyRequest, context: Context) -> Response[bytes]:
    """Pause, drain or open a queue; limit how many of its tasks run; say who shares it fairly."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _queue_patch)
    row = await context.steering.set_queue(caller, _name(request, "queue"), said)
    return answer(_queue_out(row))


@get("/workers", opt=described(LIST_WORKERS))
async def list_workers(request: AnyRequest, context: Context) -> Response[bytes]:
    """The workers that ever claimed, the last seen first."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, PageQuery)
    after = Cursor.read(query.cursor, "workers", tuple[Number, str])
    rows, last = await context.workforce.page(caller, after, bounded(query.limit))
    cursor = Cursor.write("workers", last)
    page = WorkerPage([_worker_out(row) for row in rows], cursor)
    return answer(page, headers=link_to_next(request, cursor))


@get("/workers/{worker:str}", opt=described(GET_WORKER))
async def get_worker(request: AnyRequest, context: Context) -> Response[bytes]:
    """One worker."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(_worker_out(await context.workforce.get(caller, _name(request, "worker"))))


@patch("/workers/{worker:str}", opt=described(CHANGE_WORKER))
async def change_worker(request: AnyRequest, context: Context) -> Response[bytes]:
    """Pause or drain a worker, or let it work on. It hears of it with its next heartbeat."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _worker_patch)
    row = await context.workforce.order(caller, _name(request, "worker"), said.state, said.comment)
    return answer(_worker_out(row))


@get("/kinds", opt=described(LIST_KINDS))
async def list_kinds(request: AnyRequest, context: Context) -> Response[bytes]:
    """The kinds whose new tasks are treated in a way of their own."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(KindList([_kind_out(row) for row in await context.kinds.all(caller)]))


@put("/kinds/{kind:str}", opt=described(PUT_KIND))
async def put_kind(request: AnyRequest, context: Context) -> Response[bytes]:
    """Say how new tasks of a kind are treated: attempts, pauses, limits, what comes late.

    What a task says itself counts more; tasks that exist stay as they are.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _kind_in)
    return answer(_kind_out(await context.kinds.put(caller, _name(request, "kind"), said)))


@delete("/kinds/{kind:str}", opt=described(DELETE_KIND))
async def delete_kind(request: AnyRequest, context: Context) -> None:
    """Treat new tasks of a kind as those of any other."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.kinds.remove(caller, _name(request, "kind"))


@get("/limits", opt=described(LIST_LIMITS))
async def list_limits(request: AnyRequest, context: Context) -> Response[bytes]:
    """The labels of which only so many tasks with one value may run."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    found = await context.steering.label_limits(caller)
    return answer(LabelLimitList([_limit_out(row) for row in found]))


@put("/limits/{label:str}", opt=described(PUT_LIMIT))
async def put_limit(request: AnyRequest, context: Context) -> Response[bytes]:
    """Let only so many tasks with one value of this label run, in all queues together."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _limit_in)
    return answer(
        _limit_out(await context.steering.limit_label(caller, _name(request, "label"), said))
    )


@delete("/limits/{label:str}", opt=described(DELETE_LIMIT))
async def delete_limit(request: AnyRequest, context: Context) -> None:
    """Let any number of tasks with this label run."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.steering.free_label(caller, _name(request, "label"))


def _queue_out(row: Any) -> QueueOut:
    return QueueOut(
        name=row.name,
        state=row.state,
        comment=row.comment,
        running_max=row.running_max,
        fair_by=row.fair_by,
        tasks=row.tasks,
        leases=row.leases,
        drained=row.state != "active" and row.leases == 0,
        oldest_queued_at=when(row.oldest_queued_at),
        updated_at=when(row.updated_at),
        updated_by=row.updated_by,
    )


def _worker_out(row: Any) -> WorkerOut:
    return WorkerOut(
        name=row.name,
        state=row.state,
        comment=row.comment,
        queues=row.queues,
        labels=row.labels,
        leases=row.leases,
        started_at=moment(row.started_at),
        seen_at=moment(row.seen_at),
    )


def _kind_out(row: Any) -> KindOut:
    policy = policy_out(row.policy)
    return KindOut(row.name, row.attempts_max, policy, moment(row.updated_at), row.updated_by)


def _limit_out(row: Any) -> LabelLimitOut:
    return LabelLimitOut(row.key, row.running_max, moment(row.updated_at), row.updated_by)


def router() -> Router:
    """The routes of steering."""
    handlers: list[Any] = [
        list_queues,
        get_queue,
        change_queue,
        list_workers,
        get_worker,
        change_worker,
        list_kinds,
        put_kind,
        delete_kind,
        list_limits,
        put_limit,
        delete_limit,
    ]
    return Router("/v1", route_handlers=handlers)
