"""`POST /v1/bulk`: one verb for many tasks, and the operations that it begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.params import Parameter

from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.idempotency import idempotency_of
from farwork.http.native.paging import link_to_next
from farwork.protocol.bulk import BulkIn, BulkPreview, OperationOut, OperationPage, Selection
from farwork.protocol.shapes import when
from farwork.service.operations import OperationRow

WAIT_SECONDS_MAX = 60
PAGE_MAX = 500

_encode = msgspec.json.Encoder().encode
_bulk = msgspec.json.Decoder(BulkIn)
Wait = Annotated[
    float, Parameter(ge=0, le=WAIT_SECONDS_MAX, description="How many seconds to wait for its end.")
]


@post("/bulk", status_code=202, summary="One verb for many tasks", operation_id="bulk")
async def bulk(request: AnyRequest, context: Context, wait: Wait = 0.0) -> Response[bytes]:
    """Begin an operation on the tasks with these ids, or on those that a filter means.

    202 with the running operation, 200 if it ended within `wait` seconds or is a dry run.
    """
    caller = await context.doorkeeper.caller(request)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _bulk)
    _check(said)
    if said.dry_run:
        preview = await context.operations.preview(caller, said)
        return _json(BulkPreview(said.verb, preview.total, preview.sample), 200)
    idempotency = idempotency_of(request, raw, lambda _outcomes: (202, b""))
    operation = await context.operations.start(caller, said, idempotency)
    if wait:
        operation = await context.operations.wait(caller, operation.id, wait)
    status = 202 if operation.state == "running" else 200
    response = _json(operation_out(operation), status)
    response.headers["Location"] = f"/v1/operations/{operation.id}"
    return response


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
        raise body.InvalidBody("The body has values that cannot be taken.", problems)


@get("/operations", summary="List bulk operations", operation_id="listOperations")
async def list_operations(
    request: AnyRequest,
    context: Context,
    limit: Annotated[int, Parameter(ge=1)] = 50,
    cursor: str | None = None,
) -> Response[OperationPage]:
    """A page of the project's bulk operations, the newest first."""
    caller = await context.doorkeeper.caller(request)
    before = None if cursor is None else _place(cursor)
    operations, last = await context.operations.page(caller, before, min(limit, PAGE_MAX))
    following = None if last is None else urlsafe_b64encode(last.encode()).decode().rstrip("=")
    return Response(
        OperationPage([operation_out(operation) for operation in operations], following),
        headers=link_to_next(request, following),
    )


def _place(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise body.InvalidBody(
            "A parameter cannot be taken.",
            [("query:cursor", "this is not a cursor; take next_cursor of the page before")],
            status=400,
            code="bad_request",
        ) from None


@get("/operations/{operation_id:str}", summary="Get a bulk operation", operation_id="getOperation")
async def get_operation(
    request: AnyRequest, context: Context, operation_id: str, wait: Wait = 0.0
) -> OperationOut:
    """A bulk operation and how far it is; with `wait` once it has ended."""
    caller = await context.doorkeeper.caller(request)
    return operation_out(await context.operations.wait(caller, operation_id, wait))


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
