"""The routes of service tasks: our bulk operations."""

from typing import Any, TypeAlias

from litestar import Response, delete, get, post
from litestar.params import FromPath

from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context, UseCases
from farwork.http.dialects.argus import answers, asking, translate, wire
from farwork.http.dialects.argus.asking import id_of
from farwork.http.dialects.argus.callers import caller_of
from farwork.service.access import Principal, Role
from farwork.service.operations import OperationRow

READ_MAX = 1_000
"""So many of the newest operations are looked at."""
CHUNK = 200
OperationId: TypeAlias = FromPath[str]
_FIELDS = {
    "createdTimestamp": "created_at",
    "executionTimestamp": "created_at",
    "finishedTimestamp": "completed_at",
}


@get("/servicetask")
async def list_operations(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    said = asking.query_of(request.scope["query_string"], wire.OperationsQuery)
    search = wire.OperationSearch(
        state=said.state,
        operation=said.operation,
        user=[*said.user],
        parentTask=said.parentTask,
        limit=said.limit,
        offset=said.offset,
    )
    return await _found(context, caller, search)


@post("/servicetask/search", status_code=200)
async def search_operations(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    raw = await body.read(request, context.config.single_body_bytes_max)
    return await _found(context, caller, asking.body_of(raw, wire.OperationSearch))


async def _found(context: UseCases, caller: Principal, said: wire.OperationSearch) -> Response[Any]:
    window = translate.window_of(said.startTimestamp, said.endTimestamp, context.ledger.now())
    rows = await _newest(context, caller)
    found = [one for one in rows if _is_meant(one, said) and _is_within(one, said, window)]
    end = said.offset + said.limit if said.limit else None
    shown = [translate.operation_from(one) for one in found[said.offset : end]]
    total = None if len(rows) == READ_MAX else len(found)
    return answers.page(shown, said.limit, said.offset, total)


async def _newest(context: UseCases, caller: Principal) -> list[OperationRow]:
    rows: list[OperationRow] = []
    before: str | None = None
    while len(rows) < READ_MAX:
        chunk, before = await context.operations.page(caller, before, CHUNK)
        rows += chunk
        if before is None:
            break
    return rows[:READ_MAX]


def _is_meant(row: OperationRow, said: wire.OperationSearch) -> bool:
    actor = row.actor or "system"
    names = {actor, str(translate.number_of(actor))}
    # Ours stand alone: each is its own root, on no host in particular, of no correlation.
    return (
        (not said.state or translate.operation_state(row) in said.state)
        and (not said.operation or row.verb in said.operation)
        and (not said.user or any(str(one) in names for one in said.user))
        and (not said.rootTask or row.id in said.rootTask)
        and not said.parentTask
        and not said.workerHost
        and not said.correlationID
    )


def _is_within(
    row: OperationRow, said: wire.OperationSearch, window: tuple[int | None, int | None]
) -> bool:
    after, before = window
    if after is None and before is None:
        return True
    fields = [f for f in said.timeFieldStrategy if f != "all"]
    if not fields or "all" in said.timeFieldStrategy:
        fields = list(_FIELDS)
    times: list[int | None] = [getattr(row, _FIELDS[field]) for field in fields]
    inside = [
        at is not None and (after is None or at >= after) and (before is None or at <= before)
        for at in times
    ]
    return all(inside) if said.timeMatchStrategy == "all" else any(inside)


@get("/servicetask/{operation_id:str}")
async def get_operation(
    request: AnyRequest, context: Context, operation_id: OperationId
) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    row = await context.operations.get(caller, id_of(operation_id))
    return answers.one(translate.operation_from(row))


@delete("/servicetask/{operation_id:str}", status_code=200)
async def abort_operation(
    request: AnyRequest, context: Context, operation_id: OperationId
) -> Response[Any]:
    caller = await caller_of(request, context, Role.OPERATOR)
    why = f"{translate.ABORTED} by {caller.name}"
    row = await context.operations.abort(caller, id_of(operation_id), why)
    return answers.one(translate.operation_from(row))


CALLS: list[Any] = [list_operations, search_operations, get_operation, abort_operation]
