"""Without authentication, who may ask is decided by where he asks: on this machine, by its name.

A page of any web site can make the browser send requests to a loopback address. One that was
reached by another name (a name that its owner pointed at 127.0.0.1), or that comes from another
origin, is refused.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from litestar.types import Receive, Scope, Send

from farwork.config import is_loopback
from farwork.http.body import InvalidBody

# RFC 6455: refused by policy.
_POLICY_VIOLATION = 1008


@lru_cache(maxsize=256)
def _is_own(host: bytes) -> bool:
    """Whether a Host header, or the host of an origin, names this machine."""
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name.removesuffix("."))


def complaint(scope: Scope) -> str | None:
    """Why a request is refused; None: it is not."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or not _is_own(hosts[0]):
        said = ", ".join(host.decode(errors="replace") for host in hosts) or "nothing"
        return f"The Host header says {said!r}; use localhost, 127.0.0.1 or [::1]."
    for name, value in scope["headers"]:
        if name == b"origin" and not _is_own(value.partition(b"://")[2]):
            return f"The Origin {value.decode(errors='replace')!r} is not of this machine."
    return None


def foreign(detail: str) -> InvalidBody:
    """The error that such a request meets."""
    title = "Without authentication, this server is for its own machine only."
    return InvalidBody(title, status=403, code="foreign_host", detail=detail)


async def close(detail: str, receive: Receive, send: Send) -> None:
    """Close a websocket before it opens."""
    await receive()
    await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": detail})
