"""The routes of ScanHub's login service: signing in, and whom a token belongs to."""

from typing import Any

from litestar import Response, Router, get, post

from farwork.domain.values import Instant
from farwork.http import body
from farwork.http.auth import AnyRequest, CsrfRefused, asks
from farwork.http.body import InvalidBody
from farwork.http.context import Context, UseCases
from farwork.http.contract import served
from farwork.http.dialects.scanhub import asking, wire
from farwork.http.dialects.scanhub.answers import answer, respond
from farwork.http.dialects.scanhub.asking import Flawed, Refused
from farwork.http.dialects.scanhub.openapi import login_document
from farwork.http.form import form_of
from farwork.http.problems import FORESEEN
from farwork.service.access import Principal, Role, Unauthenticated
from farwork.service.logins import Terms
from farwork.service.users import NewUser, User

HOUR = 3_600
TERMS = Terms(session=11 * HOUR, access=11 * HOUR, idle=HOUR)
"""A login lasts eleven hours, and an hour without use."""
COOKIE = "access_token"
COOKIE_PATH = f"{wire.LOGIN_PREFIX}/loginfromcookie"
FORM_BYTES_MAX = 16 << 10
NAME = "scanhub"
UNSEEN = {"Cache-Control": "no-store"}
_ROLES: dict[Role, wire.UserRole] = {
    Role.ADMIN: "admin",
    Role.OPERATOR: "medical",
    Role.WORKER: "engineer",
    Role.VIEWER: "scientist",
}


@post("/login", status_code=200)
async def login(request: AnyRequest, context: Context) -> Response[Any]:
    address = asks(request)
    # Its cookie would sign the reader of a foreign page in as somebody else. The Origin is not
    # asked about: the page's own proxy may call us by another name.
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise CsrfRefused("The request comes from a page of another site.")
    raw = await body.read(request, FORM_BYTES_MAX)
    try:
        form = form_of(raw, request.headers.get("content-type", ""), wire.LoginForm)
    except InvalidBody as error:
        places = [(pointer.strip("/"), said) for pointer, said in error.problems]
        flaws = [
            wire.Flaw("missing" if said == "is missing" else "value_error", ["body", field], said)
            for field, said in places
        ]
        raise Flawed(flaws or [wire.Flaw("value_error", ["body"], error.title)]) from None
    done = await context.logins.by_password(
        form.username, form.password, terms=TERMS, address=address
    )
    now = context.ledger.now()
    cookie = (
        f"{COOKIE}={done.access}; Path={COOKIE_PATH}; Max-Age={TERMS.session}; "
        "HttpOnly; SameSite=Strict; Secure"
    )
    user = _user_from(done.user, done.access, now)
    return answer(user, 200, **{"Set-Cookie": cookie}, **UNSEEN)


@post("/loginfromcookie", status_code=200)
async def login_from_cookie(request: AnyRequest, context: Context) -> Response[Any]:
    token = request.cookies.get(COOKIE)
    if not token:
        raise Unauthenticated("The cookie is missing; sign in again.")
    caller = await context.doorkeeper.shown(f"Bearer {token}", request.scope)
    asks(request, caller.who)
    return answer(await _shown(context, caller, token), 200, **UNSEEN)


@post("/logout", status_code=200)
async def logout(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await context.doorkeeper.caller(request)
    await context.logins.end(caller)
    gone = f"{COOKIE}=; Path={COOKIE_PATH}; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    return answer(None, 200, **{"Set-Cookie": gone})


@get("/getcurrentuser")
async def get_current_user(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await context.doorkeeper.caller(request)
    return answer(await _shown(context, caller), 200, **UNSEEN)


@get("/checknousers")
async def check_no_users(context: Context) -> Response[Any]:
    return answer(not await context.users.exist())


@post("/createfirstuser", status_code=201)
async def create_first_user(request: AnyRequest, context: Context) -> Response[Any]:
    caller = await _maybe(request, context)
    said = asking.body_of(await body.read(request, FORM_BYTES_MAX), wire.FirstUser)
    if said.role != "admin":
        raise Refused(400, "The first user is an admin.")
    new = NewUser(
        name=said.username,
        role=Role.ADMIN,
        password=said.access_token,
        full_name=f"{said.first_name} {said.last_name}".strip() or None,
        email=said.email,
        extensions={NAME: {"first_name": said.first_name, "last_name": said.last_name}},
    )
    made = await context.users.create_first(new, caller)
    return answer(_user_from(made, "", None), 201)


async def _maybe(request: AnyRequest, context: UseCases) -> Principal | None:
    """Who calls; None: the page of a new ScanHub, which has nothing to show yet."""
    try:
        return await context.doorkeeper.caller(request)
    except Unauthenticated:
        if "authorization" in request.headers:
            raise
        asks(request)
        return None


async def _shown(context: UseCases, caller: Principal, token: str = "") -> wire.User:
    """Who calls; a program with an API key is shown as a user of that name."""
    now = context.ledger.now()
    user = await context.users.own(caller) if caller.user_id is not None else None
    if user is not None:
        return _user_from(user, token, now)
    return wire.User(
        username=caller.name,
        first_name="",
        last_name="",
        email=None,
        role=_ROLES[caller.role],
        last_activity_unixtime=now // 1_000_000,
        last_login_unixtime=None,
    )


def _user_from(user: User, token: str, now: Instant | None) -> wire.User:
    names: dict[str, str] = user.extensions.get(NAME) or {}
    first, _, last = (user.full_name or "").rpartition(" ")
    login_at = user.last_login_at
    return wire.User(
        username=user.name,
        first_name=names.get("first_name", first),
        last_name=names.get("last_name", last),
        email=user.email,
        role=_ROLES[user.role],
        access_token=token,
        token_type="bearer" if token else "",
        last_activity_unixtime=None if now is None else now // 1_000_000,
        last_login_unixtime=None if login_at is None else login_at // 1_000_000,
    )


CALLS: list[Any] = [
    login, login_from_cookie, logout, get_current_user, check_no_users, create_first_user,
]  # fmt: skip


def router() -> Router:
    """The routes of the login service."""
    return Router(
        wire.LOGIN_PREFIX,
        route_handlers=[*CALLS, *served("", login_document)],
        exception_handlers=dict.fromkeys((*FORESEEN, Flawed, Refused, Exception), respond),
        include_in_schema=False,
    )
