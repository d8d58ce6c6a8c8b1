"""How ScanHub's client exchanges requests for answers, on threads and on event loops.

The protocol is generators that yield what to send or how long to wait and are sent what came back;
the two drivers here do it.
"""

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import httpx

from farwork import clock
from farwork.sdk._patience import Patience
from farwork.sdk._tokens import UNSENDABLE, may_be_token

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Settings:
    """How long one answer is waited for, and how often a request is sent at most."""

    timeout_s: float = 3.0
    patience: Patience = field(default_factory=lambda: Patience(attempts_max=4))
    connections_max: int = 20


@dataclass(slots=True, frozen=True)
class Send:
    method: str
    url: str
    token: str
    body: bytes | None = None
    tag: str | None = None


@dataclass(slots=True, frozen=True)
class Wait:
    seconds: float


@dataclass(slots=True, frozen=True)
class Answer:
    """What came back; `status` 0: nothing did.

    What the server has done is not known then, but for a request that was not `sent`.
    """

    status: int
    body: bytes = b""
    tag: str | None = None
    why: str = ""
    sent: bool = True


Flow: TypeAlias = Generator[Send | Wait, Any, T]

# --- the two drivers ---


class Shared:
    """Connections that all calls of a process share: one pool for threads, one an event loop."""

    def __init__(self) -> None:
        self.settings = Settings()
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._loops: WeakKeyDictionary[Any, httpx.AsyncClient] = WeakKeyDictionary()

    def _given(self) -> dict[str, Any]:
        settings = self.settings
        limits = httpx.Limits(max_connections=settings.connections_max)
        return {"timeout": settings.timeout_s, "limits": limits}

    def client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(**self._given())
            return self._client

    def async_client(self, loop: Any) -> httpx.AsyncClient:
        with self._lock:
            if loop not in self._loops:
                self._loops[loop] = httpx.AsyncClient(**self._given())
            return self._loops[loop]

    def renew(self, settings: Settings) -> None:
        with self._lock:
            self.settings = settings
            if self._client is not None:
                self._client.close()
                self._client = None

    async def close_async(self, loop: Any) -> None:
        with self._lock:
            client = self._loops.pop(loop, None)
        if client is not None:
            await client.aclose()


shared = Shared()


def configure(settings: Settings) -> None:
    """Wait and repeat from now on as `settings` say."""
    shared.renew(settings)


def close() -> None:
    """Close the connections that threads share; the next call opens others."""
    shared.renew(shared.settings)


async def close_async() -> None:
    """Close the connections of this event loop, before it ends."""
    import asyncio  # noqa: PLC0415 - see below

    await shared.close_async(asyncio.get_running_loop())


def _arguments(step: Send) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {step.token}"}
    if step.body is not None:
        headers["Content-Type"] = "application/json"
    if step.tag is not None:
        headers["If-Match"] = step.tag
    return {"method": step.method, "url": step.url, "content": step.body, "headers": headers}


def _refused(step: Send) -> Answer | None:
    """What the server would answer to a token that cannot be sent; None: it can be."""
    return None if may_be_token(step.token) else Answer(HTTPStatus.UNAUTHORIZED, why=UNSENDABLE)


def _received(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.content, response.headers.get("etag"))


def drive(flow: Flow[T]) -> T:
    answer: Any = None
    try:
        while True:
            step = flow.send(answer)
            if isinstance(step, Wait):
                answer = clock.pause(step.seconds)
                continue
            answer = _refused(step)
            if answer is not None:
                continue
            try:
                answer = _received(shared.client().request(**_arguments(step)))
            except httpx.TransportError as error:
                answer = _unanswered(step, error)
    except StopIteration as end:
        found: T = end.value
        return found


async def drive_async(flow: Flow[T]) -> T:
    import asyncio  # noqa: PLC0415 - programs without an event loop start quicker without it

    client = shared.async_client(asyncio.get_running_loop())
    answer: Any = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found
        if isinstance(step, Wait):
            await clock.pause_on_loop(step.seconds)
            answer = None
            continue
        answer = _refused(step)
        if answer is not None:
            continue
        try:
            answer = _received(await client.request(**_arguments(step)))
        except httpx.TransportError as error:
            answer = _unanswered(step, error)


def _unanswered(step: Send, error: httpx.TransportError) -> Answer:
    sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Answer(0, why=f"no answer from {step.url}: {error!r}", sent=sent)
