"""Waiting for what cannot signal: a process, a lock, a file."""

import time
from collections.abc import Callable

LOOK_EVERY_S = 0.01


def until(true: Callable[[], object], description: str, seconds: float = 30) -> None:
    """Look again and again until it is true; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {description}")
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - the one place where a test may wait by the clock
