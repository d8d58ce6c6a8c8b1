"""`/v1/keys` and `/v1/projects`: who may do what, and where."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, patch, post
from msgspec import UNSET

from farwork.domain import errors as e
from farwork.domain.values import instant, moment
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer, encode
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, once_of
from farwork.http.query import query_of
from farwork.protocol.access import (
    KeyCreate,
    KeyList,
    KeyMade,
    KeyOut,
    ProjectCreate,
    ProjectList,
    ProjectOut,
    ProjectPatch,
    RateLimit,
)
from farwork.protocol.queries import KeysQuery, NoQuery
from farwork.protocol.shapes import when
from farwork.service.access import KeyNotFound, KeyRow, Role, rate_of
from farwork.service.ledger import StoredAnswer
from farwork.service.limits import Rate
from farwork.service.projects import ProjectRow

_key_create = msgspec.json.Decoder(KeyCreate)
_project_create = msgspec.json.Decoder(ProjectCreate)
_project_patch = msgspec.json.Decoder(ProjectPatch)

_KEY = {
    "id": "k3hq2v7n5wzd4x6b",
    "project": "default",
    "name": "gpu-7",
    "role": "worker",
    "created_at": "2026-11-22T02:00:00Z",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": "2026-11-22T02:05:00Z",
    "last_used_from": "192.0.2.7",
    "rate_limit": {"requests": 600, "seconds": 60},
}
_PROJECT = {"id": "vision", "unknown_tasks": "register", "created_at": "2026-11-22T02:00:00Z"}

CREATE_KEY = Call(
    id="createKey",
    summary="Make an API key",
    needs=Role.ADMIN,
    body=KeyCreate,
    answer=KeyMade,
    status=201,
    example={"role": "worker", "name": "gpu-7"},
    answer_example=_KEY | {"key": "fw_k3hq2v7n5wzd4x6b_..."},
    refusals=(e.ProjectNotFound,),
    idempotent=True,
)
LIST_KEYS = Call(
    id="listKeys",
    summary="List API keys",
    needs=Role.ADMIN,
    query=KeysQuery,
    answer=KeyList,
    answer_example={"items": [_KEY]},
)
REVOKE_KEY = Call(
    id="revokeKey",
    summary="Revoke an API key",
    needs=Role.ADMIN,
    query=KeysQuery,
    answer=None,
    status=204,
    refusals=(KeyNotFound,),
)
CREATE_PROJECT = Call(
    id="createProject",
    summary="Create a project",
    needs=Role.ADMIN,
    body=ProjectCreate,
    answer=ProjectOut,
    status=201,
    example={"id": "vision", "unknown_tasks": "register"},
    answer_example=_PROJECT,
    refusals=(e.ProjectExists,),
    idempotent=True,
)
LIST_PROJECTS = Call(
    id="listProjects",
    summary="List projects",
    needs=Role.ADMIN,
    answer=ProjectList,
    answer_example={"items": [_PROJECT]},
)
GET_PROJECT = Call(
    id="getProject",
    summary="Get a project",
    needs=Role.ADMIN,
    answer=ProjectOut,
    answer_example=_PROJECT,
    refusals=(e.ProjectNotFound,),
)
CHANGE_PROJECT = Call(
    id="changeProject",
    summary="Change a project",
    needs=Role.ADMIN,
    body=ProjectPatch,
    answer=ProjectOut,
    example={"unknown_tasks": "reject"},
    answer_example=_PROJECT | {"unknown_tasks": "reject"},
    refusals=(e.ProjectNotFound,),
)


@post("/keys", status_code=201, opt=described(CREATE_KEY))
async def create_key(request: AnyRequest, context: Context) -> Response[bytes]:
    """Make an API key. Its text is given this once; a repeated request gets the answer without it.

    An admin of the default project makes keys for any project.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _key_create)
    limit = said.rate_limit
    made = await context.keys.create(
        caller,
        said.project,
        Role[said.role.upper()],
        said.name,
        expires_at=None if said.expires_at is None else instant(said.expires_at),
        rate=None if limit is None else Rate(limit.requests, limit.seconds),
        asked=once_of(request, raw, lambda made: (201, encode(_made_out(made[0], None)))),
    )
    if isinstance(made, StoredAnswer):
        return asked_again(made)
    return answer(_made_out(*made), status=201, headers={"Cache-Control": "no-store"})


def _made_out(row: KeyRow, text: str | None) -> KeyMade:
    return KeyMade(**_fields(row), key=text)


def _fields(row: KeyRow) -> dict[str, Any]:
    rate = rate_of(row)
    return {
        "id": row.id,
        "project": row.project,
        "name": row.name,
        "role": row.role,
        "created_at": moment(row.created_at),
        "expires_at": when(row.expires_at),
        "revoked_at": when(row.revoked_at),
        "last_used_at": when(row.last_used_at),
        "last_used_from": row.last_used_from,
        "rate_limit": None if rate is None else RateLimit(rate.requests, rate.seconds),
    }


@get("/keys", opt=described(LIST_KEYS))
async def list_keys(request: AnyRequest, context: Context) -> Response[bytes]:
    """The API keys of the project, oldest first, revoked ones included; never their texts."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, KeysQuery)
    rows = await context.keys.every(caller, query.project)
    return answer(KeyList([KeyOut(**_fields(row)) for row in rows]))


@delete("/keys/{key_id:str}", opt=described(REVOKE_KEY))
async def revoke_key(request: AnyRequest, context: Context) -> None:
    """Make an API key worthless: in every process, by the time this is answered."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, KeysQuery)
    await context.keys.revoke(caller, query.project, name_in(request, "key_id"))


@post("/projects", status_code=201, opt=described(CREATE_PROJECT))
async def create_project(request: AnyRequest, context: Context) -> Response[bytes]:
    """Create a project. Needs an admin of the default project."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _project_create)
    asked = once_of(request, raw, lambda row: (201, encode(_project_out(row))))
    made = await context.projects.create(caller, said.id, said.unknown_tasks, asked)
    if isinstance(made, StoredAnswer):
        return asked_again(made)
    return answer(_project_out(made), status=201)


@get("/projects", opt=described(LIST_PROJECTS))
async def list_projects(request: AnyRequest, context: Context) -> Response[bytes]:
    """Every project to an admin of the default project; to others their own."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    rows = await context.projects.every(caller)
    return answer(ProjectList([_project_out(row) for row in rows]))


@get("/projects/{project_id:str}", opt=described(GET_PROJECT))
async def get_project(request: AnyRequest, context: Context) -> Response[bytes]:
    """A project."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(_project_out(await context.projects.get(caller, name_in(request, "project_id"))))


@patch("/projects/{project_id:str}", opt=described(CHANGE_PROJECT))
async def change_project(request: AnyRequest, context: Context) -> Response[bytes]:
    """Say what becomes of reports about unknown tasks: here at once, elsewhere within a second."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _project_patch).unknown_tasks
    row = await context.projects.set_policy(
        caller, name_in(request, "project_id"), None if said is UNSET else said
    )
    return answer(_project_out(row))


def _project_out(row: ProjectRow) -> ProjectOut:
    assert row.unknown_tasks in ("register", "reject")
    return ProjectOut(row.id, row.unknown_tasks, moment(row.created_at))


def router() -> Router:
    """The routes of keys and projects."""
    handlers: list[Any] = [
        create_key,
        list_keys,
        revoke_key,
        create_project,
        list_projects,
        get_project,
        change_project,
    ]
    return Router("/v1", route_handlers=handlers)
