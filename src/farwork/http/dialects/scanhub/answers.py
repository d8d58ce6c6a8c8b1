"""Answers in ScanHub's shape: JSON, errors as `{"detail": ...}`."""

from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import MethodNotAllowedException, NotFoundException

from farwork.http.auth import AnyConnection
from farwork.http.dialects.scanhub import wire
from farwork.http.dialects.scanhub.asking import Flawed, Refused
from farwork.http.problems import FORESEEN, problem_of
from farwork.protocol.problems import Problem

log = structlog.get_logger()

encode = msgspec.json.Encoder().encode
JSON = "application/json"
DIGEST_BYTES = 16


def answer(value: Any, status: int = 200, **headers: str) -> Response[bytes]:
    """An answer with a JSON body."""
    return Response(encode(value), status_code=status, media_type=JSON, headers=headers)


def nothing(status: int = 204) -> Response[None]:
    """An answer without a body."""
    return Response(None, status_code=status)


def polled(connection: AnyConnection, value: Any) -> Response[Any]:
    """An answer with a strong tag of its content; without a body to whoever has it already."""
    raw = encode(value)
    tag = f'"{blake2b(raw, digest_size=DIGEST_BYTES).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = connection.headers.get("if-none-match", "")
    if known == "*" or tag in (one.strip() for one in known.split(",")):
        return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(raw, media_type=JSON, headers=headers)


def respond(connection: AnyConnection, error: Exception) -> Response[bytes]:
    """The answer to an error."""
    if isinstance(error, Flawed):
        return answer(wire.Flaws(error.flaws), 422)
    if isinstance(error, Refused):
        return answer(wire.Refusal(error.detail), error.status)
    if not isinstance(error, FORESEEN):
        log.error("a request failed", path=connection.scope["path"], exc_info=error)
        return answer(wire.Refusal(HTTPStatus.INTERNAL_SERVER_ERROR.phrase), 500)
    if isinstance(error, NotFoundException | MethodNotAllowedException):
        status = HTTPStatus(error.status_code)
        return answer(wire.Refusal(status.phrase), status, **(error.headers or {}))
    known = problem_of(error)
    text = known.problem.detail or " ".join([known.problem.title, *_places(known.problem)])
    if known.problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return answer(wire.Flaws([wire.Flaw("value_error", ["body"], text)]), 422)
    return answer(wire.Refusal(text), known.problem.status, **known.headers)


def _places(problem: Problem) -> list[str]:
    """What is wrong in a request, place by place."""
    return [f"{one.pointer} {one.detail}".strip() + "." for one in problem.errors]


def speaks_at(path: str) -> bool:
    """Whether an address that nobody serves is refused in this dialect."""
    return path.startswith((f"{wire.PREFIX}/", "/api/v1/userlogin/"))
