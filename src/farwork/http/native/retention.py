"""`/v1/retention`: when what has ended is archived and deleted, and what is held."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, put

from farwork.domain.retention import NEVER, Rule
from farwork.domain.values import Instant, moment
from farwork.http import body
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.protocol.retention import (
    After,
    ProjectQuery,
    RetentionIn,
    RetentionList,
    RetentionOut,
    RetentionQuery,
)
from farwork.service.access import Role
from farwork.service.refusals import SECOND
from farwork.service.retention import RetentionNotFound

_SAID: dict[str, Any] = {
    "kind": "train",
    "state": "failed",
    "archive_after_seconds": 86400.0,
    "delete_after_seconds": 2592000.0,
    "legal_hold": None,
}
_RULE = _SAID | {"updated_at": "2026-11-22T02:00:00Z", "updated_by": "ada"}

LIST = Call(
    id="listRetention",
    summary="List the rules of retention",
    needs=Role.ADMIN,
    query=ProjectQuery,
    answer=RetentionList,
    answer_example={"items": [_RULE]},
)
PUT = Call(
    id="setRetention",
    summary="Set a rule of retention",
    needs=Role.ADMIN,
    query=ProjectQuery,
    body=RetentionIn,
    answer=RetentionOut,
    example=_SAID,
    answer_example=_RULE,
)
DELETE = Call(
    id="deleteRetention",
    summary="Forget a rule of retention",
    needs=Role.ADMIN,
    query=RetentionQuery,
    answer=None,
    status=204,
    refusals=(RetentionNotFound,),
)
_in = msgspec.json.Decoder(RetentionIn)


@get("/", opt=described(LIST))
async def list_retention(request: AnyRequest, context: Context) -> Response[bytes]:
    """The rules of a project, by kind and state. The narrowest that says something decides."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, ProjectQuery)
    rules = await context.retention.all(caller, query.project)
    return answer(RetentionList([_out(rule) for rule in rules]))


@put("/", opt=described(PUT))
async def put_retention(request: AnyRequest, context: Context) -> Response[bytes]:
    """Say when tasks that have ended are archived and deleted, or that nobody deletes them.

    It replaces what was said of the same kind and state, and holds at once for all tasks.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, ProjectQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _in)
    if said.archive_after_seconds is said.delete_after_seconds is said.legal_hold is None:
        raise body.invalid([("", "says nothing: give a time, or a legal hold")])
    return answer(_out(await context.retention.put(caller, said, query.project)))


@delete("/", opt=described(DELETE))
async def delete_retention(request: AnyRequest, context: Context) -> None:
    """Forget a rule; what it held is held no longer."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, RetentionQuery)
    await context.retention.remove(caller, query.kind, query.state, query.project)


def _out(rule: Rule) -> RetentionOut:
    return RetentionOut(
        kind=rule.kind,
        state=rule.state,  # pyright: ignore[reportArgumentType] - the table holds no others
        archive_after_seconds=_seconds(rule.archive_after),
        delete_after_seconds=_seconds(rule.delete_after),
        legal_hold=rule.legal_hold,
        updated_at=moment(rule.updated_at),
        updated_by=rule.updated_by,
    )


def _seconds(after: Instant | None) -> After:
    if after is None:
        return None
    return "never" if after == NEVER else after / SECOND


def router() -> Router:
    """The routes of retention."""
    handlers: list[Any] = [list_retention, put_retention, delete_retention]
    return Router("/v1/retention", route_handlers=handlers)
