"""`/v1/sources`: who may send signed webhooks. The secret is shown once, when it is made."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, post

from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native.paging import bad_cursor, bounded, link_to_next
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery, PageQuery
from farwork.protocol.shapes import when
from farwork.protocol.sources import SourceCreate, SourceCreated, SourceOut, SourcePage
from farwork.service.access import Role
from farwork.service.sources import Source, SourceNotFound, TooManySources, is_source_id

_create = msgspec.json.Decoder(SourceCreate)

_SOURCE = {
    "id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "project": "default",
    "name": "trainers-eu",
    "created_at": "2026-11-22T02:00:00Z",
    "revoked_at": None,
}
CREATE = Call(
    id="createSource",
    summary="Register a source",
    needs=Role.ADMIN,
    body=SourceCreate,
    answer=SourceCreated,
    status=201,
    example={"name": "trainers-eu"},
    answer_example=_SOURCE | {"secret": "whsec_..."},
    refusals=(TooManySources,),
)
LIST = Call(
    id="listSources",
    summary="List sources",
    needs=Role.ADMIN,
    query=PageQuery,
    answer=SourcePage,
    answer_example={"items": [_SOURCE], "next_cursor": None},
    paged=True,
)
REVOKE = Call(
    id="revokeSource",
    summary="Revoke a source",
    needs=Role.ADMIN,
    answer=None,
    status=204,
    refusals=(SourceNotFound,),
)


@post("/", status_code=201, opt=described(CREATE))
async def create_source(request: AnyRequest, context: Context) -> Response[bytes]:
    """Register a source of signed webhooks; the answer shows its secret, this once.

    An `Idempotency-Key` has no effect: the answer is stored nowhere, because it holds a secret.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    source, secret = await context.sources.create(caller, body.decode(raw, _create).name)
    made = SourceCreated(**_fields(source), secret=secret)
    return answer(made, status=201, headers={"Cache-Control": "no-store"})


@get("/", opt=described(LIST))
async def list_sources(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the project's sources, oldest first; revoked ones too, secrets never."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, PageQuery)
    cursor = query.cursor or ""
    if cursor and not is_source_id(cursor):
        raise bad_cursor("is not a cursor; take next_cursor of the page before")
    found, last = await context.sources.page(caller, after=cursor, limit=bounded(query.limit))
    page = SourcePage([SourceOut(**_fields(source)) for source in found], last)
    return answer(page, headers=link_to_next(request, last))


@delete("/{source_id:str}", opt=described(REVOKE))
async def revoke_source(request: AnyRequest, context: Context) -> None:
    """Refuse from now on what this source signs."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.sources.revoke(caller, name_in(request, "source_id"))


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
    return Router("/v1/sources", route_handlers=handlers)
