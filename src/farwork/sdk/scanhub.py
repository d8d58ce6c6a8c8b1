"""ScanHub's task client: read a task, change it, put it back.

    from farwork.sdk import scanhub

    scanhub.TASK_URI = "http://127.0.0.1:8400/api/v1/exam/task"
    task = scanhub.get_task(task_id, user_access_token)
    task.status, task.progress = "INPROGRESS", 0
    task = scanhub.set_task(task_id, task, user_access_token)

It works against Farwork and against a ScanHub exam-manager. Connections are kept and shared, until
`close` or, on an event loop, `close_async`. A write whose answer was lost is sent again only after
a look at the task: if it was made, its answer is the task as it is; if anybody has changed the task
since it was read, the write is not repeated, for it would undo that change.
"""

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import httpx
import msgspec
from msgspec import Struct, structs

from farwork import clock
from farwork.sdk._errors import FarworkError
from farwork.sdk._patience import Patience

__all__ = [
    "TASK_URI",
    "AcquisitionTaskOut",
    "DAGTaskOut",
    "ResultOut",
    "Settings",
    "TaskOut",
    "TaskRefused",
    "close",
    "close_async",
    "configure",
    "get_task",
    "get_task_async",
    "set_task",
    "set_task_async",
]

TASK_URI = "http://exam-manager:8000/api/v1/exam/task"
"""Where tasks are; assign another address before the first call, or any time."""

Status = Literal["NEW", "UPDATED", "STARTED", "INPROGRESS", "FINISHED", "ERROR"]
T = TypeVar("T")


class TaskRefused(FarworkError):
    """The task could not be read or written; `status_code` is 404 for a task that is unknown,
    400 for a task of another kind and for an update that is refused, else what the server said.
    """  # noqa: D205 - one sentence

    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(f"{status_code}: {detail}")
        self.status_code = status_code
        self.detail = detail


class ResultOut(Struct, kw_only=True):
    """A result of a task."""

    id: str
    task_id: str | None = None
    datetime_created: str | None = None
    type: str = "NOT_SET"
    directory: str = ""
    files: list[str] = []
    meta: dict[str, Any] | None = None


class _Task(Struct, kw_only=True):
    id: str
    workflow_id: str | None = None
    name: str
    description: str
    task_type: str
    destination: str = ""
    status: Status
    progress: int = 0
    is_template: bool = False
    position: int = 0
    creator: str | None = None
    datetime_created: str | None = None
    datetime_updated: str | None = None
    results: list[ResultOut] = []


class AcquisitionTaskOut(_Task, kw_only=True):
    """A scan."""

    device_id: str | None = None
    sequence_id: str | None = None
    acquisition_parameter: dict[str, Any] | None = None
    acquisition_limits: dict[str, Any] | None = None
    calibration: list[dict[str, Any]] = []


class DAGTaskOut(_Task, kw_only=True):
    """A reconstruction or another processing."""

    dag_type: str
    dag_id: str
    input_task_ids: list[str] = []
    parameter: dict[str, Any] | None = None


TaskOut: TypeAlias = AcquisitionTaskOut | DAGTaskOut
_KINDS: dict[str, type[AcquisitionTaskOut] | type[DAGTaskOut]] = {
    "ACQUISITION": AcquisitionTaskOut,
    "DAG": DAGTaskOut,
}
_READ_ONLY = {"id", "creator", "datetime_created", "datetime_updated", "results", "position"}


@dataclass(slots=True, frozen=True)
class Settings:
    """How long one answer is waited for, and how often a request is sent at most."""

    timeout_s: float = 3.0
    patience: Patience = field(default_factory=lambda: Patience(attempts_max=4))
    connections_max: int = 20


# --- the protocol, without IO ---


@dataclass(slots=True, frozen=True)
class _Send:
    method: str
    url: str
    token: str
    body: bytes | None = None
    tag: str | None = None


@dataclass(slots=True, frozen=True)
class _Wait:
    seconds: float


@dataclass(slots=True, frozen=True)
class _Answer:
    """What came back; `status` 0: nothing did, and what the server has done is not known."""

    status: int
    body: bytes = b""
    tag: str | None = None
    why: str = ""


_Flow: TypeAlias = Generator[_Send | _Wait, Any, T]
_AGAIN = (0, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY,
          HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)  # fmt: skip


def _getting(task_id: object, token: str, patience: Patience) -> _Flow[tuple[TaskOut, str | None]]:
    request = _Send("GET", _url(task_id), token)
    answer: _Answer = yield request
    for attempt in range(1, patience.attempts_max):
        if answer.status not in _AGAIN:
            break
        yield _Wait(patience.pause(attempt).seconds)
        answer = yield request
    if answer.status != HTTPStatus.OK:
        malformed = answer.status == HTTPStatus.BAD_REQUEST
        status = HTTPStatus.NOT_FOUND if malformed else answer.status
        raise TaskRefused(status or HTTPStatus.SERVICE_UNAVAILABLE, _said(answer))
    return _task_of(answer.body), answer.tag


