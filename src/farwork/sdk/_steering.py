"""The calls that steer queues and workers, as flows."""

from urllib.parse import quote

import msgspec

from farwork.protocol.steering import QueueOut, QueuePage, WorkerOut, WorkerPage
from farwork.sdk._flow import Flow, Request, Stream, ask, pages


def list_queues(*, limit: int | None = None) -> Stream[QueueOut]:
    """Queues by name, at most `limit` of them (None: all)."""
    return pages("/v1/queues", QueuePage, limit=limit)


def list_workers(*, limit: int | None = None) -> Stream[WorkerOut]:
    """Workers, the last seen first, at most `limit` of them (None: all)."""
    return pages("/v1/workers", WorkerPage, limit=limit)


def steer_queue(name: str, *, state: str, comment: str | None = None) -> Flow[QueueOut]:
    """Pause, drain or open (`active`) a queue."""
    return ask(_patch(f"/v1/queues/{quote(name, safe='')}", state, comment), QueueOut)


def steer_worker(name: str, *, state: str, comment: str | None = None) -> Flow[WorkerOut]:
    """Pause or drain a worker, or let it work on (`active`). Raises `NotFound`."""
    return ask(_patch(f"/v1/workers/{quote(name, safe='')}", state, comment), WorkerOut)


def _patch(path: str, state: str, comment: str | None) -> Request:
    body = msgspec.json.encode({"state": state, "comment": comment})
    return Request("PATCH", path, body=body, repeatable=True)
