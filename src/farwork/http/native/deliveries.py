"""`/v1/hooks/{id}/deliveries`: what a hook was sent, and sending it again."""

from typing import Any

import msgspec
from litestar import Response, Router, get, post

from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native.hook_examples import DELIVERY
from farwork.http.native.paging import bad_cursor, bounded, link_to_next
from farwork.http.query import query_of
from farwork.protocol.hooks import (
    AttemptMade,
    DeliveriesQuery,
    DeliveryOut,
    DeliveryPage,
    Redelivered,
    RedeliverIn,
)
from farwork.protocol.queries import POSITION_MAX, NoQuery
from farwork.protocol.shapes import when
from farwork.protocol.tasks import VerbIn
from farwork.service.access import Role
from farwork.service.deliveries import DeliveryNotFound, DeliveryRow
from farwork.service.hooks import HookNotFound

_again = msgspec.json.Decoder(RedeliverIn)
_tries = msgspec.json.Decoder(list[AttemptMade])

LIST = Call(
    id="listDeliveries",
    summary="List deliveries",
    needs=Role.OPERATOR,
    query=DeliveriesQuery,
    answer=DeliveryPage,
    answer_example={"items": [DELIVERY], "next_cursor": None},
    refusals=(HookNotFound,),
    paged=True,
)
GET = Call(
    id="getDelivery",
    summary="Read a delivery",
    needs=Role.OPERATOR,
    answer=DeliveryOut,
    answer_example=DELIVERY,
    refusals=(HookNotFound, DeliveryNotFound),
)
AGAIN = Call(
    id="redeliver",
    summary="Make a delivery again",
    needs=Role.OPERATOR,
    body=VerbIn,
    body_required=False,
    example={},
    answer=DeliveryOut,
    status=202,
    answer_example=DELIVERY | {"state": "due", "attempts": 0, "ended_at": None},
    refusals=(HookNotFound, DeliveryNotFound),
)
ALL_AGAIN = Call(
    id="redeliverMany",
    summary="Make many deliveries again",
    needs=Role.OPERATOR,
    body=RedeliverIn,
    body_required=False,
    answer=Redelivered,
    status=202,
    example={"states": ["failed"], "after": 1200},
    answer_example={"count": 17},
    refusals=(HookNotFound,),
)


@get("/{hook_id:str}/deliveries", opt=described(LIST))
async def list_deliveries(request: AnyRequest, context: Context) -> Response[bytes]:
    """What a hook was sent and is yet to be sent, latest event first, with the latest attempts.

    Those that ended well are kept for a week, others for a month.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, DeliveriesQuery)
    before = None if query.cursor is None else _position(query.cursor)
    if query.cursor is not None and before is None:
        raise bad_cursor("is not a cursor; take next_cursor of the page before")
    rows, last = await context.deliveries.page(
        caller,
        name_in(request, "hook_id"),
        states=[str(state) for state in query.state],
        before=before,
        limit=bounded(query.limit),
    )
    cursor = None if last is None else str(last)
    page = DeliveryPage([_out(row) for row in rows], cursor)
    return answer(page, headers=link_to_next(request, cursor))


@get("/{hook_id:str}/deliveries/{delivery_id:str}", opt=described(GET))
async def get_delivery(request: AnyRequest, context: Context) -> Response[bytes]:
    """One delivery; its id is the position of the event."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    hook_id, position = name_in(request, "hook_id"), _of_path(request)
    return answer(_out(await context.deliveries.get(caller, hook_id, position)))


@post(
    "/{hook_id:str}/deliveries/{delivery_id:str}/redeliver",
    status_code=202,
    opt=described(AGAIN),
)
async def redeliver(request: AnyRequest, context: Context) -> Response[bytes]:
    """Make a delivery again, however it ended; one that waits for its next attempt, at once."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await body.nothing(request, context.config.single_body_bytes_max)
    hook_id, position = name_in(request, "hook_id"), _of_path(request)
    return answer(_out(await context.deliveries.again(caller, hook_id, position)), status=202)


@post("/{hook_id:str}/redeliver", status_code=202, opt=described(ALL_AGAIN))
async def redeliver_many(request: AnyRequest, context: Context) -> Response[bytes]:
    """Make deliveries again that ended in one of these states, in the order of the feed."""
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.OPERATOR)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _again) if raw.strip() else RedeliverIn()
    count = await context.deliveries.all_again(caller, name_in(request, "hook_id"), said)
    return answer(Redelivered(count), status=202)


def _of_path(request: AnyRequest) -> int:
    position = _position(name_in(request, "delivery_id"))
    # No event has this position, so that nothing is found.
    return -1 if position is None else position


def _position(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(POSITION_MAX))):
        return None
    return min(int(text), POSITION_MAX)


def _out(row: DeliveryRow) -> DeliveryOut:
    return DeliveryOut(
        id=row.position,
        hook_id=row.hook_id,
        webhook_id=f"msg_{row.hook_id}_{row.position}",
        type=row.type,
        subject=row.subject,
        state=row.state,  # pyright: ignore[reportArgumentType] - the table holds these words only
        attempts=row.attempts,
        next_try_at=when(row.next_at) if row.state == "due" else None,
        tries=_tries.decode(row.log),
        event=msgspec.json.decode(row.event),
        created_at=when(row.created_at),  # pyright: ignore[reportArgumentType] - it is never null
        ended_at=when(row.ended_at),
    )


def router() -> Router:
    """The routes of deliveries."""
    handlers: list[Any] = [list_deliveries, get_delivery, redeliver, redeliver_many]
    return Router("/v1/hooks", route_handlers=handlers)
