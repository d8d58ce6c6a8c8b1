"""ScanHub's task client: read a task, change it, put it back.

    from farwork.sdk import scanhub

    scanhub.TASK_URI = "http://127.0.0.1:8400/api/v1/exam/task"
    task = scanhub.get_task(task_id, user_access_token)
    task.status, task.progress = "INPROGRESS", 0
    task = scanhub.set_task(task_id, task, user_access_token)
    result = scanhub.create_blank_result(task_id, user_access_token)
    result.type, result.directory, result.files = "NUMPY", "/data/run-17/", ["image.npy"]
    scanhub.set_result(result.id, result, user_access_token)

It works against Farwork and against a ScanHub exam-manager. Connections are kept and shared, until
`close` or, on an event loop, `close_async`. A write whose answer was lost is sent again only after
a look at the task: if it was made, its answer is the task as it is; if anybody has changed the task
since it was read, the write is not repeated, for it would undo that change.
"""

from http import HTTPStatus
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct, structs

from farwork.sdk._errors import FarworkError
from farwork.sdk._exchange import (
    Answer,
    Flow,
    Send,
    Settings,
    Wait,
    close,
    close_async,
    configure,
    drive,
    drive_async,
    shared,
)
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
    "create_blank_result",
    "create_blank_result_async",
    "delete_result",
    "delete_result_async",
    "get_result",
    "get_result_async",
    "get_task",
    "get_task_async",
    "set_result",
    "set_result_async",
    "set_task",
    "set_task_async",
]

TASK_URI = "http://exam-manager:8000/api/v1/exam/task"
"""Where tasks are, and results beside them; assign another address at any time."""

Status = Literal["NEW", "UPDATED", "STARTED", "INPROGRESS", "FINISHED", "ERROR"]


