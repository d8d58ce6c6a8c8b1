"""`/v1/sources`: who may send signed webhooks. The secret is shown once, when it is made."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.params import Parameter

from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.native.paging import bad_cursor, link_to_next
from farwork.protocol.shapes import when
from farwork.protocol.sources import SourceCreate, SourceCreated, SourceOut, SourcePage
from farwork.service.sources import Source, is_source_id

_create = msgspec.json.Decoder(SourceCreate)
LIMIT_MAX = 500


@post("/", status_code=201, summary="Register a source", operation_id="createSource")
async def create_source(request: AnyRequest, context: Context) -> Response[SourceCreated]:
    """Register a source of signed webhooks; the answer shows its secret, this once.

    An `Idempotency-Key` has no effect: the answer is stored nowhere, because it holds a secret.
    """
    caller = await context.doorkeeper.caller(request)
    raw = await body.read(request, context.config.single_body_bytes_max)
    source, secret = await context.sources.create(caller, body.decode(raw, _create).name)
    return Response(
        SourceCreated(**_fields(source), secret=secret),
        status_code=201,
        headers={"Cache-Control": "no-store"},
    )


@get("/", summary="List sources", operation_id="listSources")
async def list_sources(
    request: AnyRequest,
    context: Context,
    limit: Annotated[int, Parameter(ge=1)] = 50,
    cursor: str = "",
) -> Response[SourcePage]:
    """A page of the project's sources, oldest first; revoked ones too, secrets never."""
    caller = await context.doorkeeper.caller(request)
    if cursor and not is_source_id(cursor):
        raise bad_cursor("this is not a cursor; take next_cursor of the page before")
    found, last = await context.sources.page(caller, after=cursor, limit=min(limit, LIMIT_MAX))
    return Response(
        SourcePage([SourceOut(**_fields(source)) for source in found], last),
        headers=link_to_next(request, last),
    )


@delete("/{source_id:str}", summary="Revoke a source", operation_id="revokeSource")
async def revoke_source(request: AnyRequest, context: Context, source_id: str) -> None:
    """Refuse from now on what this source signs."""
    caller = await context.doorkeeper.caller(request)
    await context.sources.revoke(caller, source_id)


def _fields(source: Source) -> dict[str, Any]:
    return {
        "id": source.id,
        "project": source.project,
        "name": source.name,
        "created_at": when(source.created_at),
        "revoked_at": when(source.revoked_at),
    }


def router() -> Router:
    """The routes of sources."""
    handlers: list[Any] = [create_source, list_sources, revoke_source]
    return Router("/v1/sources", route_handlers=handlers, tags=["access"])
