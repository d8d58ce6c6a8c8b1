"""What the document under the gateway's addresses says of its calls."""

from typing import Any

from msgspec import Struct

from farwork.http.contract import TEXT, Contract, Json, Said, document
from farwork.http.dialects.uniqc import wire

_NUMBER: Json = {"type": "integer"}
_BOOLEAN: Json = {"type": "boolean"}
_HTML = "text/html"
_PAGED: dict[str, Json] = {"status": TEXT, "backend": TEXT, "limit": _NUMBER, "offset": _NUMBER}
_FOUND = (404,)
_ORDERED = (404, 409)


class TaskPage(Struct):
    """A page of the active tasks."""

    tasks: list[wire.Row]
    total: int
    limit: int
    offset: int


class ArchivePage(Struct):
    """A page of the archive; `count` is its size before any filter."""

    tasks: list[wire.Row]
    total: int
    count: int
    limit: int
    offset: int


CALLS: dict[str, Said] = {
    "GET /api/health": Said(summary="The server answers", answer=wire.Health, open=True),
    "GET /api/version": Said(summary="Which version it is", answer=wire.Version, open=True),
    "GET /api/tasks": Said(
        summary="List active tasks", answer=TaskPage, query=_PAGED, refusals=(422,)
    ),
    "GET /api/tasks/counts": Said(summary="Count active tasks by status", answer=wire.Counts),
    "GET /api/tasks/{task_id}": Said(
        summary="Show an active task with its result", answer=wire.Full, refusals=_FOUND
    ),
    "GET /api/tasks/{task_id}/shards": Said(
        summary="Show its shards", answer=wire.Shards, refusals=_FOUND
    ),
    "DELETE /api/tasks/{task_id}": Said(
        summary="Delete it for good", answer=wire.Deleted, refusals=_ORDERED
    ),
    "POST /api/tasks/{task_id}/archive": Said(
        summary="Put it into the archive", answer=wire.Archived, refusals=_ORDERED
    ),
    "POST /api/tasks/bulk-archive": Said(
        summary="Put tasks into the archive", answer=wire.BulkArchived, body=wire.Ids,
        refusals=(400, 422),
    ),
    "POST /api/tasks/bulk-delete": Said(
        summary="Delete active tasks for good", answer=wire.BulkDeleted, body=wire.Ids,
        refusals=(400, 422),
    ),
    "POST /api/tasks/archive-expired": Said(
        summary="Archive what was not updated for so many hours", answer=wire.Expired,
        query={"hours": _NUMBER, "terminal_only": _BOOLEAN}, refusals=(422,),
    ),
    "GET /api/archive": Said(
        summary="List archived tasks", answer=ArchivePage, query=_PAGED, refusals=(422,)
    ),
    "GET /api/archive/{task_id}": Said(
        summary="Show an archived task with its result", answer=wire.Full, refusals=_FOUND
    ),
    "GET /api/archive/{task_id}/shards": Said(
        summary="Show the shards of an archived task", answer=wire.Shards, refusals=_FOUND
    ),
    "DELETE /api/archive/{task_id}": Said(
        summary="Delete an archived task for good", answer=wire.Deleted, refusals=_ORDERED
    ),
    "POST /api/archive/restore/{task_id}": Said(
        summary="Bring an archived task back", answer=wire.Restored, refusals=_ORDERED
    ),
    "GET /api/backends/live": Said(
        summary="List the queues as backends", answer=list[wire.Backend]
    ),
    "GET /api/backends": Said(
        summary="The same by platform", answer=dict[str, list[wire.Backend]]
    ),
    "GET /api/backends/{backend_id}": Said(
        summary="Show a backend", answer=wire.Backend, refusals=_FOUND
    ),
    "POST /api/backends/refresh": Said(
        summary="How many backends are known", answer=wire.Refreshed, query={"platform": TEXT},
        refusals=(400,),
    ),
    "GET /api/circuits/{task_id}/svg": Said(
        summary="Show the text of a circuit", media_type=_HTML, query={"format": TEXT},
        refusals=(400, 404),
    ),
}  # fmt: skip


def _refusal(status: int) -> Any:
    return wire.Flaws if status == 422 else wire.Refusal  # noqa: PLR2004 - as FastAPI has it


def gateway_document() -> Json:
    """The document of the gateway's calls over HTTP; the websocket is on its page of the docs."""
    return document(
        Contract(
            title="uniqc gateway",
            description="The gateway's tasks, archive and backends over our tasks.",
            calls=CALLS,
            refusals=_refusal,
            security={"key": {"type": "http", "scheme": "bearer"}},
        )
    )