class TaskRefused(FarworkError):
    """The task (or result) could not be read or written; `status_code` is 404 for one that is
    unknown, 400 for one of another kind and for an update that is refused, else what was answered.
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


# --- the protocol, without IO ---


_AGAIN = (0, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY,
          HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)  # fmt: skip
# What says that nothing was done.
_NOT_DONE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def _getting(task_id: object, token: str, patience: Patience) -> Flow[tuple[TaskOut, str | None]]:
    request = Send("GET", _url(task_id), token)
    answer: Answer = yield request
    for attempt in range(1, patience.attempts_max):
        if answer.status not in _AGAIN:
            break
        yield Wait(patience.pause(attempt).seconds)
        answer = yield request
    if answer.status != HTTPStatus.OK:
        malformed = answer.status == HTTPStatus.BAD_REQUEST
        status = HTTPStatus.NOT_FOUND if malformed else answer.status
        raise TaskRefused(status or HTTPStatus.SERVICE_UNAVAILABLE, _said(answer))
    return _task_of(answer.body), answer.tag


def _setting(
    task_id: object, payload: TaskOut | dict[str, Any], token: str, patience: Patience
) -> Flow[TaskOut]:
    body = msgspec.json.encode(payload)
    wanted: dict[str, Any] = msgspec.json.decode(body)
    tag: str | None = None
    answer = Answer(0)
    for attempt in range(1, patience.attempts_max + 1):
        answer = yield Send("PUT", _url(task_id), token, body, tag)
        if answer.status == HTTPStatus.OK:
            return _task_of(answer.body)
        if answer.status not in _AGAIN and answer.status != HTTPStatus.PRECONDITION_FAILED:
            allowed = answer.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
            raise TaskRefused(HTTPStatus.BAD_REQUEST if allowed else answer.status, _said(answer))
        if attempt < patience.attempts_max:
            yield Wait(patience.pause(attempt).seconds)
        known, tag = yield from _getting(task_id, token, patience)
        if _is_written(known, wanted):
            return known
        if known.datetime_updated != wanted.get("datetime_updated"):
            raise TaskRefused(
                HTTPStatus.BAD_REQUEST, "The task has changed since it was read; read it again."
            )
    raise TaskRefused(HTTPStatus.SERVICE_UNAVAILABLE, _said(answer))


def _creating(task_id: object, token: str, patience: Patience) -> Flow[ResultOut]:
    url = f"{_results()}?{urlencode({'task_id': str(task_id)})}"
    request = Send("POST", url, token)
    answer: Answer = yield request
    for attempt in range(1, patience.attempts_max):
        # Asked again after a lost answer, there might be two: the next step takes the newest.
        if answer.sent and answer.status not in _NOT_DONE:
            break
        yield Wait(patience.pause(attempt).seconds)
        answer = yield request
    if answer.status == HTTPStatus.CREATED:
        return _result_of(answer.body)
    raise _result_refused(answer, HTTPStatus.NOT_FOUND)


def _about_result(
    method: str, result_id: object, token: str, patience: Patience, payload: Any = None
) -> Flow[bytes]:
    """Read, write or remove a result: each can be said again without harm."""
    body = None if payload is None else msgspec.json.encode(payload)
    request = Send(method, f"{_results()}/{quote(str(result_id), safe='')}", token, body)
    answer: Answer = yield request
    lost = False
    for attempt in range(1, patience.attempts_max):
        if answer.status not in _AGAIN:
            break
        lost = True
        yield Wait(patience.pause(attempt).seconds)
        answer = yield request
    if answer.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return answer.body
    if method == "DELETE" and lost and answer.status == HTTPStatus.NOT_FOUND:
        return b""
    refused = HTTPStatus.BAD_REQUEST if method == "PUT" else HTTPStatus.NOT_FOUND
    raise _result_refused(answer, refused)


def _result_refused(answer: Answer, refused: int) -> TaskRefused:
    """Why there is no such result, or why it is not as it was to be."""
    status = answer.status or HTTPStatus.SERVICE_UNAVAILABLE
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        status = refused
    return TaskRefused(status, _said(answer))


def _result_of(body: bytes) -> ResultOut:
    try:
        return msgspec.json.decode(body, type=ResultOut)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TaskRefused(HTTPStatus.BAD_REQUEST, f"This is no result: {error}.") from None


def _results() -> str:
    return f"{TASK_URI.rstrip('/').removesuffix('/task')}/result"


def _url(task_id: object) -> str:
    return f"{TASK_URI.rstrip('/')}/{quote(str(task_id), safe='')}"


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


def _said(answer: Answer) -> str:
    try:
        detail: Any = msgspec.json.decode(answer.body)["detail"]
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
        return answer.why or f"the server answered {answer.status}"
    return str(detail)


# --- what is called ---


def get_task(task_id: object, user_access_token: str) -> TaskOut:
    """The task with this id (a UUID, or its text). Raises `TaskRefused`."""
    return drive(_getting(task_id, user_access_token, shared.settings.patience))[0]


def set_task(task_id: object, payload: TaskOut | dict[str, Any], user_access_token: str) -> TaskOut:
    """The task as it is after this record was put, whole. Raises `TaskRefused`."""
    return drive(_setting(task_id, payload, user_access_token, shared.settings.patience))


async def get_task_async(task_id: object, user_access_token: str) -> TaskOut:
    """The same as `get_task`, on an event loop."""
    flow = _getting(task_id, user_access_token, shared.settings.patience)
    return (await drive_async(flow))[0]


async def set_task_async(
    task_id: object, payload: TaskOut | dict[str, Any], user_access_token: str
) -> TaskOut:
    """The same as `set_task`, on an event loop."""
    return await drive_async(
        _setting(task_id, payload, user_access_token, shared.settings.patience)
    )


def create_blank_result(task_id: object, user_access_token: str) -> ResultOut:
    """A new result of a task, with nothing in it yet. Raises `TaskRefused`.

    It is not asked for again when the answer is lost: that might make two.
    """
    return drive(_creating(task_id, user_access_token, shared.settings.patience))


def get_result(result_id: object, user_access_token: str) -> ResultOut:
    """The result with this id. Raises `TaskRefused`."""
    flow = _about_result("GET", result_id, user_access_token, shared.settings.patience)
    return _result_of(drive(flow))


def set_result(
    result_id: object, payload: ResultOut | dict[str, Any], user_access_token: str
) -> ResultOut:
    """The result as it is after this record was put, whole. Raises `TaskRefused`."""
    patience = shared.settings.patience
    return _result_of(drive(_about_result("PUT", result_id, user_access_token, patience, payload)))


def delete_result(result_id: object, user_access_token: str) -> None:
    """Remove a result. Raises `TaskRefused`."""
    drive(_about_result("DELETE", result_id, user_access_token, shared.settings.patience))


async def create_blank_result_async(task_id: object, user_access_token: str) -> ResultOut:
    """The same as `create_blank_result`, on an event loop."""
    flow = _creating(task_id, user_access_token, shared.settings.patience)
    return await drive_async(flow)


async def get_result_async(result_id: object, user_access_token: str) -> ResultOut:
    """The same as `get_result`, on an event loop."""
    flow = _about_result("GET", result_id, user_access_token, shared.settings.patience)
    return _result_of(await drive_async(flow))


async def set_result_async(
    result_id: object, payload: ResultOut | dict[str, Any], user_access_token: str
) -> ResultOut:
    """The same as `set_result`, on an event loop."""
    patience = shared.settings.patience
    flow = _about_result("PUT", result_id, user_access_token, patience, payload)
    return _result_of(await drive_async(flow))


async def delete_result_async(result_id: object, user_access_token: str) -> None:
    """The same as `delete_result`, on an event loop."""
    flow = _about_result("DELETE", result_id, user_access_token, shared.settings.patience)
    await drive_async(flow)
