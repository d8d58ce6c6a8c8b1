"""Functions that run in processes of their own: they must be importable."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
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


def everything(ctx: Context, file: str) -> dict[str, Any]:
    ctx.note(kept=1)
    ctx.checkpoint(2)
    ctx.log("said in a process")
    known = len(ctx.shards())
    token = ctx.submission("quantum").token
    for index in (0, 1):
        ctx.shard(index, "succeeded", result=index)
    ctx.check_shards()
    ctx.result(name="file", files=[file])
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        from_a_grandchild = pool.submit(abs, -42).result()
    return {"token": token, "known": known, "from_a_grandchild": from_a_grandchild}
