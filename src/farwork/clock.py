"""The one place that looks at the clock and throws dice."""

import os
import time
from collections.abc import Callable

from farwork.domain.values import Instant

Now = Callable[[], Instant]
"""A clock: microseconds since 1970-01-01T00:00:00Z."""


class _Ahead:
    """How far the clock of this process goes before the world's, in microseconds."""

    us = 0


def now() -> Instant:
    """The present instant."""
    return time.time_ns() // 1_000 + _Ahead.us


def step(seconds: float) -> None:
    """Let so many seconds pass at once, for this whole process: tests do so."""
    assert seconds >= 0, "time does not run back"
    _Ahead.us += round(seconds * 1_000_000)


def set_right() -> float:
    """Go by the world's time again; how many seconds the clock was ahead of it."""
    ahead, _Ahead.us = _Ahead.us, 0
    return ahead / 1_000_000


def uuid7(at: Instant) -> str:
    """A UUIDv7 (RFC 9562): sorts by `at` (to the millisecond), the rest is random."""
    value = ((at // 1_000) & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def token(length: int = 32) -> bytes:
    """Random bytes for secrets."""
    return os.urandom(length)


def dice() -> float:
    """A number from 0 up to, not including, 1."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


def ticks() -> float:
    """Seconds since some moment; they never jump, as the time of day may."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


async def pause_on_loop(seconds: float) -> None:
    """Let time pass while the event loop works on."""
    import asyncio  # noqa: PLC0415 - programs without an event loop start quicker without it

    await asyncio.sleep(seconds)
