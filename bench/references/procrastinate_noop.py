"""Tasks that do nothing, through Procrastinate: one worker that does eight of them at a time.

`python -m bench.references.procrastinate_noop URL TASKS PID_OF_POSTGRESQL`: defers so many, then
works until none is left; the last line tells how that went.
"""

import asyncio
import sys
import time
from typing import Any

import msgspec
from procrastinate import App, PsycopgConnector
from psycopg import connect

from bench import machine
from bench.workers import Drained

CONCURRENCY = 8
_AT_ONCE = 1_000
_FROM, _TO = 0.1, 0.9


async def run(url: str, tasks: int, database_pid: int) -> Drained:
    """Defers tasks and works on them."""
    app = App(connector=PsycopgConnector(conninfo=url))
    times: list[float] = []

    async def noop() -> None:
        times.append(time.perf_counter())

    task = app.task(name="noop")(noop)
    async with app.open_async():
        if _is_empty(url):
            await app.schema_manager.apply_schema_async()
        for first in range(0, tasks, _AT_ONCE):
            number = min(_AT_ONCE, tasks - first)
            nothing: list[dict[str, Any]] = [{}] * number
            await task.batch_defer_async(*nothing)
        before = _spent(database_pid)
        began = time.perf_counter()
        await app.run_worker_async(
            concurrency=CONCURRENCY, wait=False, install_signal_handlers=False
        )
        whole = time.perf_counter() - began
    used = [after - spent for after, spent in zip(_spent(database_pid), before, strict=True)]
    first, last = int(_FROM * len(times)), int(_TO * len(times))
    database, mine, busy = (seconds / whole for seconds in used)
    return Drained(
        tasks=len(times),
        tasks_per_second=(last - first) / (times[last] - times[first]),
        seconds=whole,
        requests=0,
        server_cores=database,
        workers_cores=mine,
        elsewhere_cores=busy - database - mine,
    )


def _is_empty(url: str) -> bool:
    with connect(url) as connection:
        row = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
    return row is None or row[0] is None


def _spent(database_pid: int) -> tuple[float, float, float]:
    return machine.cpu_seconds(database_pid), time.process_time(), machine.busy_seconds()


if __name__ == "__main__":
    found = asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(msgspec.json.encode(found).decode())
