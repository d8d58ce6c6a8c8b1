"""The calls about tasks, as flows."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from farwork import clock
from farwork.protocol.reports import ReportIn
from farwork.protocol.tasks import (
    ReportList,
    ReportOut,
    TaskCreate,
    TaskOut,
    TaskPage,
    TaskPatch,
    TaskSummary,
)
from farwork.sdk._flow import Emit, Flow, Request, Stream, ask, parameters, tell

Verb = Literal["submit", "cancel", "retry", "archive", "restore", "adopt"]
PAGE_MAX = 500

_encode = msgspec.json.encode


def create_task(task: TaskCreate) -> Flow[TaskSummary]:
    """Create a task. Raises `Refused` when its id is taken."""
    return ask(_post("/v1/tasks", task), TaskSummary)


def create_tasks(tasks: list[TaskCreate]) -> Flow[list[TaskSummary]]:
    """Create several tasks, all of them or none; they come back in their order."""
    page = yield from ask(_post("/v1/tasks", tasks), TaskPage)
    return page.items


def get_task(task_id: str) -> Flow[TaskOut]:
    """The task with this id, whole. Raises `NotFound`."""
    return ask(Request("GET", path_of(task_id)), TaskOut)


def list_tasks(  # noqa: PLR0913 - one parameter a filter
    *,
    states: list[str] | None = None,
    reasons: list[str] | None = None,
    kinds: list[str] | None = None,
    queues: list[str] | None = None,
    labels: list[str] | None = None,
    job_id: str | None = None,
    creator: str | None = None,
    external_ref: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    updated_after: datetime | None = None,
    updated_before: datetime | None = None,
    completed_after: datetime | None = None,
    completed_before: datetime | None = None,
    archived: Literal["false", "true", "any"] = "false",
    order: Literal["created", "updated", "completed"] = "created",
    direction: Literal["desc", "asc"] = "desc",
    limit: int | None = None,
) -> Stream[TaskSummary]:
    """The tasks that fit every filter, page after page, at most `limit` of them (None: all).

    A label is `key=value`.
    """
    asked = parameters(
        state=states,
        reason=reasons,
        kind=kinds,
        queue=queues,
        label=labels,
        job_id=job_id,
        creator=creator,
        external_ref=external_ref,
        created_after=created_after,
        created_before=created_before,
        updated_after=updated_after,
        updated_before=updated_before,
        completed_after=completed_after,
        completed_before=completed_before,
        archived=archived,
        order=order,
        direction=direction,
    )
    return _pages(asked, limit)


def _pages(asked: tuple[tuple[str, str], ...], limit: int | None) -> Stream[TaskSummary]:
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE_MAX if left is None else min(left, PAGE_MAX)
        more = parameters(limit=size, cursor=cursor)
        page = yield from ask(Request("GET", "/v1/tasks", asked + more), TaskPage)
        for task in page.items:
            yield Emit(task)
        cursor = page.next_cursor
        if cursor is None:
            return
        left = None if left is None else left - len(page.items)


def change_task(
    task_id: str, changes: TaskPatch, *, if_version: int | None = None
) -> Flow[TaskSummary]:
    """Change what a task says of itself. Raises `VersionMismatch` unless it has `if_version`."""
    request = Request("PATCH", path_of(task_id), body=_encode(changes), headers=_if(if_version))
    return ask(request, TaskSummary)


def delete_task(task_id: str, *, if_version: int | None = None) -> Flow[None]:
    """Remove a task, its results and its events for good. Raises `NotFound`."""
    return tell(Request("DELETE", path_of(task_id), headers=_if(if_version)))


def order_task(
    verb: Verb, task_id: str, *, if_version: int | None = None, **said: Any
) -> Flow[TaskSummary]:
    """Carry out a verb on a task. Raises `NotFound`, `Refused` when the task cannot follow."""
    given = {name: value for name, value in said.items() if value is not None}
    request = _post(f"{path_of(task_id)}/{verb}", given, _if(if_version))
    return ask(request, TaskSummary)


def submit_task(task_id: str, *, if_version: int | None = None) -> Flow[TaskSummary]:
    """Let a created task go."""
    return order_task("submit", task_id, if_version=if_version)


def cancel_task(
    task_id: str, *, reason: str | None = None, if_version: int | None = None
) -> Flow[TaskSummary]:
    """End a task."""
    return order_task("cancel", task_id, if_version=if_version, reason=reason)


def retry_task(task_id: str, *, if_version: int | None = None) -> Flow[TaskSummary]:
    """Begin another attempt of a task that has ended."""
    return order_task("retry", task_id, if_version=if_version)


def archive_task(task_id: str, *, if_version: int | None = None) -> Flow[TaskSummary]:
    """Put a task out of sight."""
    return order_task("archive", task_id, if_version=if_version)


def restore_task(task_id: str, *, if_version: int | None = None) -> Flow[TaskSummary]:
    """Bring an archived task back."""
    return order_task("restore", task_id, if_version=if_version)


def adopt_report(
    task_id: str, *, event_id: int | None = None, if_version: int | None = None
) -> Flow[TaskSummary]:
    """Make a late end the task's end: the one of `event_id`, or the latest."""
    return order_task("adopt", task_id, if_version=if_version, event_id=event_id)


def send_report(report: ReportIn) -> Flow[ReportOut]:
    """Report on a task; what became of the report."""
    return ask(_post("/v1/reports", report), ReportOut)


def send_reports(reports: list[ReportIn]) -> Flow[list[ReportOut]]:
    """Report several times at once; what became of each, in their order."""
    found = yield from ask(_post("/v1/reports", reports), ReportList)
    return found.items


def path_of(task_id: str) -> str:
    """The address of a task."""
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _post(path: str, body: Any, headers: dict[str, str] | None = None) -> Request:
    """A POST that may be sent again: its key lets the server recognise it."""
    key = {"Idempotency-Key": clock.uuid7(clock.now())}
    return Request("POST", path, body=_encode(body), headers=key | (headers or {}))


def _if(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}
