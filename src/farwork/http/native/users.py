"""`/v1/users`: who signs in with a name and a password; made and changed by admins."""

from typing import Any

import msgspec
from litestar import Response, Router, delete, get, patch, post
from msgspec import UNSET

from farwork.domain import errors as e
from farwork.domain.values import moment
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.native.paging import Cursor, TextPlace, bounded, link_to_next
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery
from farwork.protocol.shapes import when
from farwork.protocol.users import UserCreate, UserOut, UserPage, UserPatch, UsersQuery
from farwork.service.access import Role
from farwork.service.passwords import PasswordUnfit
from farwork.service.users import NewUser, User, UserChange, UserExists, UserNotFound

_create = msgspec.json.Decoder(UserCreate)
_patch = msgspec.json.Decoder(UserPatch)

USER = {
    "name": "ada",
    "project": "default",
    "role": "operator",
    "full_name": "Ada Lovelace",
    "email": "ada@example.org",
    "has_password": True,
    "created_at": "2026-11-22T02:00:00Z",
    "password_changed_at": "2026-11-22T02:00:00Z",
    "last_login_at": None,
    "disabled_at": None,
}
CREATE = Call(
    id="createUser",
    summary="Make a user",
    needs=Role.ADMIN,
    body=UserCreate,
    answer=UserOut,
    status=201,
    example={"name": "ada", "role": "operator", "password": "a long sentence"},
    answer_example=USER,
    refusals=(e.ProjectNotFound, UserExists, PasswordUnfit),
)
LIST = Call(
    id="listUsers",
    summary="List users",
    needs=Role.ADMIN,
    query=UsersQuery,
    answer=UserPage,
    answer_example={"items": [USER], "next_cursor": None},
    paged=True,
)
GET = Call(
    id="getUser",
    summary="Get a user",
    needs=Role.ADMIN,
    answer=UserOut,
    answer_example=USER,
    refusals=(UserNotFound,),
)
CHANGE = Call(
    id="changeUser",
    summary="Change a user",
    needs=Role.ADMIN,
    body=UserPatch,
    answer=UserOut,
    example={"role": "viewer"},
    answer_example=USER | {"role": "viewer"},
    refusals=(UserNotFound, PasswordUnfit),
)
DELETE = Call(
    id="deleteUser",
    summary="Delete a user",
    needs=Role.ADMIN,
    answer=None,
    status=204,
    refusals=(UserNotFound,),
)


@post("/", status_code=201, opt=described(CREATE))
async def create_user(request: AnyRequest, context: Context) -> Response[bytes]:
    """Make a user. Without a password, nobody signs in as this user until one is set.

    A user belongs to one project. An `Idempotency-Key` has no effect: a name is taken once anyhow.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _create)
    made = await context.users.create(
        caller,
        NewUser(
            said.name,
            Role[said.role.upper()],
            said.password,
            said.project,
            said.full_name,
            said.email,
        ),
    )
    return answer(user_out(made), status=201)


@get("/", opt=described(LIST))
async def list_users(request: AnyRequest, context: Context) -> Response[bytes]:
    """A page of a project's users by name, disabled ones too."""
    caller = await context.doorkeeper.caller(request)
    query = query_of(request, UsersQuery)
    place = Cursor.read(query.cursor, "users", TextPlace)
    found, last = await context.users.page(
        caller, query.project, after="" if place is None else place[0], limit=bounded(query.limit)
    )
    cursor = Cursor.write("users", None if last is None else (last,))
    page = UserPage([user_out(user) for user in found], cursor)
    return answer(page, headers=link_to_next(request, cursor))


@get("/{user_name:str}", opt=described(GET))
async def get_user(request: AnyRequest, context: Context) -> Response[bytes]:
    """A user."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(user_out(await context.users.get(caller, name_in(request, "user_name"))))


@patch("/{user_name:str}", opt=described(CHANGE))
async def change_user(request: AnyRequest, context: Context) -> Response[bytes]:
    """Change a user. A new password, and being disabled, end the user's sessions everywhere."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _patch)
    profile = {
        name: value
        for name, value in (("full_name", said.full_name), ("email", said.email))
        if value is not UNSET
    }
    change = UserChange(
        None if said.role is UNSET else Role[said.role.upper()],
        None if said.disabled is UNSET else said.disabled,
        None if said.password is UNSET else said.password,
        profile,
    )
    changed = await context.users.change(caller, name_in(request, "user_name"), change)
    return answer(user_out(changed))


@delete("/{user_name:str}", opt=described(DELETE))
async def delete_user(request: AnyRequest, context: Context) -> None:
    """Delete a user; its sessions end everywhere."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.users.delete(caller, name_in(request, "user_name"))


def user_out(user: User) -> UserOut:
    """A user on the wire."""
    role: Any = user.role.word
    return UserOut(
        user.name,
        user.project,
        role,
        user.full_name,
        user.email,
        user.has_password,
        moment(user.created_at),
        when(user.password_changed_at),
        when(user.last_login_at),
        when(user.disabled_at),
    )


def router() -> Router:
    """The routes of users."""
    handlers: list[Any] = [create_user, list_users, get_user, change_user, delete_user]
    return Router("/v1/users", route_handlers=handlers)
