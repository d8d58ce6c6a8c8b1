"""`POST /v1/import` and `GET /v1/export`: whole tasks with their history, as streams."""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.response import Stream
from msgspec import Struct

from farwork.http import body
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.query import query_of
from farwork.http.splitting import BOM, LineSplitter, ListSplitter, Piece, Splitter
from farwork.protocol.depth import DEPTH_MAX, is_too_deep
from farwork.protocol.queries import NoQuery
from farwork.protocol.transfer import ExportQuery, ImportOut, ImportRefusal, JobRecord, TaskRecord
from farwork.service.access import Role
from farwork.service.transfer import RECORDS_AT_ONCE, Import, Line

NDJSON = "application/x-ndjson"
# A record holds what a report brought, up to two levels deeper: results and shards are lists.
RECORD_DEPTH_MAX = DEPTH_MAX + 2
# Records of many megabytes are not held in great numbers.
BYTES_AT_ONCE = 4 << 20
MISTAKES_SHOWN_MAX = 10

_record = msgspec.json.Decoder(TaskRecord)
_job_record = msgspec.json.Decoder(JobRecord)
# It has nothing else in it.
_JOB = re.compile(rb'\s*\{\s*"job"\s*:')

_RECORD: dict[str, Any] = {
    "id": "uqt_5e1f",
    "kind": "circuit",
    "queue": "originq:WK_C180",
    "state": "succeeded",
    "created_at": "2026-11-20T09:00:00Z",
    "updated_at": "2026-11-20T09:04:00Z",
    "completed_at": "2026-11-20T09:04:00Z",
    "metadata": {"circuit_language": "OpenQASM"},
    "extensions": {"uniqc": {"shots": 1000}},
    "result": {"00": 510, "11": 490},
}
IMPORT = Call(
    id="importTasks",
    summary="Import whole tasks",
    needs=Role.ADMIN,
    body=list[TaskRecord],
    lines=TaskRecord,
    answer=ImportOut,
    example=[_RECORD],
    answer_example={
        "created": 9_998,
        "replaced": 1,
        "refused": 1,
        "jobs": 3,
        "refusals": [{"line": 17, "id": "run-17", "reason": "/state: must be one of created, ..."}],
    },
)
EXPORT = Call(
    id="exportTasks",
    summary="Export whole tasks",
    needs=Role.VIEWER,
    query=ExportQuery,
    answer=TaskRecord,
    answer_lines=True,
    answer_example=_RECORD,
)


@post("/import", status_code=200, opt=described(IMPORT))
async def import_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """Take whole tasks with their history: a JSON list, or NDJSON (`application/x-ndjson`).

    Each record is taken for itself; it replaces the task that has its id. A record like
    `{"job": {"id": "sweep-3", "name": "Sweep"}}` is a job. The answer says how many
    were created, replaced and refused, and why. The body may be of any length: it is taken as it
    comes, several hundred records in one transaction. The same body may be sent again after a
    failure: what was taken is replaced by itself.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    taken = context.transfer.begin(caller)
    waiting: list[Line] = []
    size = 0
    async for piece in _pieces(request, context.config.batch_body_bytes_max):
        line = _line(piece, taken)
        if line is None:
            continue
        waiting.append(line)
        size += len(piece.data or b"")
        if len(waiting) >= RECORDS_AT_ONCE or size >= BYTES_AT_ONCE:
            await context.transfer.take(caller, waiting, taken)
            waiting, size = [], 0
    await context.transfer.take(caller, waiting, taken)
    in_order = sorted(taken.refusals, key=lambda refusal: refusal.line)
    refusals = [ImportRefusal(r.line, r.id, r.reason) for r in in_order]
    return answer(ImportOut(taken.created, taken.replaced, taken.refused, refusals, taken.jobs))


async def _pieces(request: AnyRequest, bytes_max: int) -> AsyncIterator[Piece]:
    """The records of a body, as they come in."""
    lines = "ndjson" in request.headers.get("content-type", "")
    splitter: Splitter | None = LineSplitter(bytes_max) if lines else None
    head = b""
    async for data in request.stream():
        if splitter is not None:
            parts = splitter.feed(data)
        else:
            head += data
            splitter = _splitter_for(head, bytes_max)
            parts = () if splitter is None else splitter.feed(head)
        for piece in parts:
            yield piece
    if splitter is None:
        raise body.not_json("The body is empty; a JSON list, or NDJSON, is expected.")
    for piece in splitter.finish():
        yield piece


def _splitter_for(head: bytes, bytes_max: int) -> Splitter | None:
    """What takes a body apart that begins like this; None: it has not begun."""
    match head.removeprefix(BOM).lstrip()[:1]:
        case b"":
            return None
        case b"[":
            return ListSplitter(bytes_max)
        case b"{":
            return LineSplitter(bytes_max)
        case _:
            raise body.not_json("A JSON list of records, or a record a line (NDJSON), is expected.")


class _Name(Struct):
    id: str | None = None


_name = msgspec.json.Decoder(_Name)


def _line(piece: Piece, taken: Import) -> Line | None:
    """The record of a piece; None: it was refused."""
    if piece.data is None:
        taken.refuse(piece.number, None, piece.mistake)
        return None
    try:
        if is_too_deep(piece.data, RECORD_DEPTH_MAX):
            raise body.too_deep(piece.data)
        decoder: Any = _job_record if _JOB.match(piece.data) else _record
        return Line(piece.number, body.decode(piece.data, decoder, bounded=False))
    except body.InvalidBody as error:
        taken.refuse(piece.number, _id_in(piece.data), _reason(error))
        return None


def _id_in(data: bytes) -> str | None:
    try:
        return _name.decode(data).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _reason(error: body.InvalidBody) -> str:
    problems = error.problems
    said = [f"{pointer}: {detail}" if pointer else detail for pointer, detail in problems]
    if len(said) > MISTAKES_SHOWN_MAX:
        said[MISTAKES_SHOWN_MAX:] = [f"and {len(problems) - MISTAKES_SHOWN_MAX} more mistakes"]
    return "; ".join(said) or error.detail or error.title


@get("/export", opt=described(EXPORT))
async def export_tasks(request: AnyRequest, context: Context) -> Stream:
    """Give whole tasks with their history as NDJSON, the earliest created first.

    Archived ones too, unless the filters say otherwise. The jobs go first, unless a filter chooses
    among the tasks: `{"job": {"id": "sweep-3", "name": ...}}`. Imported into an empty server, which
    may stand on the other database engine, they give the same answers.
    """
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, ExportQuery)
    return Stream(
        context.transfer.export(caller, query),
        media_type=NDJSON,
        headers={"Content-Disposition": 'attachment; filename="tasks.ndjson"'},
    )


def router() -> Router:
    """The routes of import and export."""
    handlers: list[Any] = [import_tasks, export_tasks]
    return Router("/v1", route_handlers=handlers)
