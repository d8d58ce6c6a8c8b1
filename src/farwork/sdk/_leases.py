"""The calls of workers, as flows."""

import msgspec

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
)
from farwork.sdk._flow import Flow, Request, ask, post


def claim_tasks(asked: ClaimIn) -> Flow[list[ClaimedOut]]:
    """Hold tasks under leases, at most `asked.max`; none when there is nothing in time."""
    request = post("/v1/claims", asked)
    waiting = Request(
        request.method, request.path, body=request.body, headers=request.headers, wait_s=asked.wait
    )
    found = yield from ask(waiting, ClaimedList)
    return found.items


def renew_leases(said: HeartbeatIn) -> Flow[HeartbeatOut]:
    """Give signs of life, report progress, and hear what to do."""
    body = msgspec.json.encode(said)
    return ask(Request("POST", "/v1/leases/heartbeat", body=body, repeatable=True), HeartbeatOut)


def complete_leases(said: CompleteIn) -> Flow[EndedList]:
    """End attempts with success, and claim the next. Raises `Refused` when all leases are over."""
    return ask(post("/v1/leases/complete", said), EndedList)


def fail_leases(said: FailIn) -> Flow[EndedList]:
    """End attempts without success, and claim the next. Raises `Refused` when all are over."""
    return ask(post("/v1/leases/fail", said), EndedList)


def hand_back_leases(said: HandBackIn) -> Flow[list[LeaseOut]]:
    """Give tasks back unfinished. Raises `Refused` when all leases are over."""
    found = yield from ask(post("/v1/leases/hand-back", said), EndedList)
    return found.items
