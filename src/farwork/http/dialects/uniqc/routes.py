"""The gateway's routes: read what is asked, call the use cases, answer in the gateway's words."""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from litestar import HttpMethod, Response, Router, delete, get, post, route
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.params import FromPath
from litestar.response import Stream

from farwork import __version__
from farwork.domain.errors import TaskNotFound
from farwork.domain.values import Instant
from farwork.http import body
from farwork.http.address import SLASH
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.contract import served
from farwork.http.dialects.uniqc import translate, wire
from farwork.http.dialects.uniqc.answers import (
    JSON,
    Refused,
    answer,
    encode,
    headers_for,
    preflight,
    respond,
)
from farwork.http.dialects.uniqc.asking import Flawed, Query, UnreadableBody, ids_of
from farwork.http.dialects.uniqc.events import events_route
from farwork.http.dialects.uniqc.openapi import gateway_document
from farwork.http.problems import FORESEEN
from farwork.service.listings import CHUNK_ROWS_MAX, ListRow

HOUR: Instant = 3_600_000_000
# The years that a date can have, 1 to 9999: beyond them there is no cut-off to compare with.
EARLIEST: Instant = -62_135_596_800_000_000
LATEST: Instant = 253_402_300_799_999_999

# The text of a circuit is somebody's: whatever it holds, it runs nothing and loads nothing.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

# --- lists ---

TaskId: TypeAlias = FromPath[str]


@get("/api/tasks")
async def list_tasks(request: AnyRequest, context: Context) -> Response[Any]:
    return await _list(request, context, archived=False)


@get("/api/archive")
async def list_archive(request: AnyRequest, context: Context) -> Response[Any]:
    return await _list(request, context, archived=True)


async def _list(request: AnyRequest, context: Context, *, archived: bool) -> Response[Any]:
    caller = await context.doorkeeper.caller(request)
    query = Query(request.scope["query_string"])
    wanted = translate.selection_of(query.text("status"), query.text("backend"), archived=archived)
    limit, offset = query.integer("limit", wire.LIMIT), query.integer("offset", 0)
    query.finish()
    listing = await context.listings.open(
        caller, wanted, offset=max(offset, 0), limit=None if limit < 0 else limit
    )
    tail: wire.PageTail | wire.ArchiveTail = wire.PageTail(listing.total, limit, offset)
    if archived:
        tail = wire.ArchiveTail(listing.total, listing.shelf, limit, offset)
    parts = _listed(listing.chunks, tail)
    if 0 <= limit <= CHUNK_ROWS_MAX:
        whole = b"".join([part async for part in parts])
        return Response(whole, media_type=JSON, headers=headers_for(request))
    return Stream(parts, media_type=JSON, headers=headers_for(request))


async def _listed(
    chunks: AsyncIterator[list[ListRow]], tail: wire.PageTail | wire.ArchiveTail
) -> AsyncIterator[bytes]:
    """The list as it is read: however long it is, a chunk of it is held at a time."""
    before = b'{"tasks":['
    async for rows in chunks:
        shown = (encode(translate.row_from(row.task, row.details)) for row in rows)
        yield before + b",".join(shown)
        before = b","
    ahead = b"" if before == b"," else before
    yield ahead + b"]," + encode(tail)[1:]


@get("/api/tasks/counts")
async def count_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    return answer(request, translate.counts_from(await context.listings.counts(caller)))


# --- one task ---


@get("/api/tasks/{task_id:str}")
async def get_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[bytes]:
    return await _get(request, context, task_id, archived=False)


@get("/api/archive/{task_id:str}")
async def get_archived(request: AnyRequest, context: Context, task_id: TaskId) -> Response[bytes]:
    return await _get(request, context, task_id, archived=True)


async def _get(
    request: AnyRequest, context: Context, task_id: TaskId, *, archived: bool
) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    with _naming(task_id, archived=archived):
        found = await context.listings.whole(caller, task_id, archived=archived)
    return answer(request, translate.full_from(found.task, found.details, found.result))


