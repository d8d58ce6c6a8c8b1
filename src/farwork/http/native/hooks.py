"""`/v1/hooks`: who is told of what happens. Secrets are shown once, when they are made."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, patch, post

from farwork.domain.errors import TaskNotFound
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native.hook_examples import HOOK, HOOK_CREATE, TRY
from farwork.http.native.paging import bad_cursor, bounded, link_to_next
from farwork.http.preconditions import etag_of, if_version
from farwork.http.query import query_of
from farwork.protocol.hooks import (
    AttemptMade,
    Circuit,
    HookCreate,
    HookCreated,
    HookDetail,
    HookOut,
    HookPage,
    HookPatch,
    HooksQuery,
    RotateIn,
)
from farwork.protocol.queries import NoQuery
from farwork.protocol.shapes import when
from farwork.protocol.tasks import VerbIn
from farwork.service.access import Role
from farwork.service.hooks import HookNotFound, HookRow, TooManyHooks, wanted_from
from farwork.service.sources import is_source_id

_create = msgspec.json.Decoder(HookCreate)
_patch = msgspec.json.Decoder(HookPatch)
_rotate = msgspec.json.Decoder(RotateIn)
_SECRET = {"Cache-Control": "no-store"}

CREATE = Call(
    id="createHook",
    summary="Make a hook",
    needs=Role.ADMIN,
    body=HookCreate,
    answer=HookCreated,
    status=201,
    example=HOOK_CREATE,
    answer_example=HOOK | {"secret": "whsec_..."},
    refusals=(TooManyHooks,),
    versioned=True,
)
LIST = Call(
    id="listHooks",
    summary="List hooks",
    needs=Role.OPERATOR,
    query=HooksQuery,
    answer=HookPage,
    answer_example={"items": [HOOK], "next_cursor": None},
    refusals=(TaskNotFound,),
    paged=True,
)
GET = Call(
    id="getHook",
    summary="Read a hook",
    needs=Role.OPERATOR,
    answer=HookDetail,
    answer_example=HOOK | {"deliveries": {"delivered": 812, "due": 3}},
    refusals=(HookNotFound,),
    versioned=True,
)
CHANGE = Call(
    id="changeHook",
    summary="Change a hook",
    needs=Role.ADMIN,
    body=HookPatch,
    answer=HookOut,
    example={"state": "active"},
    answer_example=HOOK,
    refusals=(HookNotFound,),
    versioned=True,
    conditional=True,
)
REMOVE = Call(
    id="deleteHook",
    summary="Remove a hook",
    needs=Role.ADMIN,
    answer=None,
    status=204,
    refusals=(HookNotFound,),
    conditional=True,
)
ROTATE = Call(
    id="rotateHookSecret",
    summary="Change a hook's secret",
    needs=Role.ADMIN,
    body=RotateIn,
    body_required=False,
    answer=HookCreated,
    example={"keep_seconds": 86400},
    answer_example=HOOK | {"secret": "whsec_..."},
    refusals=(HookNotFound,),
    versioned=True,
)
TEST = Call(
    id="testHook",
    summary="Try a hook out",
    needs=Role.ADMIN,
    body=VerbIn,
    body_required=False,
    example={},
    answer=AttemptMade,
    answer_example=TRY,
    refusals=(HookNotFound,),
)


@post("/", status_code=201, opt=described(CREATE))
async def create_hook(request: AnyRequest, context: Context) -> Response[bytes]:
    """Make a hook; the answer shows its secret, this once.

    It is told of every event that its filter means, in the order of the feed for each task, at
    least once. An `Idempotency-Key` has no effect: the answer is stored nowhere, because it holds a
    secret.
    """
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.ADMIN)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _create)
    _refuse(context.hooks.faults(said.url, said.secret))
    hook, secret = await context.hooks.create(caller, said)
    return answer(_created(hook, secret), status=201, headers=_SECRET | _tag(hook))


@get("/", opt=described(LIST))
async def list_hooks(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of the project's hooks, oldest first; with `task`, that task's callback instead."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, HooksQuery)
    cursor = query.cursor or ""
    if query.task is not None:
        of_task = await context.hooks.of_task(caller, query.task)
        return answer(HookPage([HookOut(**_fields(hook)) for hook in of_task], None))
    if cursor and not is_source_id(cursor):
        raise bad_cursor("is not a cursor; take next_cursor of the page before")
    found, last = await context.hooks.page(caller, after=cursor, limit=bounded(query.limit))
    page = HookPage([HookOut(**_fields(hook)) for hook in found], last)
    return answer(page, headers=link_to_next(request, last))


@get("/{hook_id:str}", opt=described(GET))
async def get_hook(request: AnyRequest, context: Context) -> Response[bytes]:
    """A hook, how sending to it goes, and how many deliveries are in which state."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    known = await context.hooks.get(caller, name_in(request, "hook_id"))
    shown = HookDetail(**_fields(known.hook), deliveries=known.deliveries)
    return answer(shown, headers=_tag(known.hook))


