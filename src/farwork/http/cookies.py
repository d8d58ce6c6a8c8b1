"""The session cookie of a browser, and what keeps other pages from using it.

The cookie is HttpOnly and SameSite=Strict: no script reads it, and no other site's page sends it. A
change needs a token beside it that only our own pages can read (`GET /v1/session`), and whatever
names another origin is refused: that keeps out pages of the same site that are not ours.
"""

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from farwork.service.credentials import COOKIE

NAME = "farwork_session"
CSRF_HEADER = "x-csrf-token"
_SAFE = ("GET", "HEAD", "OPTIONS")

Connection = ASGIConnection[Any, Any, Any, Any]


def of(request: Connection) -> str | None:
    """The session cookie that a request carries."""
    text = request.cookies.get(NAME)
    return text if text and text.startswith(f"{COOKIE}_") else None


def csrf_token(cookie: str) -> str:
    """What goes with every change that is asked for with this cookie."""
    return hmac.new(cookie.encode(), b"csrf", sha256).hexdigest()


def complaint(request: Connection, cookie: str) -> str | None:
    """Why the cookie does not speak for the request; None: it does."""
    foreign = foreign_origin(request)
    if foreign is not None:
        return foreign
    if request.scope["type"] == "http" and request.scope["method"] not in _SAFE:
        said = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(said.encode(), csrf_token(cookie).encode()):
            return (
                "With a session cookie, a change needs the header X-CSRF-Token; "
                "GET /v1/session gives it."
            )
    return None


def foreign_origin(request: Connection) -> str | None:
    """What a browser says that makes this another page's request; None: nothing."""
    if request.headers.get("sec-fetch-site", "same-origin") in ("cross-site", "same-site"):
        return "The request comes from a page of another origin."
    origin = request.headers.get("origin")
    if origin is not None and _host(origin) != request.headers.get("host", "").lower():
        return "The Origin is not that of this server."
    return None


def set_cookie(request: Connection, text: str, seconds: int) -> str:
    """The value of a `Set-Cookie` header; an empty `text` takes the cookie away."""
    secure = "; Secure" if _is_secure(request) else ""
    return f"{NAME}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _is_secure(request: Connection) -> bool:
    """Whether the browser speaks HTTPS, to us or to a proxy in front of us."""
    scope: Any = request.scope
    origin = request.headers.get("origin", "")
    return scope.get("scheme") == "https" or origin.startswith("https://")


def _host(origin: str) -> str:
    return urlsplit(origin).netloc.lower()
