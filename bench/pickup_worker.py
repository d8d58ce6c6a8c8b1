"""The worker that `pickup` measures, in a process of its own: `python -m bench.pickup_worker`.

It reads an order and then, when the tasks have been created, their ids, one line of JSON each, and
answers with the times at which its function started.
"""

import sys
import threading
import time

import msgspec
from msgspec import Struct

from farwork import Client, Worker
from farwork.worker import Context

DONE = b"done\n"
CONCURRENCY = 8
WAIT_SECONDS_MAX = 10.0


class Order(Struct):
    """Whom to work for."""

    server: str
    key: str
    queue: str
    spool: str


class Started(Struct):
    """When the function started on each task, by the clock that counts since the machine did."""

    at: dict[str, float]


def main() -> None:
    """Work until the last task has been seen, and say when each began."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    started: dict[str, float] = {}
    news = threading.Condition()
    client = Client(order.server, order.key)
    worker = Worker([order.queue], client=client, concurrency=CONCURRENCY, spool=order.spool)

    @worker.task("noted")
    def noted(ctx: Context) -> None:
        at = time.monotonic()
        with news:
            started[ctx.task_id] = at
            news.notify_all()

    assert noted.__name__
    threading.Thread(target=worker.run, daemon=True).start()
    awaited = set(msgspec.json.decode(sys.stdin.buffer.readline(), type=list[str]))
    with news:
        if not news.wait_for(lambda: awaited <= started.keys(), WAIT_SECONDS_MAX):
            sys.exit(1)
        answer = Started({task_id: started[task_id] for task_id in awaited})
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.flush()
    sys.stdin.buffer.readline()


if __name__ == "__main__":
    main()
