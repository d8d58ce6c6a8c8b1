"""What the benches of workers share: tasks to work on, and workers to do it."""

import subprocess
import sys
from collections.abc import Iterable
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from bench.harness import RequestsRefused, Server
from bench.workers import Drained, Order

_AT_ONCE = 5_000
_ANSWER_SECONDS_MAX = 120.0
_ROOT = Path(__file__).parent.parent


def ask(server: Server, method: str, path: str, said: Any = None) -> Any:
    """Gives the answer to one request; a refused one voids the round."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_ANSWER_SECONDS_MAX)
    try:
        headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
        body = None if said is None else msgspec.json.encode(said)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RequestsRefused(f"{method} {path}: {text[-2000:].decode(errors='replace')}")
        return msgspec.json.decode(text)
    finally:
        connection.close()


def create(server: Server, tasks: Iterable[dict[str, Any]]) -> int:
    """Creates tasks, thousands in a request, and gives their number."""
    number, left = 0, iter(tasks)
    while some := list(islice(left, _AT_ONCE)):
        ask(server, "POST", "/v1/tasks", some)
        number += len(some)
    return number


def drained(server: Server, queue: str, tasks: int, batch: int, workers: int = 8) -> Drained:
    """Lets workers do all tasks of a queue, and gives what they saw."""
    order = Order(
        port=server.port,
        server_pids=server.pids,
        key=server.key,
        queue=queue,
        tasks=tasks,
        batch=batch,
        workers=workers,
    )
    process = subprocess.run(
        [sys.executable, "-m", "bench.workers"],
        input=msgspec.json.encode(order) + b"\n",
        capture_output=True,
        check=False,
        cwd=_ROOT,
    )
    if process.returncode != 0:
        raise RequestsRefused(f"{server.name}: {process.stderr[-2000:].decode(errors='replace')}")
    return msgspec.json.decode(process.stdout, type=Drained)
