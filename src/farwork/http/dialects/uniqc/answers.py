"""Answers in the gateway's shape: JSON, errors as `{"detail": ...}`, and what a page of another origin may read."""

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response
from litestar.connection import ASGIConnection

from farwork.http.dialects.uniqc import wire
from farwork.http.dialects.uniqc.asking import Flawed, UnreadableBody
from farwork.http.problems import problem_of

AnyConnection = ASGIConnection[Any, Any, Any, Any]

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
    if isinstance(error, Refused):
        return answer(connection, wire.Refusal(error.detail), error.status)
    if isinstance(error, UnreadableBody):
        return answer(connection, wire.Refusal("There was an error parsing the body"), 400)
    if not isinstance(error, _KNOWN):
        log.error("a request failed", path=connection.scope["path"], exc_info=error)
        return answer(connection, wire.Refusal(HTTPStatus.INTERNAL_SERVER_ERROR.phrase), 500)
    known = problem_of(error)
    problem = known.problem
    if problem.code in ("no_such_route", "method_not_allowed"):
        detail = HTTPStatus(problem.status).phrase
    else:
        detail = problem.detail or problem.title
    response = answer(connection, wire.Refusal(detail), problem.status)
    response.headers.update(known.headers)
    return response


def headers_for(connection: AnyConnection) -> dict[str, str]:
    """What lets the page that is being developed read the answer, and no other."""
    origin = connection.headers.get("origin")
    headers = {"Vary": "Origin"}
    if origin in DEVELOPMENT_ORIGINS:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
    return headers


def preflight(connection: AnyConnection) -> Response[str] | None:
    """The answer to a browser that asks before it calls; None: nobody asks."""
    headers = headers_for(connection)
    if "origin" not in connection.headers or "access-control-request-method" not in connection.headers:
        return None
    if "Access-Control-Allow-Origin" not in headers:
        return Response("Disallowed CORS origin", status_code=400, media_type="text/plain", headers=headers)
    headers["Access-Control-Allow-Methods"] = _METHODS
    headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    asked = connection.headers.get("access-control-request-headers")
    if asked is not None:
        headers["Access-Control-Allow-Headers"] = asked
    return Response("OK", media_type="text/plain", headers=headers)
