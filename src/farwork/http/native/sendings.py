"""`/v1/sources/{id}/sendings`: what a source sent, as it came, and reading it again."""

from base64 import b64encode
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from msgspec import Meta

from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context, UseCases
from farwork.http.native import examples
from farwork.http.native.incoming import problems_of, reports_in_sending
from farwork.http.native.paging import Cursor, TextPlace, bounded, link_to_next
from farwork.http.native.reports import report_list
from farwork.http.query import query_of
from farwork.protocol.problems import FieldProblem
from farwork.protocol.queries import NoQuery, PageQuery
from farwork.protocol.shapes import when
from farwork.protocol.sources import (
    Replayed,
    ReplayedPage,
    ReplayIn,
    SendingOut,
    SendingPage,
    SendingState,
    SendingWhole,
)
from farwork.protocol.tasks import VerbIn
from farwork.service.access import Principal, Role
from farwork.service.incoming import Way
from farwork.service.sendings import (
    REPLAYED_AT_ONCE,
    Sending,
    SendingNotFound,
    SendingRow,
    delivery_again,
)
from farwork.service.sources import SourceNotFound

ORDER = "sending.desc"
_again = msgspec.json.Decoder(ReplayIn)
_SENDING: dict[str, Any] = {
    "id": "019aa9d1-7d20-7c11-9d2e-3f2d5a1c0b7a",
    "source_id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "at": "2026-11-22T02:04:01Z",
    "delivery_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "state": "refused",
    "reports": 0,
    "problems": [{"pointer": "/reports/0/task_id", "detail": "is missing"}],
    "bytes": 54,
    "replays": 0,
    "replayed_at": None,
}
_BODY = '{"action": "completed", "workflow_run": {"run_id": 17}}'
_TAKEN: dict[str, Any] = {
    **_SENDING,
    "state": "taken",
    "reports": 1,
    "problems": [],
    "replays": 1,
    "replayed_at": "2026-11-22T02:30:00Z",
}


class SendingsQuery(PageQuery, forbid_unknown_fields=True):
    """Which sendings. Several states: any of them."""

    state: Annotated[list[SendingState], Meta(max_length=3)] = msgspec.field(default_factory=list)


LIST = Call(
    id="listSendings",
    summary="List what a source sent",
    needs=Role.ADMIN,
    query=SendingsQuery,
    answer=SendingPage,
    answer_example={"items": [_SENDING], "next_cursor": None},
    refusals=(SourceNotFound,),
    paged=True,
)
GET = Call(
    id="getSending",
    summary="Read what a source sent",
    needs=Role.ADMIN,
    answer=SendingWhole,
    answer_example=_SENDING
    | {"headers": {"content-type": "application/json"}, "body": _BODY, "encoding": "text"},
    refusals=(SourceNotFound, SendingNotFound),
)
REPLAY = Call(
    id="replaySending",
    summary="Read a sending again",
    needs=Role.ADMIN,
    body=VerbIn,
    body_required=False,
    example={},
    answer=Replayed,
    answer_example={"sending": _TAKEN, "reports": [examples.VERDICT]},
    refusals=(SourceNotFound, SendingNotFound),
)
REPLAY_MANY = Call(
    id="replaySendings",
    summary="Read many sendings again",
    needs=Role.ADMIN,
    body=ReplayIn,
    body_required=False,
    example={"states": ["refused"]},
    answer=ReplayedPage,
    answer_example={
        "items": [{"sending": _TAKEN, "reports": [examples.VERDICT]}],
        "next_after": None,
    },
    refusals=(SourceNotFound,),
)


@get("/{source_id:str}/sendings", opt=described(LIST))
async def list_sendings(request: AnyRequest, context: Context) -> Response[bytes]:
    """What a source sent and was vouched for, latest first: 1 000 of them at most, for a week."""
    caller, way = await _admin(request, context)
    query = query_of(request, SendingsQuery)
    place = Cursor.read(query.cursor, ORDER, TextPlace)
    states = [str(state) for state in query.state]
    before = None if place is None else place[0]
    rows, last = await context.sendings.page(caller, way, states, before, bounded(query.limit))
    cursor = Cursor.write(ORDER, None if last is None else (last,))
    page = SendingPage([_out(row) for row in rows], cursor)
    return answer(page, headers=link_to_next(request, cursor))


