"""Answers in the gateway's shape: JSON, errors as `{"detail": ...}`.

And what a page of another origin may read of them.
"""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import HttpMethod, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from farwork.http.auth import AnyConnection
from farwork.http.dialects.uniqc import wire
from farwork.http.dialects.uniqc.asking import Flawed, UnreadableBody
from farwork.http.problems import FORESEEN, problem_of

log = structlog.get_logger()

encode = msgspec.json.Encoder().encode
JSON = "application/json"

DEVELOPMENT_ORIGINS = {f"http://{host}:5173" for host in ("localhost", "127.0.0.1", "[::1]")}
"""Where the gateway's web page is served from while it is being developed."""
PREFLIGHT_SECONDS = 600
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


class Refused(Exception):
    """A request that is answered with a status and a text."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def answer(connection: AnyConnection, value: Any, status: int = 200) -> Response[bytes]:
    """An answer with a JSON body."""
    return Response(
        encode(value), status_code=status, media_type=JSON, headers=headers_for(connection)
    )


def respond(connection: AnyConnection, error: Exception) -> Response[bytes]:
    """The answer to an error."""
    if isinstance(error, Flawed):
        return answer(connection, wire.Flaws(error.flaws), 422)
    status, detail, headers = refusal_of(connection, error)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return answer(
            connection, wire.Flaws([wire.Flaw("value_error", ["body"], detail, None)]), 422
        )
    response = answer(connection, wire.Refusal(detail), status)
    response.headers.update(headers)
    return response


def refusal_of(connection: AnyConnection, error: Exception) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers for an error of ours, of the use cases, or of the router."""
    if isinstance(error, Refused):
        return error.status, error.detail, {}
    if isinstance(error, UnreadableBody):
        return 400, "There was an error parsing the body", {}
    if not isinstance(error, FORESEEN):
        log.error("a request failed", path=connection.scope["path"], exc_info=error)
        return 500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase, {}
    if isinstance(error, NotFoundException | MethodNotAllowedException):
        return error.status_code, HTTPStatus(error.status_code).phrase, _allowed(error)
    known = problem_of(error)
    problem = known.problem
    return problem.status, problem.detail or problem.title, known.headers


def _allowed(error: HTTPException) -> dict[str, str]:
    """The methods that an address takes; OPTIONS is for browsers that ask, and is no call."""
    methods = (error.headers or {}).get("allow", "").split(", ")
    calls = sorted(set(methods) - {"", HttpMethod.OPTIONS})
    return {"Allow": ", ".join(calls)} if calls else {}


def headers_for(connection: AnyConnection) -> dict[str, str]:
    """What lets the page that is being developed read the answer, and no other."""
    origin = connection.headers.get("origin")
    headers = {"Vary": "Origin"}
    if origin in DEVELOPMENT_ORIGINS:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
    return headers


def speaks_at(path: str) -> bool:
    """Whether an address that nobody serves is refused in this dialect."""
    return path == "/api" or path.startswith("/api/")


def preflight(connection: AnyConnection) -> Response[str] | None:
    """The answer to a browser that asks before it calls; None: nobody asks."""
    headers = headers_for(connection)
    if (
        "origin" not in connection.headers
        or "access-control-request-method" not in connection.headers
    ):
        return None
    if "Access-Control-Allow-Origin" not in headers:
        return Response(
            "Disallowed CORS origin", status_code=400, media_type="text/plain", headers=headers
        )
    headers["Access-Control-Allow-Methods"] = _METHODS
    headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    asked = connection.headers.get("access-control-request-headers")
    if asked is not None:
        headers["Access-Control-Allow-Headers"] = asked
    return Response("OK", media_type="text/plain", headers=headers)
