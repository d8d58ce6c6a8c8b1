"""Claims, heartbeats and ends: what workers call."""

from typing import Any

import msgspec
from litestar import Response, Router, post

from farwork.domain import errors as e
from farwork.http import body
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import checked, fingerprint_of
from farwork.http.native import lease_examples as examples
from farwork.http.query import query_of
from farwork.protocol.leases import (
    ClaimedList,
    ClaimedOut,
    ClaimIn,
    CompleteIn,
    EndedList,
    FailIn,
    HandBackIn,
    HeartbeatIn,
    HeartbeatOut,
    LeaseOut,
    QueueWeight,
)
from farwork.protocol.queries import NoQuery
from farwork.service.access import Principal, Role
from farwork.service.leases import Asked

CLAIM = Call(
    id="claimTasks",
    summary="Claim tasks",
    needs=Role.WORKER,
    body=ClaimIn,
    answer=ClaimedList,
    example=examples.CLAIM,
    answer_example=examples.CLAIMED,
    idempotent=True,
)
HEARTBEAT = Call(
    id="renewLeases",
    summary="Give signs of life",
    needs=Role.WORKER,
    body=HeartbeatIn,
    answer=HeartbeatOut,
    example=examples.HEARTBEAT,
    answer_example=examples.HEARTBEAT_ANSWER,
)
COMPLETE = Call(
    id="completeLeases",
    summary="Complete tasks",
    needs=Role.WORKER,
    body=CompleteIn,
    answer=EndedList,
    example=examples.COMPLETE,
    answer_example=examples.COMPLETED,
    refusals=(e.LeaseSuperseded,),
    idempotent=True,
)
FAIL = Call(
    id="failLeases",
    summary="Report failures",
    needs=Role.WORKER,
    body=FailIn,
    answer=EndedList,
    example=examples.FAIL,
    answer_example=examples.FAILED,
    refusals=(e.LeaseSuperseded,),
    idempotent=True,
)
HAND_BACK = Call(
    id="handBackLeases",
    summary="Hand tasks back",
    needs=Role.WORKER,
    body=HandBackIn,
    answer=EndedList,
    example=examples.HAND_BACK,
    answer_example=examples.HANDED_BACK,
    refusals=(e.LeaseSuperseded,),
    idempotent=True,
)

_claim = msgspec.json.Decoder(ClaimIn)
_heartbeat = msgspec.json.Decoder(HeartbeatIn)
_complete = msgspec.json.Decoder(CompleteIn)
_fail = msgspec.json.Decoder(FailIn)
_hand_back = msgspec.json.Decoder(HandBackIn)


def _asked(request: AnyRequest, raw: bytes) -> Asked | None:
    key = request.headers.get("idempotency-key")
    return None if key is None else Asked(checked(key), fingerprint_of(request, raw))


@post("/claims", status_code=200, opt=described(CLAIM))
async def claim_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """Hold tasks: those of greater priority first, of these the older. Maybe none.

    Each is held until `expires_at` unless a heartbeat renews the lease. With `wait` the answer
    comes as soon as there is something to claim.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _claim)
    return answer(ClaimedList(await _claimed(context, caller, said, _asked(request, raw))))


async def _claimed(
    context: Context, caller: Principal, said: ClaimIn, asked: Asked | None
) -> list[ClaimedOut]:
    bell = context.bell
    names = [queue.name if isinstance(queue, QueueWeight) else queue for queue in said.queues]
    places = [(caller.project, name) for name in dict.fromkeys(names)]
    deadline = bell.now() + said.wait
    while True:
        ticket = bell.ticket(places)
        claimed = await context.leases.claim(caller, said, asked)
        left = deadline - bell.now()
        if claimed or left <= 0 or not bell.is_open:
            return claimed
        await bell.wait(places, ticket, left)


@post("/leases/heartbeat", status_code=200, opt=described(HEARTBEAT))
async def renew_leases(request: AnyRequest, context: Context) -> Response[bytes]:
    """Renew leases, report progress, and hear what to do: cancel, pause, when to come again.

    A lease that is over is answered with the code `lease_superseded`, and the others are renewed.
    A bare sign of life writes no event.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    return answer(await context.leases.heartbeat(caller, body.decode(raw, _heartbeat)))


@post("/leases/complete", status_code=200, opt=described(COMPLETE))
async def complete_leases(request: AnyRequest, context: Context) -> Response[bytes]:
    """End attempts with success (or, where it was asked for, cancelled), and claim the next.

    Each lease has its own answer. When all of them are over and nothing was claimed, the answer is
    409; an end that came too late is kept, as the policy of its task says.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _complete)
    done = await context.leases.end(
        caller, said.leases, said.worker, said.claim, _asked(request, raw)
    )
    if said.claim is None:
        _refuse_if_all_are(done.items)
    return answer(EndedList(done.items, done.claimed))


@post("/leases/fail", status_code=200, opt=described(FAIL))
async def fail_leases(request: AnyRequest, context: Context) -> Response[bytes]:
    """End attempts without success, and claim the next.

    What is `retryable` is tried again after a pause, as long as there is an attempt left.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _fail)
    done = await context.leases.end(
        caller, said.leases, said.worker, said.claim, _asked(request, raw)
    )
    if said.claim is None:
        _refuse_if_all_are(done.items)
    return answer(EndedList(done.items, done.claimed))


@post("/leases/hand-back", status_code=200, opt=described(HAND_BACK))
async def hand_back_leases(request: AnyRequest, context: Context) -> Response[bytes]:
    """Give tasks back to their queues unfinished; it does not count as an attempt."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _hand_back)
    items = await context.leases.hand_back(caller, said.leases, _asked(request, raw))
    _refuse_if_all_are(items)
    return answer(EndedList(items))


def _refuse_if_all_are(items: list[LeaseOut]) -> None:
    """Raise when every lease was over."""
    superseded = [one for one in items if one.code == e.LeaseSuperseded.code]
    if len(superseded) == len(items):
        first = superseded[0]
        detail = " ".join(one.detail or "" for one in superseded[:3])
        if first.verdict is not None:
            detail += " The end is kept as a late one."
        raise e.LeaseSuperseded(detail, first.present_lease_seq or 0)


def router() -> Router:
    """The routes of workers."""
    handlers: list[Any] = [
        claim_tasks,
        renew_leases,
        complete_leases,
        fail_leases,
        hand_back_leases,
    ]
    return Router("/v1", route_handlers=handlers)
