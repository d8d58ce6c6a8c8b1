"""The protocol without IO: a call is a generator that yields what it wants done.

A driver carries the steps out, in a thread or on an event loop, and sends back what came of each.
It throws `Unreachable` into the generator where a request got no answer. So there is one place for
what is said and when it is said again, and none of it waits for anything.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast

import msgspec

from farwork import clock
from farwork.sdk._errors import BadAnswer, problem_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PAGE_MAX = 500
Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Send this and give me the `Response`.

    `wait_s` is how long the server may take its time on purpose. A `repeatable` one does no more
    when it is sent twice than when it is sent once. Of a `streamed` answer that is a
    success the body comes in pieces, one for each `More`.
    """

    method: str
    path: str
    parameters: Parameters = ()
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    wait_s: float = 0.0
    repeatable: bool = False
    streamed: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.repeatable or self.method == "GET" or "Idempotency-Key" in self.headers


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class More:
    """Give me the next piece of the streamed body, empty at its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Come back after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Hand this to whoever iterates."""

    value: T


Flow: TypeAlias = Generator[Request | Pause, Any, T]
Stream: TypeAlias = Generator[Request | Pause | More | Emit[T], Any, None]


def exchange(request: Request) -> Flow[Response]:
    """The good answer to a request. Raises what `problem_of` makes of any other."""
    response: Response = yield request
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise problem_of(response.status, response.headers, response.body)
    return response


def ask(request: Request, kind: type[T]) -> Flow[T]:
    """The answer to a request as a value. Raises `BadAnswer` when it is another thing."""
    response = yield from exchange(request)
    return decoded(response.body, kind)


def tell(request: Request) -> Flow[None]:
    """Send a request that is answered with nothing."""
    yield from exchange(request)


class Page(Protocol[T_co]):
    """A page of a list."""

    @property
    def items(self) -> Sequence[T_co]: ...
    @property
    def next_cursor(self) -> str | None: ...


def pages(
    path: str, kind: type[Page[T]], asked: Parameters = (), limit: int | None = None
) -> Stream[T]:
    """The items of a list, page after page, at most `limit` of them (None: all)."""
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE_MAX if left is None else min(left, PAGE_MAX)
        more = parameters(limit=size, cursor=cursor)
        page = yield from ask(Request("GET", path, asked + more), kind)
        for item in page.items:
            yield Emit(item)
        cursor = page.next_cursor
        if cursor is None:
            return
        left = None if left is None else left - len(page.items)


def post(path: str, body: Any, headers: Mapping[str, str] | None = None) -> Request:
    """A POST that may be sent again: its key lets the server recognise it."""
    key = {"Idempotency-Key": clock.uuid7(clock.now())}
    return Request("POST", path, body=msgspec.json.encode(body), headers=key | dict(headers or {}))


def decoded(body: bytes, kind: type[T]) -> T:
    """The value of a body. Raises `BadAnswer`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadAnswer(f"The answer is not what Farwork answers: {error}.") from error


def parameters(**given: Any) -> Parameters:
    """Query parameters: None is left out, a list is repeated."""
    found: list[tuple[str, str]] = []
    for name, value in given.items():
        if isinstance(value, list):
            found += [(name, _word(one)) for one in cast("list[Any]", value)]
        elif value is not None:
            found.append((name, _word(value)))
    return tuple(found)


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
