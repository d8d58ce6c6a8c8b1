"""Signing in and out: `/v1/login` for programs, `/v1/session` for the UI; `/v1/me`: who am I?"""

from typing import Any, Literal

import msgspec
from litestar import Response, Router, delete, get, post

from farwork.domain.errors import NotFound
from farwork.domain.values import moment
from farwork.http import body, cookies
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest, CsrfRefused, address_of, asks
from farwork.http.calls import Call, described
from farwork.http.context import Context, UseCases
from farwork.http.form import form_of
from farwork.http.mistakes import Mistake
from farwork.http.native.users import USER, user_out
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery
from farwork.protocol.users import (
    LoginForm,
    Me,
    PasswordChange,
    SessionList,
    SessionOut,
    SignIn,
    Tokens,
)
from farwork.service.access import ANYBODY, SECOND, Principal, Role, Unauthenticated
from farwork.service.lockout import LockedOut
from farwork.service.logins import BROWSER, Login, RefreshRefused
from farwork.service.passwords import PasswordUnfit
from farwork.service.users import WrongPassword

_sign_in = msgspec.json.Decoder(SignIn)
_password = msgspec.json.Decoder(PasswordChange)
FORM_BYTES_MAX = 16 << 10
UNSEEN = {"Cache-Control": "no-store"}

_ME = {
    "name": "ada",
    "kind": "user",
    "project": "default",
    "role": "operator",
    "user": USER,
    "session_id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "csrf_token": None,
}
_SESSION = {
    "id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "created_at": "2026-11-22T02:00:00Z",
    "last_used_at": "2026-11-22T02:00:00Z",
    "expires_at": "2027-02-20T02:00:00Z",
    "address": "192.0.2.7",
    "is_this": True,
}
LOGIN = Call(
    id="login",
    summary="Sign in, or refresh",
    needs=None,
    form=LoginForm,
    answer=Tokens,
    example={"grant_type": "password", "username": "ada", "password": "a long sentence"},
    answer_example={
        "access_token": "fwa_...",
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": "fwr_...",
        "refresh_expires_in": 1209600,
    },
    refusals=(WrongPassword, RefreshRefused, LockedOut),
)
LOGOUT = Call(id="logout", summary="Sign out", needs=Role.VIEWER, answer=None, status=204)
BEGIN = Call(
    id="beginSession",
    summary="Sign in to the UI",
    needs=None,
    body=SignIn,
    answer=Me,
    status=201,
    example={"name": "ada", "password": "a long sentence"},
    answer_example=_ME | {"csrf_token": "9f86d0..."},
    refusals=(Unauthenticated, WrongPassword, LockedOut, CsrfRefused),
)
READ = Call(
    id="getSession",
    summary="Get the session",
    needs=Role.VIEWER,
    answer=Me,
    answer_example=_ME | {"csrf_token": "9f86d0..."},
)
END = Call(
    id="endSession", summary="Sign out of the UI", needs=Role.VIEWER, answer=None, status=204
)
ME = Call(id="getMe", summary="Who am I?", needs=Role.VIEWER, answer=Me, answer_example=_ME)
CHANGE_PASSWORD = Call(
    id="changePassword",
    summary="Change one's password",
    needs=Role.VIEWER,
    body=PasswordChange,
    answer=None,
    status=204,
    example={"present": "a long sentence", "new": "another long sentence"},
    refusals=(WrongPassword, LockedOut, PasswordUnfit),
)
SESSIONS = Call(
    id="listSessions",
    summary="List one's sessions",
    needs=Role.VIEWER,
    answer=SessionList,
    answer_example={"items": [_SESSION]},
)


class SessionNotFound(NotFound):
    """There is no such session."""

    code = "session_not_found"


END_ONE = Call(
    id="endOneSession",
    summary="End one of one's sessions",
    needs=Role.VIEWER,
    answer=None,
    status=204,
    refusals=(SessionNotFound,),
)


@post("/login", status_code=200, opt=described(LOGIN))
async def login(request: AnyRequest, context: Context) -> Response[bytes]:
    """Sign in with name and password (`grant_type=password`), or refresh (`refresh_token`).

    An OAuth2 form (RFC 6749). A refresh token is good for one use; a second use of it ends the
    session. After wrong passwords the next try must wait, longer each time.
    """
    query_of(request, NoQuery)
    raw = await body.read(request, FORM_BYTES_MAX)
    said = form_of(raw, request.headers.get("content-type", ""), LoginForm)
    address = asks(request)
    if said.grant_type == "refresh_token":
        _require({"refresh_token": said.refresh_token})
        found = await context.logins.refresh(said.refresh_token or "")
    else:
        _require({"username": said.username, "password": said.password})
        found = await context.logins.by_password(
            said.username or "", said.password or "", address=address
        )
    return answer(_tokens(found, context.ledger.now()), headers=UNSEEN | {"Pragma": "no-cache"})


def _missing(given: dict[str, str | None]) -> list[Mistake]:
    return [(f"/{name}", "is missing") for name, value in given.items() if not value]


