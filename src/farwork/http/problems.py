"""Errors as responses: RFC 9457 problem details, with everything that is wrong at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from farwork.domain import errors as e
from farwork.http.body import InvalidBody
from farwork.protocol.problems import FieldProblem, Problem
from farwork.service.access import Forbidden, KeyNotFound, TooManyRequests, Unauthenticated
from farwork.service.ledger import NotInTime, Overloaded, StorageUnavailable
from farwork.service.limits import POLICY, RateLimited

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"

# The nearest class of an error's own line decides.
STATUS: dict[type[Exception], HTTPStatus] = {
    e.DomainError: HTTPStatus.BAD_REQUEST,
    e.NotFound: HTTPStatus.NOT_FOUND,
    KeyNotFound: HTTPStatus.NOT_FOUND,
    e.Refused: HTTPStatus.CONFLICT,
    e.VersionMismatch: HTTPStatus.PRECONDITION_FAILED,
    e.Unprocessable: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
}


FORESEEN: tuple[type[Exception], ...] = (
    e.DomainError,
    InvalidBody,
    Overloaded,
    StorageUnavailable,
    HTTPException,
)
"""What a handler may raise; anything else is a fault of ours."""


@dataclass(slots=True)
class Answer:
    """A problem with the headers that go with it."""

    problem: Problem
    headers: dict[str, str] = field(default_factory=dict[str, str])


def status_of(error: type[Exception]) -> int:
    """The HTTP status of a kind of domain error."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS).value


def problem_of(error: Exception) -> Answer:
    """The problem details of any error."""
    match error:
        case e.DomainError():
            return _refusal(error)
        case InvalidBody():
            found = [FieldProblem(pointer, detail) for pointer, detail in error.problems]
            problem = Problem(error.title, error.status, error.code, error.detail, errors=found)
            # What was not read of the body stands in the way of the connection's next request.
            closing = error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return Answer(problem, {"Connection": "close"} if closing else {})
        case Overloaded() | StorageUnavailable():
            return _unavailable(error)
        case HTTPException():
            return Answer(_http_problem(error), dict(error.headers or {}))
        case _:
            return Answer(Problem("The server made a mistake.", 500, "internal_error"))


def _refusal(error: e.DomainError) -> Answer:
    status = status_of(type(error))
    title = (type(error).__doc__ or "").splitlines()[0]
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    problem = Problem(title, status, error.code, error.detail)
    if isinstance(error, RateLimited):
        problem.type, problem.violated_policies = QUOTA_EXCEEDED, [POLICY]
    return Answer(problem, headers)


def _unavailable(error: Exception) -> Answer:
    match error:
        case NotInTime():
            code = "not_in_time"
        case Overloaded():
            code = "overloaded"
        case StorageUnavailable():
            code = error.code
        case _:
            code = "storage_unavailable"
    title = (type(error).__doc__ or "").partition(";")[0]
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Answer(Problem(title, 503, code, str(error)), headers)


_TITLES = {
    400: ("The request is malformed.", "bad_request"),
    404: ("There is nothing at this address.", "no_such_route"),
    405: ("This address does not take this method.", "method_not_allowed"),
    413: ("The body is too large.", "body_too_large"),
}


def _http_problem(error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    title, code = _TITLES.get(status, (error.detail, "http_error"))
    detail = None if error.detail in (title, status.phrase) else error.detail
    return Problem(title, status, code, detail, errors=list(_parameters(error.extra)))


def _parameters(extra: Any) -> Iterator[FieldProblem]:
    """What Litestar says of parameters that it has read itself."""
    for one in cast("list[Any]", extra) if isinstance(extra, list) else []:
        if isinstance(one, dict) and "key" in one:
            said = cast("dict[str, Any]", one)
            source = str(getattr(said.get("source"), "value", "query")).lower()
            yield FieldProblem(f"{source}:{said['key']}", str(said.get("message")))


def respond(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to an error."""
    answer = problem_of(error)
    if answer.problem.code == "internal_error":
        log.error("request failed", exc_info=error)
    return Response(
        msgspec.json.encode(answer.problem),
        status_code=answer.problem.status,
        media_type=MEDIA_TYPE,
        headers=answer.headers,
    )
