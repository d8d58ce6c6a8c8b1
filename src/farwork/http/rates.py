"""The `RateLimit` fields of answers (draft-ietf-httpapi-ratelimit-headers-10)."""

from typing import Any

from litestar.types import Message, Send

from farwork.clock import Now
from farwork.service.limits import Meter

METER = "farwork.meter"
"""Where a request's scope keeps the meter of its caller."""


def fields(meter: Meter, now: int) -> list[tuple[bytes, bytes]]:
    """What every answer to a limited caller says: the limit, and what remains of it."""
    return [
        (b"ratelimit-policy", meter.policy_header.encode()),
        (b"ratelimit", meter.header(now).encode()),
    ]


def telling(scope: Any, send: Send, now: Now) -> Send:
    """A `send` that adds the fields, if the request turns out to be of a limited caller."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            meter: Meter | None = scope.get(METER)
            if meter is not None:
                message["headers"] = [*message["headers"], *fields(meter, now())]
        await send(message)

    return tell