def _require(given: dict[str, str | None]) -> None:
    missing = _missing(given)
    if missing:
        raise body.invalid(missing)


def _tokens(found: Login, now: int) -> Tokens:
    assert found.refresh is not None, "programs sign in on terms with refresh tokens"
    assert found.refresh_expires_at is not None, "as above"
    return Tokens(
        found.access,
        "Bearer",
        (found.access_expires_at - now) // SECOND,
        found.refresh,
        (found.refresh_expires_at - now) // SECOND,
    )


@post("/logout", status_code=204, opt=described(LOGOUT))
async def logout(request: AnyRequest, context: Context) -> None:
    """End the session that the access token is of: it and its refresh token are worthless.

    An API key has no session; for it nothing happens.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.logins.end(caller)


@post("/session", status_code=201, opt=described(BEGIN))
async def begin_session(request: AnyRequest, context: Context) -> Response[bytes]:
    """Sign in to the UI, as a user or with an API key: sets a cookie, HttpOnly and SameSite=Strict.

    With the cookie, every change needs the `csrf_token` of the answer in the header `X-CSRF-Token`.
    """
    query_of(request, NoQuery)
    foreign = cookies.foreign_origin(request)
    if foreign is not None:
        raise CsrfRefused(foreign)
    raw = await body.read(request, FORM_BYTES_MAX)
    said = body.decode(raw, _sign_in)
    address = asks(request)
    if said.key is not None:
        caller, text = await context.logins.with_key(said.key, address=address)
    else:
        missing = _missing({"name": said.name, "password": said.password})
        if missing:
            raise body.invalid([*missing, ("/key", "is missing too; either is enough")])
        found = await context.logins.by_password(
            said.name or "", said.password or "", terms=BROWSER, address=address
        )
        caller, text = await context.access.principal(found.access), found.access
    cookie = cookies.set_cookie(request, text, BROWSER.session)
    me = await _shown(caller, context, text)
    return answer(me, status=201, headers=UNSEEN | {"Set-Cookie": cookie})


@get("/session", opt=described(READ))
async def get_session(request: AnyRequest, context: Context) -> Response[bytes]:
    """Who is signed in, with the token that goes with every change."""
    return await _me(request, context)


@delete("/session", opt=described(END))
async def end_session(request: AnyRequest, context: Context) -> Response[None]:
    """End the session, and take the cookie away."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    await context.logins.end(caller)
    taken_away = cookies.set_cookie(request, "", 0)
    return Response(None, status_code=204, headers={"Set-Cookie": taken_away})


@get("/me", opt=described(ME))
async def get_me(request: AnyRequest, context: Context) -> Response[bytes]:
    """Who the caller is, in which project, and with which role."""
    return await _me(request, context)


async def _me(request: AnyRequest, context: Context) -> Response[bytes]:
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    me = await _shown(caller, context, cookies.of(request))
    return answer(me, headers=UNSEEN)


async def _shown(caller: Principal, context: UseCases, cookie: str | None) -> Me:
    user = await context.users.own(caller)
    return Me(
        caller.name,
        _kind(caller),
        caller.project,
        _word(caller.role),
        None if user is None else user_out(user),
        caller.session_id,
        None if cookie is None else cookies.csrf_token(cookie),
    )


def _word(role: Role) -> Any:
    return role.word


def _kind(caller: Principal) -> Literal["user", "key", "token", "anybody"]:
    if caller is ANYBODY:
        return "anybody"
    if caller.user_id is not None:
        return "user"
    return "key" if caller.actor.startswith("key:") else "token"


@post("/me/password", status_code=204, opt=described(CHANGE_PASSWORD))
async def change_password(request: AnyRequest, context: Context) -> None:
    """Change one's own password; one's other sessions end everywhere."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, FORM_BYTES_MAX)
    said = body.decode(raw, _password)
    await context.users.change_password(caller, said.present, said.new, address=address_of(request))


@get("/me/sessions", opt=described(SESSIONS))
async def list_sessions(request: AnyRequest, context: Context) -> Response[bytes]:
    """Where the caller is signed in."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    found = await context.users.sessions(caller)
    items = [
        SessionOut(
            one.id,
            moment(one.created_at),
            moment(one.last_used_at),
            moment(one.expires_at),
            one.address,
            one.id == caller.session_id,
        )
        for one in found
    ]
    return answer(SessionList(items))


@delete("/me/sessions/{session_id:str}", opt=described(END_ONE))
async def end_one_session(request: AnyRequest, context: Context) -> None:
    """End one of the caller's own sessions."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    wanted = name_in(request, "session_id")
    if not await context.logins.end(caller, wanted):
        raise SessionNotFound(f"You have no session {wanted!r}.")


def router() -> Router:
    """The routes of signing in and out."""
    handlers: list[Any] = [
        login,
        logout,
        begin_session,
        get_session,
        end_session,
        get_me,
        change_password,
        list_sessions,
        end_one_session,
    ]
    return Router("/v1", route_handlers=handlers)
