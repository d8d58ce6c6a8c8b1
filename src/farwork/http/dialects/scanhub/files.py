"""The routes of files: what results name, out of the data lake, to those who may see the result.

A file lies where ScanHub's services agree that it does: `<lake>/<workflow>/<task>/<result>/`. The
record decides who may have it: where an address names no result of the caller's, nobody looks.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.scanhub import raw_data, translate, wire
from farwork.http.dialects.scanhub.answers import answer
from farwork.http.dialects.scanhub.asking import Query, Refused, id_in_path
from farwork.http.dialects.scanhub.desk import Desk, opened

CHUNK_BYTES = 1 << 20
RAW = "data.mrd"
DICOM, BYTES = "application/dicom", "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
Word: TypeAlias = FromPath[str]
T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Part:
    """A part of a file: from `begin` up to, and without, `end`."""

    begin: int
    end: int


@get("/dcm/{workflow_id:str}/{task_id:str}/{result_id:str}/{file_name:str}")
async def get_dicom(
    request: AnyRequest,
    context: Context,
    workflow_id: Word,
    task_id: Word,
    result_id: Word,
    file_name: Word,
) -> Response[Any]:
    desk = await opened(request, context)
    place = await _folder(desk, workflow_id, task_id, result_id)
    return await _given(request, place, file_name, DICOM)


@get("/mrd/{workflow_id:str}/{task_id:str}/{result_id:str}/download")
async def get_raw(
    request: AnyRequest, context: Context, workflow_id: Word, task_id: Word, result_id: Word
) -> Response[Any]:
    desk = await opened(request, context)
    place = await _folder(desk, workflow_id, task_id, result_id)
    return await _given(request, place, RAW, BYTES)


@get("/mrd/{workflow_id:str}/{task_id:str}/{result_id:str}/meta")
async def get_raw_meta(
    request: AnyRequest, context: Context, workflow_id: Word, task_id: Word, result_id: Word
) -> Response[Any]:
    desk = await opened(request, context)
    path = await _raw_file(await _folder(desk, workflow_id, task_id, result_id))
    index = await _looking(raw_data.index_of, path)
    workflow, task, result = map(id_in_path, (workflow_id, task_id, result_id))
    return answer(wire.RawMeta(workflow, task, result, "fc32", index))


@get("/mrd/{workflow_id:str}/{task_id:str}/{result_id:str}/data")
async def get_raw_data(
    request: AnyRequest, context: Context, workflow_id: Word, task_id: Word, result_id: Word
) -> Response[Any]:
    desk = await opened(request, context)
    query = Query(request.scope["query_string"])
    asked, coil, stride = query.text("ids"), query.count("coil_idx", 0), query.count("stride", 1)
    query.finish()
    try:
        ids = raw_data.ids_in(asked)
    except ValueError as error:
        raise Refused(400, f"In ids, {error}.") from None
    path = await _raw_file(await _folder(desk, workflow_id, task_id, result_id))
    await _looking(raw_data.check, path, ids, coil)
    parts = raw_data.packets(path, ids, coil, stride)
    return Stream(_given_in_threads(parts), media_type=BYTES)


async def _raw_file(folder: Path) -> Path:
    if await asyncio.to_thread(_looked_at, folder, RAW) is None:
        raise Refused(404, "There is no raw data.")
    return folder / RAW


async def _looking(look: Callable[..., T], *given: Any) -> T:
    try:
        return await asyncio.to_thread(look, *given)
    except raw_data.NotReadable as error:
        raise Refused(404, str(error)) from None
    except raw_data.NotThere as error:
        raise Refused(400, str(error)) from None


async def _given_in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while part := await asyncio.to_thread(next, parts, b""):
        yield part


async def _folder(desk: Desk, workflow_id: str, task_id: str, result_id: str) -> Path:
    """Where the files of a result lie. Raises `Refused` unless it is the caller's."""
    ids = [id_in_path(one) for one in (workflow_id, task_id, result_id)]
    lake = desk.context.config.scanhub_data_lake
    if not lake:
        raise Refused(404, "This server shows no files: FARWORK_SCANHUB_DATA_LAKE is not set.")
    document = await desk.document(translate.RESULT, ids[2])
    if document is None or document.parent_id != ids[1]:
        raise Refused(404, f"There is no result {ids[2]} of the task {ids[1]}.")
    leaf, _ = await desk.task(ids[1])
    if leaf.task.job_id != ids[0]:
        raise Refused(404, f"There is no task {ids[1]} in the workflow {ids[0]}.")
    return Path(lake, *ids)


async def _given(request: AnyRequest, folder: Path, name: str, kind: str) -> Response[Any]:
    """A file, or the part of it that is asked for. Raises `Refused`."""
    path = folder / name
    found = await asyncio.to_thread(_looked_at, folder, name)
    if found is None:
        raise Refused(404, "There is no such file.")
    size, changed_at = found
    tag = f'"{size:x}-{changed_at:x}"'
    headers = {
        "ETag": tag,
        "Last-Modified": formatdate(changed_at / 1e9, usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache, no-transform",
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
    }
    if tag in (one.strip() for one in request.headers.get("if-none-match", "").split(",")):
        return Response(None, status_code=304, headers=headers)
    asked = request.headers.get("range") if request.headers.get("if-range", tag) == tag else None
    part, status = Part(0, size), 200
    if asked is not None:
        wanted = part_of(asked, size)
        if wanted is None:
            headers["Content-Range"] = f"bytes */{size}"
            return Response(None, status_code=416, headers=headers)
        if wanted != part:
            part, status = wanted, 206
            headers["Content-Range"] = f"bytes {part.begin}-{part.end - 1}/{size}"
    headers["Content-Length"] = str(part.end - part.begin)
    return Stream(_read(path, part), media_type=kind, status_code=status, headers=headers)


def _looked_at(folder: Path, name: str) -> tuple[int, int] | None:
    """The size and the time of change of a file that lies in a folder; None: there is none."""
    if "/" in name or "\\" in name or "\0" in name or name in (".", ".."):
        return None
    path = folder / name
    try:
        # A link may lead anywhere.
        if path.resolve().parent != folder.resolve() or not path.is_file():
            return None
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def part_of(asked: str, size: int) -> Part | None:
    """The part that a `Range` asks for; all of it where it asks for several; None: there is none.

    What is no range of bytes is passed over.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return Part(0, size)
    first, last = found[1], found[2]
    if first == "":
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), size if last == "" else min(int(last) + 1, size)
        if last != "" and int(last) < begin:
            return Part(0, size)
    return Part(begin, end) if begin < end else None


async def _read(path: Path, part: Part) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, part.begin)
        left = part.end - part.begin
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
    finally:
        file.close()


CALLS: list[Any] = [get_dicom, get_raw, get_raw_meta, get_raw_data]
