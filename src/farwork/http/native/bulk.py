"""`POST /v1/bulk`: one verb for many tasks, and the operations that it begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec
from litestar import Response, Router, get, post

from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import idempotency_of
from farwork.http.native.paging import bad_cursor, bounded, link_to_next
from farwork.http.query import query_of
from farwork.protocol.bulk import BulkIn, BulkPreview, OperationOut, OperationPage, Selection
from farwork.protocol.queries import OperationQuery, PageQuery
from farwork.protocol.shapes import when
from farwork.service.access import Role
from farwork.service.operations import OperationNotFound, OperationRow

_bulk = msgspec.json.Decoder(BulkIn)

_OPERATION: dict[str, Any] = {
    "id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "verb": "archive",
    "state": "running",
    "filter": {"state": ["succeeded"], "created_before": "2026-11-01T00:00:00Z"},
    "reason": None,
    "actor": "ada",
    "total": 120_000,
    "done": 45_000,
    "refused": 0,
    "refusals": [],
    "error": None,
    "created_at": "2026-11-22T02:00:00Z",
    "updated_at": "2026-11-22T02:00:02Z",
    "completed_at": None,
}
BULK = Call(
    id="bulk",
    summary="One verb for many tasks",
    needs=Role.OPERATOR,
    query=OperationQuery,
    body=BulkIn,
    answer=OperationOut,
    status=202,
    other_answers={200: (OperationOut, BulkPreview)},
    example={
        "verb": "archive",
        "filter": {"state": ["succeeded"], "created_before": "2026-11-01T00:00:00Z"},
    },
    answer_example=_OPERATION,
    idempotent=True,
)
LIST = Call(
    id="listOperations",
    summary="List bulk operations",
    needs=Role.VIEWER,
    query=PageQuery,
    answer=OperationPage,
    answer_example={"items": [_OPERATION], "next_cursor": None},
    paged=True,
)
GET = Call(
    id="getOperation",
    summary="Get a bulk operation",
    needs=Role.VIEWER,
    query=OperationQuery,
    answer=OperationOut,
    answer_example=_OPERATION,
    refusals=(OperationNotFound,),
)


@post("/bulk", status_code=202, opt=described(BULK))
async def bulk(request: AnyRequest, context: Context) -> Response[bytes]:
    """Begin an operation on the tasks with these ids, or on those that a filter means.

    202 with the running operation, 200 if it ended within `wait` seconds or is a dry run.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, OperationQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _bulk)
    _check(said)
    if said.dry_run:
        preview = await context.operations.preview(caller, said)
        return answer(BulkPreview(said.verb, preview.total, preview.sample))
    idempotency = idempotency_of(request, raw, lambda _outcomes: (202, b""))
    operation = await context.operations.start(caller, said, idempotency)
    if query.wait:
        operation = await context.operations.wait(caller, operation.id, query.wait)
    status = 202 if operation.state == "running" else 200
    headers = {"Location": f"/v1/operations/{operation.id}"}
    return answer(operation_out(operation), status=status, headers=headers)


def _check(said: BulkIn) -> None:
    problems: list[tuple[str, str]] = []
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
async def list_operations(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the project's bulk operations, the newest first."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, PageQuery)
    before = None if query.cursor is None else _place(query.cursor)
    operations, last = await context.operations.page(caller, before, bounded(query.limit))
    following = None if last is None else urlsafe_b64encode(last.encode()).decode().rstrip("=")
    page = OperationPage([operation_out(operation) for operation in operations], following)
    return answer(page, headers=link_to_next(request, following))


def _place(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise bad_cursor("is not a cursor; take next_cursor of the page before") from None


@get("/operations/{operation_id:str}", opt=described(GET))
async def get_operation(request: AnyRequest, context: Context) -> Response[bytes]:
    """A bulk operation and how far it is; with `wait` once it has ended."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, OperationQuery)
    operation_id = name_in(request, "operation_id")
    return answer(operation_out(await context.operations.wait(caller, operation_id, query.wait)))


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


def router() -> Router:
    """The routes of bulk operations."""
    handlers: list[Any] = [bulk, list_operations, get_operation]
    return Router("/v1", route_handlers=handlers)
