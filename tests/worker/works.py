"""Functions that run in processes of their own: they must be importable."""

import os
import signal
from typing import Any

from farwork.worker import Context


def add(ctx: Context, a: int, b: int) -> dict[str, Any]:
    ctx.progress(50, "half way")
    return {"sum": a + b, "pid": os.getpid()}


def die(_ctx: Context) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(ctx: Context) -> None:
    while not ctx.wait(60):
        pass
    ctx.check()
