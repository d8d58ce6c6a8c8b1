"""Why a call did not do what was asked.

FarworkError
+-- Unreachable             nobody answered: no connection, or it broke off, or it took too long
+-- BadAnswer               somebody answered, who does not speak this protocol
+-- WaitTimedOut            the time that was given ran out
+-- FeedReset               the feed does not reach to the position that was asked for
+-- Problem                 the server said no
    +-- InvalidRequest      400, 413, 422 and what has no class of its own
    +-- Unauthenticated     401
    +-- Forbidden           403
    +-- NotFound            404
    +-- Refused             409
    +-- VersionMismatch     412
    +-- Overloaded          429, 503; `retry_after_s` is when to come back
    +-- ServerFailed        any other from 500 on
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from farwork.protocol.problems import FieldProblem


class FarworkError(Exception):
    """A call did not do what was asked."""


class Unreachable(FarworkError):
    """Nobody answered."""


class BadAnswer(FarworkError):
    """Somebody answered who does not speak this protocol."""


class WaitTimedOut(FarworkError):
    """The time that was given ran out."""


class FeedReset(FarworkError):
    """The feed does not reach to the position that was asked for; what was read may be undone."""


class Problem(FarworkError):
    """The server said no.

    `code` is stable; `errors` lists everything that is wrong with the request.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        errors: list[FieldProblem] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors or []
        self.retry_after_s: float | None = None


class InvalidRequest(Problem):
    """The request cannot be taken as it is."""


class Unauthenticated(Problem):
    """The server does not know who asks."""


class Forbidden(Problem):
    """Whoever asks may not."""


class NotFound(Problem):
    """There is no such thing."""


class Refused(Problem):
    """It cannot be done to the thing as it stands."""


class VersionMismatch(Problem):
    """The thing has changed since it was read."""


class Overloaded(Problem):
    """The server cannot work just now."""


class ServerFailed(Problem):
    """The server broke down over the request."""


_KINDS: dict[int, type[Problem]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Refused,
    412: VersionMismatch,
    429: Overloaded,
    503: Overloaded,
}


_KINDS_OF_ANY = frozenset({HTTPStatus.TOO_MANY_REQUESTS})


class _Said(Struct):
    title: str = ""
    code: str = ""
    detail: str | None = None
    errors: list[FieldProblem] = []


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> Problem | BadAnswer:
    """The error that an answer with an error status stands for.

    What is on the way to a server may be overloaded or fail in the server's place; any other
    answer that is no problem of ours comes from something else.
    """
    try:
        said = msgspec.json.decode(body, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = _Said()
    if not said.code and status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _KINDS_OF_ANY:
        return BadAnswer(f"The answer, with status {status}, is not what Farwork answers.")
    fallback = ServerFailed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidRequest
    title = said.title or f"The server answered {status}."
    code = said.code or f"http_{status}"
    problem = _KINDS.get(status, fallback)(status, code, title, said.detail, said.errors)
    problem.retry_after_s = _seconds(headers.get("retry-after"))
    return problem


def _seconds(given: Any) -> float | None:
    try:
        return max(0.0, float(given))
    except (TypeError, ValueError):
        return None