@get("/api/tasks/{task_id:str}/shards")
async def get_shards(request: AnyRequest, context: Context, task_id: TaskId) -> Response[bytes]:
    return await _shards(request, context, task_id, archived=False)


@get("/api/archive/{task_id:str}/shards")
async def get_archived_shards(
    request: AnyRequest, context: Context, task_id: TaskId
) -> Response[bytes]:
    return await _shards(request, context, task_id, archived=True)


async def _shards(
    request: AnyRequest, context: Context, task_id: TaskId, *, archived: bool
) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    with _naming(task_id, archived=archived):
        task, shards = await context.listings.shards(caller, task_id, archived=archived)
    return answer(request, translate.shards_from(task, shards))


@delete("/api/tasks/{task_id:str}", status_code=200)
async def delete_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[bytes]:
    return await _delete(request, context, task_id, archived=False)


@delete("/api/archive/{task_id:str}", status_code=200)
async def delete_archived(
    request: AnyRequest, context: Context, task_id: TaskId
) -> Response[bytes]:
    return await _delete(request, context, task_id, archived=True)


async def _delete(
    request: AnyRequest, context: Context, task_id: TaskId, *, archived: bool
) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    with _naming(task_id, archived=archived):
        await context.tasks.delete(caller, task_id, archived=archived)
    return answer(request, wire.Deleted(task_id))


@post("/api/tasks/{task_id:str}/archive", status_code=200)
async def archive_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    with _naming(task_id, archived=False):
        await context.tasks.order(caller, "archive", task_id, archived=False)
    return answer(request, wire.Archived(task_id))


@post("/api/archive/restore/{task_id:str}", status_code=200)
async def restore_task(request: AnyRequest, context: Context, task_id: TaskId) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    with _naming(task_id, archived=True):
        await context.tasks.order(caller, "restore", task_id, archived=True)
    return answer(request, wire.Restored(task_id))


@contextmanager
def _naming(task_id: str, *, archived: bool) -> Generator[None]:
    """Says in the gateway's words which task there is not; no id of its paths holds a slash."""
    if SLASH in task_id:
        raise NotFoundException
    missing = f"{'Archived task' if archived else 'Task'} '{task_id}' not found"
    if not translate.is_storable(task_id):
        raise Refused(404, missing.encode("utf-8", "replace").decode())
    try:
        yield
    except TaskNotFound:
        raise Refused(404, missing) from None


# --- many tasks ---


@post("/api/tasks/bulk-archive", status_code=200)
async def bulk_archive(request: AnyRequest, context: Context) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    done = await context.bulk.archive(caller, await _ids(request, context))
    return answer(request, wire.BulkArchived(done.changed, done.missing, len(done.changed)))


@post("/api/tasks/bulk-delete", status_code=200)
async def bulk_delete(request: AnyRequest, context: Context) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    done = await context.bulk.delete(caller, await _ids(request, context), archived=False)
    return answer(request, wire.BulkDeleted(done.changed, done.missing, len(done.changed)))


async def _ids(request: AnyRequest, context: Context) -> list[str]:
    raw = await body.read(request, context.config.batch_body_bytes_max)
    return ids_of(raw, request.headers.get("content-type"))


