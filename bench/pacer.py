"""Sends reports at a given pace, whatever the server does: a clock, not a closed loop."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count

import httpx
import msgspec

from bench.harness import Server
from bench.workloads import report

_BEATS_PER_S = 20


@contextmanager
def pacing(server: Server, key: str, reports_per_s: int) -> Generator[None]:
    """Reports come in at this pace until the end of the context."""
    over = threading.Event()
    thread = threading.Thread(target=_pace, args=(server, key, reports_per_s, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _pace(server: Server, key: str, reports_per_s: int, over: threading.Event) -> None:
    each = max(1, reports_per_s // _BEATS_PER_S)
    numbers = count()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    base = f"http://127.0.0.1:{server.port}"
    next_beat = time.monotonic()
    with httpx.Client(base_url=base, headers=headers, timeout=30.0, trust_env=False) as client:
        while not over.is_set():
            body = msgspec.json.encode([report(next(numbers)) for _ in range(each)])
            client.post("/v1/reports", content=body).raise_for_status()
            next_beat += each / reports_per_s
            over.wait(max(0.0, next_beat - time.monotonic()))
