"""`Idempotency-Key`: the same request again gets the answer of the first time."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from litestar import Response

from farwork.http.auth import AnyRequest
from farwork.http.body import bad_request
from farwork.service.ledger import Idempotency, Once, Outcome, StoredAnswer

KEY_LENGTH_MAX = 255


def idempotency_of(
    request: AnyRequest, raw: bytes, render: Callable[[list[Outcome]], tuple[int, bytes]]
) -> Idempotency | None:
    """The request's idempotency, None when it has no key."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    return Idempotency(checked(key), fingerprint_of(request, raw), render)


def once_of(
    request: AnyRequest, raw: bytes, render: Callable[[Any], tuple[int, bytes]]
) -> Once | None:
    """The same for work that is not a write of commands."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    return Once(checked(key), fingerprint_of(request, raw), render)


def checked(key: str) -> str:
    """The key. Raises `InvalidBody` when it is not one."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        said = f"must be 1 to {KEY_LENGTH_MAX} printable characters"
        raise bad_request([("header:idempotency-key", said)], "A header cannot be taken.")
    return key


def fingerprint_of(request: AnyRequest, raw: bytes) -> bytes:
    """What tells one request from another under the same key."""
    scope = request.scope
    address = f"{request.method} {scope['path']}?".encode() + scope["query_string"]
    return sha256(address + b"\n" + raw).digest()


def asked_again(stored: StoredAnswer) -> Response[Any]:
    """The stored answer as a response."""
    return Response(stored.body, status_code=stored.status, media_type="application/json")