@get("/{source_id:str}/sendings/{sending_id:str}", opt=described(GET))
async def get_sending(request: AnyRequest, context: Context) -> Response[bytes]:
    """A sending with its body, as it came."""
    caller, way = await _admin(request, context)
    query_of(request, NoQuery)
    row = await context.sendings.get(caller, way, name_in(request, "sending_id"))
    headers: dict[str, str] = msgspec.json.decode(row.headers)
    try:
        text, encoding = row.body.decode(), "text"
    except UnicodeDecodeError:
        text, encoding = b64encode(row.body).decode(), "base64"
    shown = msgspec.structs.asdict(_out(row))
    return answer(SendingWhole(**shown, headers=headers, body=text, encoding=encoding))  # pyright: ignore[reportArgumentType] - one of the two


@post("/{source_id:str}/sendings/{sending_id:str}/replay", status_code=200, opt=described(REPLAY))
async def replay_sending(request: AnyRequest, context: Context) -> Response[bytes]:
    """Read a sending again, by the mapping that the source has by now.

    What the same mapping had found before is a duplicate. What says nothing of its time happened
    when the sending came.
    """
    caller, way = await _admin(request, context)
    query_of(request, NoQuery)
    await body.nothing(request, context.config.single_body_bytes_max)
    row = await context.sendings.get(caller, way, name_in(request, "sending_id"))
    return answer(await _replay(context, way, row))


@post("/{source_id:str}/replay", status_code=200, opt=described(REPLAY_MANY))
async def replay_sendings(request: AnyRequest, context: Context) -> Response[bytes]:
    """Read sendings again that were refused or held nothing, 100 in a call, oldest first."""
    caller, way = await _admin(request, context)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _again) if raw.strip() else ReplayIn()
    states = [str(state) for state in said.states]
    rows = await context.sendings.behind(caller, way, states, said.after)
    items = [await _replay(context, way, row) for row in rows]
    return answer(ReplayedPage(items, rows[-1].id if len(rows) == REPLAYED_AT_ONCE else None))


async def _admin(request: AnyRequest, context: UseCases) -> tuple[Principal, Way]:
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.ADMIN)
    return caller, await context.incoming.way(name_in(request, "source_id"), caller)


async def _replay(context: UseCases, way: Way, row: SendingRow) -> Replayed:
    headers: dict[str, str] = msgspec.json.decode(row.headers)
    sent = Sending(way, headers, row.body, delivery_again(row, way))
    try:
        said = reports_in_sending(sent)
    except body.InvalidBody as error:
        await context.sendings.note(context.sendings.replayed(row, 0, problems_of(error)))
        return Replayed(_out(row), [])
    note = context.sendings.replayed(row, len(said), [])
    if not said:
        await context.sendings.note(note)
        return Replayed(_out(row), [])
    taken = await context.reports.take(way.principal, said, also=note, received_at=row.at)
    return Replayed(_out(row), report_list(taken.outcomes).items)


def _out(row: SendingRow) -> SendingOut:
    outcome: dict[str, Any] = msgspec.json.decode(row.outcome)
    at = when(row.at)
    assert at is not None
    return SendingOut(
        id=row.id,
        source_id=row.source_id,
        at=at,
        delivery_id=row.delivery_id,
        state=row.state,  # pyright: ignore[reportArgumentType] - the table holds these words only
        reports=outcome["reports"],
        problems=[FieldProblem(pointer, detail) for pointer, detail in outcome["problems"]],
        bytes=len(row.body),
        replays=row.replays,
        replayed_at=when(row.replayed_at),
    )


def router() -> Router:
    """The routes of sendings."""
    handlers: list[Any] = [list_sendings, get_sending, replay_sending, replay_sendings]
    return Router("/v1/sources", route_handlers=handlers)
