"""The routes of sequences: the programs of scans, kept as text."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import HTTP
from pathlib import PurePosixPath
from typing import Any, TypeAlias, cast

from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from farwork import clock
from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.dialects.scanhub import asking, translate, wire
from farwork.http.dialects.scanhub.answers import answer
from farwork.http.dialects.scanhub.asking import Flawed, Refused
from farwork.http.dialects.scanhub.desk import Desk, opened
from farwork.service.access import Role
from farwork.service.trees import Document, DocumentChange, Gone

ID_BYTES = 12
FILES = ("seq_file", "xml_file")
SequenceId: TypeAlias = FromPath[str]


@post("/sequence", status_code=201)
async def create_sequence(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    form = _form_of(raw, request.headers.get("content-type", ""))
    missing = [name for name in FILES if name not in form]
    if missing:
        raise Flawed([wire.Flaw("missing", ["body", name], "Field required") for name in missing])
    fields = _said(form)
    for name in FILES:
        file = form[name][-1]
        fields[name] = _text(file, name)
        fields[f"{name}_extension"] = PurePosixPath(file.get_filename() or "").suffix[1:]
    document_id = clock.token(ID_BYTES).hex()
    what = desk.composition()
    what.documents.append(desk.new(translate.SEQUENCE, fields, document_id=document_id))
    written = await desk.write(Role.OPERATOR, [], what)
    return answer(translate.sequence_from(written.composed.documents[document_id]), 201)


def _form_of(raw: bytes, content_type: str) -> dict[str, list[EmailMessage]]:
    """The parts of a form by name. Raises `Flawed`."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + raw, policy=HTTP)
    if message.get_content_type() != "multipart/form-data" or not message.is_multipart():
        raise Flawed([wire.Flaw("value_error", ["body"], "Input should be multipart/form-data")])
    form: dict[str, list[EmailMessage]] = {}
    for part in cast("list[EmailMessage]", list(message.iter_parts())):
        name = part.get_param("name", header="content-disposition")
        form.setdefault(str(name), []).append(part)
    return form


def _said(form: dict[str, list[EmailMessage]]) -> translate.Fields:
    said: dict[str, Any] = {
        name: _text(form[name][-1], name)
        for name in ("name", "description", "sequence_type")
        if name in form
    }
    tags = [_text(part, "tags") for part in form.get("tags", [])]
    said["tags"] = [tag.strip() for one in tags for tag in one.split(",") if tag.strip()]
    return translate.sequence_fields(asking.converted(said, wire.SequenceIn))


def _text(part: EmailMessage, name: str) -> str:
    raw = cast("bytes", part.get_payload(decode=True) or b"")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Flawed([wire.Flaw("value_error", ["body", name], "must be text in UTF-8")])
    return text


@get("/sequences/all")
async def list_sequences(request: AnyRequest, context: Context) -> Response[Any]:
    desk = await opened(request, context)
    found = await desk.documents(translate.SEQUENCE)
    return answer([translate.sequence_from(one) for one in found])


@get("/sequence/{sequence_id:str}")
async def get_sequence(
    request: AnyRequest, context: Context, sequence_id: SequenceId
) -> Response[Any]:
    desk = await opened(request, context)
    return answer(translate.sequence_from(await _sequence(desk, sequence_id)))


@get("/sequence/{sequence_id:str}/file")
async def get_file(request: AnyRequest, context: Context, sequence_id: SequenceId) -> Response[Any]:
    return await _download(request, context, sequence_id, "seq_file")


@get("/sequence/{sequence_id:str}/header")
async def get_header(
    request: AnyRequest, context: Context, sequence_id: SequenceId
) -> Response[Any]:
    return await _download(request, context, sequence_id, "xml_file")


async def _download(
    request: AnyRequest, context: Context, sequence_id: str, name: str
) -> Response[Any]:
    desk = await opened(request, context)
    fields = (await _sequence(desk, sequence_id)).body
    file = f"{sequence_id}.{fields[f'{name}_extension']}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(fields[name], media_type="application/octet-stream", headers=headers)


@put("/sequence/{sequence_id:str}")
async def put_sequence(
    request: AnyRequest, context: Context, sequence_id: SequenceId
) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    document = await _sequence(desk, sequence_id)
    said = asking.body_of(await desk.raw(request), wire.SequenceIn)
    document.body |= translate.sequence_fields(said)
    what = desk.composition()
    what.document_changes.append(DocumentChange(document))
    written = await desk.write(Role.OPERATOR, [], what)
    return answer(translate.sequence_from(written.composed.documents[document.id]))


@delete("/sequence/{sequence_id:str}", status_code=202)
async def delete_sequence(
    request: AnyRequest, context: Context, sequence_id: SequenceId
) -> Response[Any]:
    desk = await opened(request, context, Role.OPERATOR)
    document = await _sequence(desk, sequence_id)
    what = desk.composition()
    what.documents_gone.append(Gone(translate.NAME, translate.SEQUENCE, [document.id]))
    await desk.write(Role.OPERATOR, [], what)
    return answer(None, 202)


async def _sequence(desk: Desk, sequence_id: str) -> Document:
    found = None
    if sequence_id.isalnum() and sequence_id.isascii():
        found = await desk.document(translate.SEQUENCE, sequence_id.lower())
    if found is None:
        raise Refused(404, "There is no such sequence.")
    return found


CALLS: list[Any] = [
    create_sequence, list_sequences, get_sequence, get_file, get_header, put_sequence,
    delete_sequence,
]  # fmt: skip
