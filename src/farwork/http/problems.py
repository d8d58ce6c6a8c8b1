"""Errors on the wire: RFC 9457 problem details, with a stable `code` and every problem of a body at once."""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from farwork.domain import errors as e
from farwork.http.body import InvalidBody
from farwork.service.access import Forbidden, KeyNotFound, Unauthenticated
from farwork.storage.committer import Overloaded, StorageUnavailable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

# The nearest class of an error's own line decides.
STATUS: dict[type[Exception], int] = {
    e.DomainError: 400,
    e.NotFound: 404,
    KeyNotFound: 404,
    e.Refused: 409,
    e.VersionMismatch: 412,
    e.Unprocessable: 422,
    Unauthenticated: 401,
    Forbidden: 403,
}


class FieldProblem(Struct):
    """One thing that is wrong with a request: where (a JSON pointer into the body, or a parameter) and what."""

    pointer: str
    detail: str


class Problem(Struct, omit_defaults=True):
    """RFC 9457 problem details."""

    title: str
    status: int
    code: str
    detail: str | None = None
    type: str = "about:blank"
    errors: list[FieldProblem] = []


@dataclass(slots=True)
class Answer:
    """A problem with the headers that go with it."""

    problem: Problem
    headers: dict[str, str]


def status_of(error: Exception) -> int:
    """The HTTP status of a domain error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_of(error: Exception) -> Answer:
    """The problem details of any error that a handler may raise."""
    if isinstance(error, e.DomainError):
        status = status_of(error)
        title = (type(error).__doc__ or "").splitlines()[0]
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return Answer(Problem(title, status, error.code, error.detail), headers)
    if isinstance(error, InvalidBody):
        found = [FieldProblem(pointer, detail) for pointer, detail in error.problems]
        return Answer(Problem(error.title, error.status, error.code, error.detail, errors=found), {})
    if isinstance(error, Overloaded | StorageUnavailable):
        code = "overloaded" if isinstance(error, Overloaded) else "storage_unavailable"
        title = (type(error).__doc__ or "").split(";")[0]
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return Answer(Problem(title, 503, code, str(error)), headers)
    assert isinstance(error, HTTPException)
    return Answer(_http_problem(error), dict(error.headers or {}))


_TITLES = {
    400: ("The request is malformed.", "bad_request"),
    404: ("There is nothing at this address.", "no_such_route"),
    405: ("This address does not take this method.", "method_not_allowed"),
    413: ("The body is too large.", "body_too_large"),
}


def _http_problem(error: HTTPException) -> Problem:
    title, code = _TITLES.get(error.status_code, (error.detail, "http_error"))
    extra: Any = error.extra or []
    found = [
        FieldProblem(f"{_source(one)}:{one['key']}", str(one["message"]))
        for one in (extra if isinstance(extra, list) else [])
        if isinstance(one, dict) and "key" in one
    ]
    detail = error.detail if error.detail != title else None
    return Problem(title, error.status_code, code, detail, errors=found)


def _source(one: dict[str, Any]) -> str:
    return str(getattr(one.get("source"), "value", "query")).lower()


def respond(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to an error."""
    answer = problem_of(error)
    return Response(
        msgspec.json.encode(answer.problem),
        status_code=answer.problem.status,
        media_type=MEDIA_TYPE,
        headers=answer.headers,
    )
