"""`Idempotency-Key`: the same request again gets the answer of the first time."""

from collections.abc import Callable
from hashlib import sha256

from litestar import Response

from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody
from farwork.storage.writes import Idempotency, Outcome, StoredAnswer

KEY_LENGTH_MAX = 255


def idempotency_of(
    request: AnyRequest, raw: bytes, render: Callable[[list[Outcome]], tuple[int, bytes]]
) -> Idempotency | None:
    """The request's idempotency, None when it has no key."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise InvalidBody(
            "The Idempotency-Key cannot be taken.",
            [("header:idempotency-key", f"1 to {KEY_LENGTH_MAX} printable characters")],
            status=400,
            code="bad_request",
        )
    fingerprint = sha256(f"{request.method} {request.url.path}\n".encode() + raw).digest()
    return Idempotency(key, fingerprint, render)


def asked_again(stored: StoredAnswer) -> Response[bytes]:
    """The stored answer as a response."""
    return Response(stored.body, status_code=stored.status, media_type="application/json")