@post("/api/tasks/archive-expired", status_code=200)
async def archive_expired(request: AnyRequest, context: Context) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    query = Query(request.scope["query_string"])
    now = context.ledger.now()
    hours = query.integer(
        "hours", wire.HOURS, least=-((LATEST - now) // HOUR), most=(now - EARLIEST) // HOUR
    )
    terminal_only = query.boolean("terminal_only", default=True)
    query.finish()
    done = await context.bulk.archive_expired(
        caller, now - hours * HOUR, terminal_only=terminal_only
    )
    return answer(
        request,
        wire.Expired(done.archived, len(done.archived), hours, terminal_only, done.skipped),
    )


# --- what the gateway's web page needs beside tasks ---


@get("/api/health")
async def health(request: AnyRequest) -> Response[bytes]:
    return answer(request, wire.Health("ok"))


@get("/api/version")
async def version(request: AnyRequest) -> Response[bytes]:
    return answer(request, wire.Version(__version__, "", "/docs"))


@get("/api/backends/live")
async def list_live_backends(request: AnyRequest, context: Context) -> Response[bytes]:
    return answer(request, await _backends(request, context))


@get("/api/backends")
async def list_backends(request: AnyRequest, context: Context) -> Response[bytes]:
    return answer(request, translate.by_platform(await _backends(request, context)))


@get("/api/backends/{backend_id:str}")
async def get_backend(
    request: AnyRequest, context: Context, backend_id: FromPath[str]
) -> Response[bytes]:
    for backend in await _backends(request, context):
        if backend.id == backend_id:
            return answer(request, backend)
    if SLASH in backend_id:
        raise NotFoundException
    raise Refused(404, f"Backend '{backend_id}' not found")


@post("/api/backends/refresh", status_code=200)
async def refresh_backends(request: AnyRequest, context: Context) -> Response[bytes]:
    platform = Query(request.scope["query_string"]).text("platform")
    refreshed = translate.refreshed_from(await _backends(request, context), platform)
    if platform is not None and not refreshed.updated:
        raise Refused(400, f"Unknown platform: {platform}")
    return answer(request, refreshed)


async def _backends(request: AnyRequest, context: Context) -> list[wire.Backend]:
    caller = await context.doorkeeper.caller(request)
    queues = await context.listings.queues(caller)
    return [translate.backend_from(queue, states) for queue, states in queues.items()]


@get("/api/circuits/{task_id:str}/svg")
async def show_circuit(request: AnyRequest, context: Context, task_id: TaskId) -> Response[str]:
    caller = await context.doorkeeper.caller(request)
    with _naming(task_id, archived=False):
        found = await context.listings.whole(caller, task_id)
    given = Query(request.scope["query_string"]).text("format")
    wanted = "source" if given is None else given
    if wanted not in wire.CIRCUIT_FORMATS:
        raise Refused(400, f"format must be one of: {', '.join(wire.CIRCUIT_FORMATS)}")
    result = None if found.result is None else found.result.data
    page = translate.circuit_page(task_id, found.details, result, wanted)
    headers = headers_for(request) | {"Content-Security-Policy": PAGE_POLICY}
    return Response(page, media_type="text/html", headers=headers)


# --- the rest ---

CALLS: list[Any] = [
    health, version,
    list_tasks, count_tasks, get_task, get_shards, delete_task, archive_task,
    bulk_delete, bulk_archive, archive_expired,
    list_archive, get_archived, get_archived_shards, delete_archived, restore_task,
    list_live_backends, list_backends, get_backend, refresh_backends, show_circuit,
]  # fmt: skip


METHODS: dict[str, list[str]] = {}
"""The methods that each address takes."""
for _call in CALLS:
    for _path in _call.paths:
        METHODS.setdefault(_path, []).extend(sorted(_call.http_methods))


@route(sorted(METHODS), http_method=[HttpMethod.OPTIONS])
async def ask_options(request: AnyRequest) -> Response[str]:
    """What a browser asks before it calls; nobody else may."""
    allowed = preflight(request)
    if allowed is not None:
        return allowed
    # The framework's templates leave out the types of what is in them.
    here = request.scope["path_template"]
    methods = [m for path, of in METHODS.items() if path.replace(":str", "") == here for m in of]
    raise MethodNotAllowedException(headers={"allow": ", ".join(methods)})


def router() -> Router:
    """The routes of the gateway."""
    return Router(
        "/",
        # First, or the framework puts in its own answer to OPTIONS.
        route_handlers=[ask_options, *CALLS, *served("/api", gateway_document), events_route()],
        # Each by name: the application's handler of a nearer class would go before this one.
        exception_handlers=dict.fromkeys(
            (*FORESEEN, Flawed, Refused, UnreadableBody, Exception), respond
        ),
        include_in_schema=False,
    )
