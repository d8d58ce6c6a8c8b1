"""The routes of the registry of workers."""

from typing import Any, TypeAlias

from litestar import Response, delete, get, post, put
from litestar.params import FromPath
from msgspec import UNSET

from farwork import clock
from farwork.domain.errors import VersionMismatch
from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context, UseCases
from farwork.http.dialects.argus import answers, asking, translate, wire
from farwork.http.dialects.argus.asking import Flawed, Refused, id_of
from farwork.http.dialects.argus.callers import caller_of
from farwork.service.access import Principal, Role
from farwork.service.trees import Composition, Document, DocumentChange, NameTaken

TRIES_MAX = 8
WorkerName: TypeAlias = FromPath[str]


@get("/worker")
async def list_workers(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    said = asking.query_of(request.scope["query_string"], wire.WorkersQuery)
    documents = await context.trees.documents(caller, translate.NAME, translate.WORKER)
    workers = [translate.worker_from(one) for one in documents]
    if not said.includeDeleted:
        workers = [one for one in workers if not one.flags]
    for name in reversed(said.sortBy or ["shortName"]):
        _sort(workers, name.removeprefix("-"), descending=name.startswith("-"))
    end = said.offset + said.limit if said.limit else None
    return answers.page(workers[said.offset : end], said.limit, said.offset, len(workers))


def _sort(workers: list[wire.Worker], field: str, *, descending: bool) -> None:
    """Sort by a field, what has none of it last."""
    having = [one for one in workers if getattr(one, field) is not None]
    having.sort(key=lambda one: getattr(one, field), reverse=descending)
    workers[:] = having + [one for one in workers if getattr(one, field) is None]


@post("/worker", status_code=201)
async def add_worker(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await caller_of(request, context, Role.ADMIN)
    said = asking.body_of(await _raw(request, context), wire.WorkerAdd)
    translate.check_languages(said.localizedNames, said.localizedDescriptions)
    now = context.ledger.now()
    fields = {
        "short_name": said.shortName,
        "names": said.localizedNames,
        "descriptions": said.localizedDescriptions,
        "schema": said.schema,
    }
    document = Document(
        project=caller.project,
        dialect=translate.NAME,
        kind=translate.WORKER,
        id=clock.uuid7(now),
        name=said.shortName,
        body=fields,
        creator=caller.name,
        created_at=now,
        updated_at=now,
    )
    what = Composition(caller.project, caller.name, documents=[document])
    try:
        written = await context.trees.write(caller, Role.ADMIN, [], what)
    except NameTaken:
        known = await context.trees.named(caller, translate.NAME, translate.WORKER, said.shortName)
        # The same again is the client's repetition of what was done, unheard.
        if known is not None and known.body == fields:
            return answers.one(translate.worker_from(known), 201)
        raise _taken(said.shortName) from None
    return answers.one(translate.worker_from(written.composed.documents[document.id]), 201)


@get("/worker/{name:str}")
async def get_worker(request: AnyRequest, context: Context, name: WorkerName) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    return answers.one(translate.worker_from(await _worker(context, caller, name)))


@get("/worker/{name:str}/schema")
async def get_schema(request: AnyRequest, context: Context, name: WorkerName) -> Response[Any]:
    caller = await caller_of(request, context, Role.VIEWER)
    found = await _worker(context, caller, name)
    schema = found.body["schema"]
    return answers.bare({} if schema is None else schema)


@put("/worker/{name:str}")
async def update_worker(request: AnyRequest, context: Context, name: WorkerName) -> Response[Any]:
    caller = await caller_of(request, context, Role.ADMIN)
    await _worker(context, caller, name)
    said = asking.body_of(await _raw(request, context), wire.WorkerPut)
    translate.check_languages(said.localizedNames, said.localizedDescriptions)
    changes = {
        "short_name": said.shortName,
        "names": said.localizedNames,
        "descriptions": said.localizedDescriptions,
    }
    fields = {key: value for key, value in changes.items() if value is not None}
    if said.schema is not UNSET:
        fields["schema"] = said.schema
    found = await _change(context, caller, name, fields)
    return answers.one(translate.worker_from(found))


@delete("/worker/{name:str}", status_code=200)
async def delete_worker(request: AnyRequest, context: Context, name: WorkerName) -> Response[Any]:
    caller = await caller_of(request, context, Role.ADMIN)
    found = await _worker(context, caller, name)
    if "deleted_at" not in found.body:
        fields = {"deleted_at": context.ledger.now()}
        found = await _change(context, caller, name, fields)
    return answers.one(translate.worker_from(found))


async def _change(
    context: UseCases, caller: Principal, name: str, fields: dict[str, Any]
) -> Document:
    """Change a worker's fields; what changes nothing is not written."""
    for _ in range(TRIES_MAX):
        found = await _worker(context, caller, name)
        if found.body | fields == found.body:
            return found
        found.body = found.body | fields | {"changed_by": caller.name}
        # Another worker may have the name of one that is deleted.
        deleted = "deleted_at" in found.body
        found.name = None if deleted else found.body["short_name"]
        what = Composition(caller.project, caller.name)
        what.document_changes.append(DocumentChange(found, found.version))
        try:
            written = await context.trees.write(caller, Role.ADMIN, [], what)
        except VersionMismatch:
            continue
        except NameTaken:
            raise _taken(found.body["short_name"]) from None
        return written.composed.documents[found.id]
    raise Refused(409, "The worker is changed too often at present; try again.")


def _taken(name: str) -> Flawed:
    return Flawed([("shortName", f"is taken: another worker is called {name!r}")])


async def _worker(context: UseCases, caller: Principal, name: str) -> Document:
    """A worker by its id or its short name; of deleted ones of that name the last."""
    kinds = [translate.WORKER]
    found = await context.trees.document(caller, translate.NAME, kinds, id_of(name))
    found = found or await context.trees.named(caller, translate.NAME, translate.WORKER, name)
    if found is not None:
        return found
    every = await context.trees.documents(caller, translate.NAME, translate.WORKER)
    for one in reversed(every):
        if one.body["short_name"] == name:
            return one
    raise Refused(404, f"There is no worker {name!r}.")


async def _raw(request: AnyRequest, context: UseCases) -> bytes:
    return await body.read(request, context.config.single_body_bytes_max)


CALLS: list[Any] = [
    list_workers, add_worker, get_worker, get_schema, update_worker, delete_worker,
]  # fmt: skip