def _setting(
    task_id: object, payload: TaskOut | dict[str, Any], token: str, patience: Patience
) -> _Flow[TaskOut]:
    body = msgspec.json.encode(payload)
    wanted: dict[str, Any] = msgspec.json.decode(body)
    tag: str | None = None
    answer = _Answer(0)
    for attempt in range(1, patience.attempts_max + 1):
        answer = yield _Send("PUT", _url(task_id), token, body, tag)
        if answer.status == HTTPStatus.OK:
            return _task_of(answer.body)
        if answer.status not in _AGAIN and answer.status != HTTPStatus.PRECONDITION_FAILED:
            allowed = answer.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
            raise TaskRefused(HTTPStatus.BAD_REQUEST if allowed else answer.status, _said(answer))
        if attempt < patience.attempts_max:
            yield _Wait(patience.pause(attempt).seconds)
        known, tag = yield from _getting(task_id, token, patience)
        if _is_written(known, wanted):
            return known
        if known.datetime_updated != wanted.get("datetime_updated"):
            raise TaskRefused(
                HTTPStatus.BAD_REQUEST, "The task has changed since it was read; read it again."
            )
    raise TaskRefused(HTTPStatus.SERVICE_UNAVAILABLE, _said(answer))


def _url(task_id: object) -> str:
    return f"{TASK_URI.rstrip('/')}/{task_id}"


def _task_of(body: bytes) -> TaskOut:
    try:
        value: Any = msgspec.json.decode(body)
        kind = _KINDS.get(value["task_type"])
        if kind is not None:
            return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise TaskRefused(HTTPStatus.BAD_REQUEST, f"This is no task: {error}.") from None
    raise TaskRefused(HTTPStatus.BAD_REQUEST, "The task is of a kind that is not known here.")


def _is_written(task: TaskOut, wanted: dict[str, Any]) -> bool:
    """Whether a task is as it was to be made, in all that can be written."""
    shown: dict[str, Any] = msgspec.to_builtins(structs.asdict(task))
    # A task that is finished is so to a hundred percent, whatever was said.
    left = _READ_ONLY | ({"progress"} if task.status == "FINISHED" else set[str]())
    return all(shown[k] == v for k, v in wanted.items() if k in shown and k not in left)


def _said(answer: _Answer) -> str:
    try:
        detail: Any = msgspec.json.decode(answer.body)["detail"]
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
        return answer.why or f"the server answered {answer.status}"
    return str(detail)


# --- the two drivers ---


class _Shared:
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


_shared = _Shared()


def configure(settings: Settings) -> None:
    """Wait and repeat from now on as `settings` say."""
    _shared.renew(settings)


def close() -> None:
    """Close the connections that threads share; the next call opens others."""
    _shared.renew(_shared.settings)


async def close_async() -> None:
    """Close the connections of this event loop, before it ends."""
    import asyncio  # noqa: PLC0415 - see below

    await _shared.close_async(asyncio.get_running_loop())


def _arguments(step: _Send) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {step.token}"}
    if step.body is not None:
        headers["Content-Type"] = "application/json"
    if step.tag is not None:
        headers["If-Match"] = step.tag
    return {"method": step.method, "url": step.url, "content": step.body, "headers": headers}


def _received(response: httpx.Response) -> _Answer:
    return _Answer(response.status_code, response.content, response.headers.get("etag"))


def _drive(flow: _Flow[T]) -> T:
    answer: Any = None
    try:
        while True:
            step = flow.send(answer)
            if isinstance(step, _Wait):
                answer = clock.pause(step.seconds)
                continue
            try:
                answer = _received(_shared.client().request(**_arguments(step)))
            except httpx.TransportError as error:
                answer = _Answer(0, why=f"no answer from {step.url}: {error!r}")
    except StopIteration as end:
        found: T = end.value
        return found


async def _drive_async(flow: _Flow[T]) -> T:
    import asyncio  # noqa: PLC0415 - programs without an event loop start quicker without it

    client = _shared.async_client(asyncio.get_running_loop())
    answer: Any = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found
        if isinstance(step, _Wait):
            await clock.pause_on_loop(step.seconds)
            answer = None
            continue
        try:
            answer = _received(await client.request(**_arguments(step)))
        except httpx.TransportError as error:
            answer = _Answer(0, why=f"no answer from {step.url}: {error!r}")


# --- what is called ---


def get_task(task_id: object, user_access_token: str) -> TaskOut:
    """The task with this id (a UUID, or its text). Raises `TaskRefused`."""
    return _drive(_getting(task_id, user_access_token, _shared.settings.patience))[0]


def set_task(task_id: object, payload: TaskOut | dict[str, Any], user_access_token: str) -> TaskOut:
    """The task as it is after this record was put, whole. Raises `TaskRefused`."""
    return _drive(_setting(task_id, payload, user_access_token, _shared.settings.patience))


async def get_task_async(task_id: object, user_access_token: str) -> TaskOut:
    """The same as `get_task`, on an event loop."""
    flow = _getting(task_id, user_access_token, _shared.settings.patience)
    return (await _drive_async(flow))[0]


async def set_task_async(
    task_id: object, payload: TaskOut | dict[str, Any], user_access_token: str
) -> TaskOut:
    """The same as `set_task`, on an event loop."""
    return await _drive_async(
        _setting(task_id, payload, user_access_token, _shared.settings.patience)
    )
