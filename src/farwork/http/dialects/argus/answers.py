"""Answers in Argus's envelope; errors in it too, in the one shape that its client survives."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import MethodNotAllowedException, NotFoundException

from farwork.http.auth import AnyConnection
from farwork.http.dialects.argus import wire
from farwork.http.dialects.argus.asking import Flawed, Refused
from farwork.http.problems import FORESEEN, problem_of

log = structlog.get_logger()

encode = msgspec.json.Encoder().encode
JSON = "application/json"
TOO_MANY = -1
"""The count of what is too much to be counted."""


def one(value: Any, status: int = 200) -> Response[bytes]:
    """An answer with a single object."""
    return _enveloped(wire.Envelope(status, 0, 0, 0, 0, {}, [], value))


def page(values: Sequence[Any], limit: int, offset: int, count: int | None) -> Response[bytes]:
    """An answer with a page of a list of `count` (None: too many to be counted)."""
    total = TOO_MANY if count is None else count
    return _enveloped(wire.Envelope(200, limit, offset, total, len(values), {}, [], list(values)))


def bare(value: Any) -> Response[bytes]:
    """An answer without an envelope."""
    return Response(encode(value), media_type=JSON)


def _enveloped(envelope: wire.Envelope, **headers: str) -> Response[bytes]:
    return Response(
        encode(envelope), status_code=envelope.responseCode, media_type=JSON, headers=headers
    )


def respond(connection: AnyConnection, error: Exception) -> Response[bytes]:
    """The answer to an error."""
    if isinstance(error, Flawed):
        said = [
            wire.Said(f"{field} {text}".strip(), text, "FIELD_ERROR", field)
            for field, text in error.flaws
        ]
        return _refusal(412, said)
    if isinstance(error, Refused):
        return _refusal(error.status, [_action(error.detail)])
    if not isinstance(error, FORESEEN):
        log.error("a request failed", path=connection.scope["path"], exc_info=error)
        return _refusal(500, [_action(HTTPStatus.INTERNAL_SERVER_ERROR.phrase)])
    if isinstance(error, NotFoundException | MethodNotAllowedException):
        status = HTTPStatus(error.status_code)
        return _refusal(status, [_action(status.phrase)], **(error.headers or {}))
    known = problem_of(error)
    text = known.problem.detail or known.problem.title
    return _refusal(known.problem.status, [_action(text)], **known.headers)


def _action(text: str) -> wire.Said:
    return wire.Said(text, text, "ACTION_ERROR")


def _refusal(status: int, said: list[wire.Said], **headers: str) -> Response[bytes]:
    return _enveloped(wire.Envelope(status, 0, 0, 0, 0, {}, said, None), **headers)


def speaks_at(path: str) -> bool:
    """Whether an address that nobody serves is refused in this dialect."""
    return path.startswith((f"{wire.PREFIX}/", "/authentication/v1/"))
