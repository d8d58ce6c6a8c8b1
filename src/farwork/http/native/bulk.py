"""`POST /v1/bulk`: one verb for many tasks, and the operations that it begins."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post

from farwork.domain import errors as e
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.idempotency import idempotency_of
from farwork.http.mistakes import Mistake
from farwork.http.native.paging import bad_cursor, link_to_next
from farwork.http.operation import Operation, described
from farwork.http.query import query_of
from farwork.protocol.bulk import (
    BulkIn,
    BulkPreview,
    OperationOut,
    OperationPage,
    OperationQuery,
    OperationsQuery,
    Selection,
)
from farwork.protocol.shapes import when
from farwork.service.access import Role
from farwork.service.operations import OperationNotFound, OperationRow

PAGE_MAX = 500

_encode = msgspec.json.Encoder().encode
_bulk = msgspec.json.Decoder(BulkIn)

OPERATION_EXAMPLE = {
    "id": "019aac3e-91b2-7f40-8a3c-2f1d5a0c7e11",
    "verb": "cancel",
    "state": "done",
    "filter": {"state": ["queued"], "queue": ["gpu"]},
    "reason": "maintenance",
    "actor": "ada",
    "total": 240,
    "done": 239,
    "refused": 1,
    "refusals": [
        {"id": "run-17", "code": "task_is_final", "detail": "The task has succeeded."},
    ],
    "error": None,
    "created_at": "2026-11-22T02:00:00Z",
    "updated_at": "2026-11-22T02:00:01Z",
    "completed_at": "2026-11-22T02:00:01Z",
}
BULK = Operation(
    id="bulk",
    summary="One verb for many tasks",
    needs=Role.OPERATOR,
    query=OperationQuery,
    body=BulkIn,
    answer=OperationOut | BulkPreview,
    status=202,
    example={
        "verb": "cancel",
        "filter": {"state": ["queued"], "queue": ["gpu"]},
        "reason": "maintenance",
    },
    answer_example=OPERATION_EXAMPLE | {"state": "running", "done": 0, "refused": 0},
    refusals=(e.IdempotencyKeyReused,),
    other_statuses={200: "It has ended within `wait` seconds, or was a dry run."},
    idempotent=True,
)
LIST = Operation(
    id="listOperations",
    summary="List bulk operations",
    needs=Role.VIEWER,
    query=OperationsQuery,
    answer=OperationPage,
    answer_example={"items": [OPERATION_EXAMPLE], "next_cursor": None},
    paged=True,
)
GET = Operation(
    id="getOperation",
    summary="Get a bulk operation",
    needs=Role.VIEWER,
    query=OperationQuery,
    answer=OperationOut,
    answer_example=OPERATION_EXAMPLE,
    refusals=(OperationNotFound,),
)


@post("/bulk", status_code=202, opt=described(BULK))
async def bulk(request: AnyRequest, context: Context) -> Response[bytes]:
    """Begin an operation on the tasks with these ids, or on those that a filter means.

    It goes on in the background, in chunks between which other writes have their turn, and a
    restart of the server does not end it. It is about tasks that exist when it begins. The answer
    is 202 with the running operation, or 200 if it ended within `wait` seconds. An empty filter
    means every task of the project and needs `all`. With `dry_run` the answer is 200 with how many
    tasks are meant and the ids of up to 20 of them; nothing changes.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, OperationQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _bulk)
    _check(said)
    if said.dry_run:
        preview = await context.operations.preview(caller, said)
        return _json(BulkPreview(said.verb, preview.total, preview.sample), 200)
    idempotency = idempotency_of(request, raw, lambda _outcomes: (202, b""))
    operation = await context.operations.start(caller, said, idempotency)
    if query.wait:
        operation = await context.operations.wait(caller, operation.id, query.wait)
    response = _json(operation_out(operation), 202 if operation.state == "running" else 200)
    response.headers["Location"] = f"/v1/operations/{operation.id}"
    return response


def _check(said: BulkIn) -> None:
    problems: list[Mistake] = []
    if (said.ids is None) is (said.filter is None):
        problems.append(("", "either `ids` or `filter` must be given, and not both"))
    if said.filter == Selection() and not (said.all or said.dry_run):
        detail = "an empty filter means every task of the project; say so with `all`: true"
        problems.append(("/filter", detail))
    if said.all and said.filter != Selection():
        problems.append(("/all", "goes with an empty filter only"))
    if said.reason is not None and said.verb != "cancel":
        problems.append(("/reason", "goes with the verb cancel only"))
    if problems:
        raise body.invalid(problems)


@get("/operations", opt=described(LIST))
async def list_operations(request: AnyRequest, context: Context) -> Response[OperationPage]:
    """A page of the project's bulk operations, the newest first."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, OperationsQuery)
    if query.cursor is not None and not _is_id(query.cursor):
        raise bad_cursor("this is not a cursor; take next_cursor of the page before")
    limit = min(query.limit, PAGE_MAX)
    operations, last = await context.operations.page(caller, query.cursor, limit)
    return Response(
        OperationPage([operation_out(operation) for operation in operations], last),
        headers=link_to_next(request, last),
    )


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@get("/operations/{operation_id:str}", opt=described(GET))
async def get_operation(request: AnyRequest, context: Context) -> Response[OperationOut]:
    """A bulk operation and how far it is; with `wait` once it has ended."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, OperationQuery)
    operation_id = name_in(request, "operation_id")
    return Response(operation_out(await context.operations.wait(caller, operation_id, query.wait)))


def operation_out(operation: OperationRow) -> OperationOut:
    """An operation on the wire."""
    return msgspec.convert(
        {
            "id": operation.id,
            "verb": operation.verb,
            "state": operation.state,
            "filter": operation.selection["filter"],
            "reason": operation.selection["reason"],
            "actor": operation.actor,
            "total": operation.total,
            "done": operation.done,
            "refused": operation.refused,
            "refusals": operation.refusals,
            "error": operation.error,
            "created_at": when(operation.created_at),
            "updated_at": when(operation.updated_at),
            "completed_at": when(operation.completed_at),
        },
        OperationOut,
    )


def _json(value: Any, status: int) -> Response[bytes]:
    return Response(_encode(value), status_code=status, media_type="application/json")


def router() -> Router:
    """The routes of bulk operations."""
    handlers: list[Any] = [bulk, list_operations, get_operation]
    return Router("/v1", route_handlers=handlers, tags=["bulk"])
