"""Long polls: look, and look again whenever something was committed, until time runs out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from farwork.realtime.hub import Hub

T = TypeVar("T")

Look = Callable[[], Awaitable[tuple[T, bool]]]
"""What is there, and whether it is what was waited for."""


async def poll(hub: Hub, seconds: float, look: Look[T]) -> tuple[T, bool]:
    """What `look` finds as soon as it is what was waited for, or in the end (then it is not)."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        ticket = hub.ticket
        found, met = await look()
        left = deadline - loop.time()
        if met or left <= 0 or not hub.is_open:
            return found, met
        if not await hub.wait(ticket, left):
            return found, False