@patch("/{hook_id:str}", opt=described(CHANGE))
async def change_hook(request: AnyRequest, context: Context) -> Response[bytes]:
    """Change a hook. A disabled one is sent nothing; made active, it goes on where it stood."""
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.ADMIN)
    query_of(request, NoQuery)
    wanted = if_version(request)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _patch)
    _refuse(context.hooks.faults(said.url if isinstance(said.url, str) else None, None))
    hook = await context.hooks.change(caller, name_in(request, "hook_id"), said, wanted)
    return answer(HookOut(**_fields(hook)), headers=_tag(hook))


@delete("/{hook_id:str}", opt=described(REMOVE))
async def delete_hook(request: AnyRequest, context: Context) -> None:
    """Remove a hook, and what it was yet to be sent."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.hooks.remove(caller, name_in(request, "hook_id"), if_version(request))


@post("/{hook_id:str}/rotate", status_code=200, opt=described(ROTATE))
async def rotate_hook_secret(request: AnyRequest, context: Context) -> Response[bytes]:
    """Give a hook another secret, shown this once; for `keep_seconds` the old one signs too."""
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.ADMIN)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _rotate) if raw.strip() else RotateIn()
    _refuse(context.hooks.faults(None, said.secret))
    hook, secret = await context.hooks.rotate(caller, name_in(request, "hook_id"), said)
    return answer(_created(hook, secret), headers=_SECRET | _tag(hook))


@post("/{hook_id:str}/test", status_code=200, opt=described(TEST))
async def try_hook(request: AnyRequest, context: Context) -> Response[bytes]:
    """Send a message of the type `hook.test` at once, and tell what became of it.

    It is no delivery: it is not repeated, and says nothing about the endpoint to the circuit.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await body.nothing(request, context.config.single_body_bytes_max)
    return answer(await context.hooks.test(caller, name_in(request, "hook_id")))


def _refuse(faults: list[tuple[str, str]]) -> None:
    if faults:
        raise body.invalid(faults)


def _tag(hook: HookRow) -> dict[str, str]:
    return {"ETag": etag_of(hook.version)}


def _created(hook: HookRow, secret: str) -> HookCreated:
    return HookCreated(**_fields(hook), secret=secret)


def _fields(hook: HookRow) -> dict[str, Any]:
    return {
        "id": hook.id,
        "project": hook.project,
        "name": hook.name,
        "url": hook.url,
        "filter": wanted_from(hook.wanted),
        "format": hook.format,
        "task_only": hook.task_pk is not None,
        "has_token": hook.token is not None,
        "state": hook.state,
        "reason": hook.reason,
        "circuit": Circuit(
            state="closed" if hook.probe_at is None else "open",
            failures=hook.failures,
            failing_since=when(hook.failing_since),
            next_try_at=when(hook.probe_at),
            last_error=hook.last_error,
        ),
        "position": hook.position,
        "old_secret_until": when(hook.old_secret_until),
        "creator": hook.creator,
        "created_at": when(hook.created_at),
        "updated_at": when(hook.updated_at),
        "version": hook.version,
    }


def router() -> Router:
    """The routes of hooks."""
    handlers: list[Any] = [
        create_hook, list_hooks, get_hook, change_hook, delete_hook, rotate_hook_secret, try_hook,
    ]  # fmt: skip
    return Router("/v1/hooks", route_handlers=handlers)
