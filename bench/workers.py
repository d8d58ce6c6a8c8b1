"""Workers that do nothing but claim and complete, in a process of their own.

Each is a keep-alive connection that completes what it holds and claims the next in one request. The
loop is one over one epoll, as the load generator's: on a small machine it takes time from the
server that it measures. By itself: an `Order` on standard input, what was `Drained` on standard
output.
"""

import gc
import os
import select
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench import machine
from bench.load import Connection, answer_on

_POLL_SECONDS_MAX = 60.0
_WAIT_SECONDS = 5.0
_LEASE_SECONDS = 60.0
# What comes before and after these parts of the tasks is not measured: the workers begin one by
# one, and at the end some find nothing.
_FROM, _TO = 0.1, 0.9


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the workers are asked to do."""

    port: int
    server_pids: tuple[int, ...]
    key: str
    queue: str
    tasks: int
    batch: int
    workers: int = 8


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """What the workers saw."""

    tasks: int
    tasks_per_second: float
    seconds: float
    requests: int
    server_cores: float
    workers_cores: float
    elsewhere_cores: float

    def as_text(self) -> str:
        """Says in one line what was seen."""
        return (
            f"{self.tasks_per_second:8.0f} tasks/s  {self.tasks} tasks in {self.seconds:.2f} s, "
            f"{self.requests} requests  cores: server {self.server_cores:.2f}, "
            f"workers {self.workers_cores:.2f}, elsewhere {self.elsewhere_cores:.2f}"
        )


class _Task(msgspec.Struct):
    id: str


class _Claimed(msgspec.Struct):
    task: _Task
    lease_seq: int
    attempt: int


class _Ended(msgspec.Struct):
    task_id: str
    state: str | None = None
    code: str | None = None


class _ClaimAnswer(msgspec.Struct):
    items: list[_Claimed]


class _EndAnswer(msgspec.Struct):
    items: list[_Ended]
    claimed: list[_Claimed] = []


_claims = msgspec.json.Decoder(_ClaimAnswer)
_ends = msgspec.json.Decoder(_EndAnswer)
_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """The server answered with something other than success; such a round has no figures."""


@dataclass(slots=True)
class _Worker:
    connection: Connection
    name: str
    ending: int = 0


@dataclass(slots=True)
class _Progress:
    done: int = 0
    requests: int = 0
    times: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])


def run(order: Order) -> Drained:
    """Works until all tasks are done."""
    gc.disable()
    epoll = select.epoll()
    workers: dict[int, _Worker] = {}
    for number in range(order.workers):
        there = socket.create_connection(("127.0.0.1", order.port))
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        workers[there.fileno()] = _Worker(Connection(there), f"bench-{number}")
        epoll.register(there.fileno(), select.EPOLLIN)
    progress = _Progress()
    spent = _spent(order)
    began = time.perf_counter()
    try:
        for worker in workers.values():
            _claim(worker, order, wait=0.0)
        while progress.done < order.tasks:
            events = epoll.poll(_POLL_SECONDS_MAX)
            if not events:
                raise TimeoutError(f"{order.tasks - progress.done} tasks are not done")
            for descriptor, _ in events:
                answer = answer_on(workers[descriptor].connection)
                if answer is not None:
                    _go_on(workers[descriptor], answer, order, progress)
        whole = time.perf_counter() - began
        used = [after - before for after, before in zip(_spent(order), spent, strict=True)]
    finally:
        for worker in workers.values():
            worker.connection.socket.close()
        epoll.close()
    return _drained(order, progress, whole, used)


def _drained(order: Order, progress: _Progress, whole: float, used: list[float]) -> Drained:
    inner = [
        (done, at)
        for done, at in progress.times
        if _FROM * order.tasks <= done <= _TO * order.tasks
    ]
    (first, since), (last, until) = inner[0], inner[-1]
    server, mine, busy = (seconds / whole for seconds in used)
    return Drained(
        tasks=progress.done,
        tasks_per_second=(last - first) / (until - since),
        seconds=whole,
        requests=progress.requests,
        server_cores=server,
        workers_cores=mine,
        elsewhere_cores=busy - server - mine,
    )


def _spent(order: Order) -> tuple[float, float, float]:
    """The processor time of the server, of this process, and of everything."""
    server = sum(machine.cpu_seconds(pid) for pid in order.server_pids)
    return server, time.process_time(), machine.busy_seconds()


def _go_on(worker: _Worker, answer: bytes, order: Order, progress: _Progress) -> None:
    """Take in an answer, and send what follows from it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    # Every status line starts "HTTP/1.1 " and the tenth byte is the class of the status.
    if head[9:10] != b"2":
        raise Refused(answer.decode(errors="replace"))
    progress.requests += 1
    if worker.ending:
        ended = _ends.decode(body)
        lost = [one for one in ended.items if one.state != "succeeded"]
        if lost:
            raise Refused(f"{lost[0]}")
        progress.done += worker.ending
        progress.times.append((progress.done, time.perf_counter()))
        claimed = ended.claimed
    else:
        claimed = _claims.decode(body).items
    if claimed:
        _complete(worker, claimed, order)
    else:
        # Nothing is ready: it is told when something is.
        _claim(worker, order, wait=_WAIT_SECONDS)


def _asked(worker: _Worker, order: Order) -> dict[str, Any]:
    return {
        "worker": worker.name,
        "queues": [order.queue],
        "max": order.batch,
        "lease_seconds": _LEASE_SECONDS,
    }


def _claim(worker: _Worker, order: Order, *, wait: float) -> None:
    worker.ending = 0
    _send(worker, order, "/v1/claims", _asked(worker, order) | {"wait": wait})


def _complete(worker: _Worker, claimed: list[_Claimed], order: Order) -> None:
    worker.ending = len(claimed)
    leases = [
        {"task_id": one.task.id, "lease_seq": one.lease_seq, "attempt": one.attempt}
        for one in claimed
    ]
    said = {"leases": leases, "worker": worker.name, "claim": _asked(worker, order)}
    _send(worker, order, "/v1/leases/complete", said)


def _send(worker: _Worker, order: Order, path: str, said: dict[str, Any]) -> None:
    body = _encode(said)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {order.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    worker.connection.socket.sendall(head.encode() + body)


if __name__ == "__main__":
    try:
        found = run(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))
    except Refused as refusal:
        sys.stderr.write(str(refusal))
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.write(msgspec.json.encode(found).decode())
