"""`/v1/audit`: who did what to what, when and from where; for admins."""

import json
from datetime import datetime
from typing import Any

from litestar import Response, Router, get

from farwork.domain.values import Instant, instant, moment
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native.paging import Cursor, TextPlace, bounded, link_to_next
from farwork.http.query import query_of
from farwork.protocol.audit import AuditPage, AuditQuery, AuditRow
from farwork.service.access import Role
from farwork.service.audit import TrailFilter, TrailRow

_ROW: dict[str, Any] = {
    "id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "at": "2026-11-22T02:00:00Z",
    "project": "default",
    "actor": "user:ada",
    "action": "key.revoke",
    "target": "key:k3hq2v7n5wzd4x6b",
    "address": "192.0.2.7",
    "details": {},
}
LIST = Call(
    id="readAudit",
    summary="Read the audit trail",
    needs=Role.ADMIN,
    query=AuditQuery,
    answer=AuditPage,
    answer_example={"items": [_ROW], "next_cursor": None},
    paged=True,
)


@get("/", opt=described(LIST))
async def read_audit(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the project's audit trail, newest first. Nothing in it can be changed.

    Another project's trail is for admins of the default project.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, AuditQuery)
    place = Cursor.read(query.cursor, "audit", TextPlace)
    wanted = TrailFilter(
        query.project or caller.project,
        query.actor,
        query.action,
        query.target,
        _instant(query.since),
        _instant(query.until),
    )
    found, last = await context.audit.page(
        caller, wanted, before=None if place is None else place[0], limit=bounded(query.limit)
    )
    cursor = Cursor.write("audit", None if last is None else (last,))
    page = AuditPage([_out(row) for row in found], cursor)
    return answer(page, headers=link_to_next(request, cursor))


def _instant(at: datetime | None) -> Instant | None:
    return None if at is None else instant(at)


def _out(row: TrailRow) -> AuditRow:
    return AuditRow(
        row.id,
        moment(row.at),
        row.project,
        row.actor,
        row.action,
        row.target,
        row.address,
        json.loads(row.details),
    )


def router() -> Router:
    """The routes of the audit trail."""
    handlers: list[Any] = [read_audit]
    return Router("/v1/audit", route_handlers=handlers)
