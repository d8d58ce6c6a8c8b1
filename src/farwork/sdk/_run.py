"""A flow on its way: what it wants next, and what it ends with."""

import re
from collections.abc import Generator
from http import HTTPStatus
from typing import Any, Generic, TypeVar, cast

import httpx

from farwork import __version__
from farwork.config import is_loopback
from farwork.sdk._errors import FarworkError, Unauthenticated, Unreachable
from farwork.sdk._flow import Request, Response
from farwork.sdk._tokens import UNSENDABLE, may_be_token
from farwork.telemetry.traces import HEADER, present

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


class Run(Generic[T]):
    """Steps a flow; its end is a value, since a coroutine cannot pass on the exception that it is.

    `pieces` are what is left of a streamed body, and `source` the answer it comes from.
    """

    def __init__(self, flow: Generator[Any, Any, T]) -> None:
        self._flow = flow
        self.step: Any = None
        self.is_over = False
        self.pieces: Any = None
        self.source: httpx.Response | None = None
        self._result: T | None = None
        self.take(None)

    @property
    def result(self) -> T:
        """What the flow ended with."""
        assert self.is_over
        return cast("T", self._result)

    def take(self, answer: Any) -> None:
        """Give the flow what came of its step; an error is thrown into it."""
        try:
            if isinstance(answer, FarworkError):
                self.step = self._flow.throw(answer)
            else:
                self.step = self._flow.send(answer)
        except StopIteration as end:
            self.is_over, self._result = True, end.value

    def close(self) -> None:
        """End the flow where it stands."""
        self._flow.close()


def settings(server: str, key: str) -> dict[str, Any]:
    """How both fronts set up their connections. Raises `Unauthenticated` about no key at all."""
    url = httpx.URL(server)
    headers = {"User-Agent": f"farwork/{__version__}", "Accept": "application/json"}
    if key:
        if not may_be_token(key):
            raise Unauthenticated(HTTPStatus.UNAUTHORIZED, "unauthenticated", UNSENDABLE)
        headers["Authorization"] = f"Bearer {key}"
    return {
        "base_url": url,
        "headers": headers,
        # No proxy leads to this machine itself, and reading all trusted certificates takes longer
        # than most calls.
        "trust_env": not is_loopback(url.host),
        "verify": url.scheme == "https",
    }


def request_arguments(request: Request, timeout_s: float) -> dict[str, Any]:
    """A request in the words of httpx."""
    headers = dict(request.headers)
    trace = present()
    if trace is not None:
        headers.setdefault(HEADER, trace)
    if request.body is not None:
        headers.setdefault("Content-Type", "application/json")
    return {
        "method": request.method,
        "url": request.path,
        "params": request.parameters,
        "content": request.body,
        "headers": headers,
        "timeout": httpx.Timeout(timeout_s + request.wait_s, connect=CONNECT_TIMEOUT_S),
    }


def received(answer: httpx.Response, body: bytes) -> Response:
    """An answer in our words."""
    return Response(answer.status_code, answer.headers, body)


def unreachable(error: httpx.TransportError, server: str) -> Unreachable:
    """Why nobody answered, in one line."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        why = "no connection in time" if isinstance(error, httpx.ConnectTimeout) else str(error)
        return Unreachable(f"Nothing answers at {server} ({_ERRNO.sub('', why).lower()}).")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{server} did not answer in time.")
    return Unreachable(f"The connection to {server} broke off ({error or type(error).__name__}).")
