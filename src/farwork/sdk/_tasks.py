"""The calls about tasks, as flows."""

from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack
from urllib.parse import quote

import msgspec

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
from farwork.sdk._flow import Flow, Parameters, Request, Stream, ask, pages, parameters, post, tell

Verb = Literal["submit", "cancel", "retry", "archive", "restore", "adopt"]


def create_task(task: TaskCreate) -> Flow[TaskSummary]:
    """Create a task. Raises `Refused` when its id is taken."""
    return ask(post("/v1/tasks", task), TaskSummary)


def create_tasks(tasks: list[TaskCreate]) -> Flow[list[TaskSummary]]:
    """Create several tasks, all of them or none; they come back in their order."""
    page = yield from ask(post("/v1/tasks", tasks), TaskPage)
    return page.items


def get_task(task_id: str) -> Flow[TaskOut]:
    """The task with this id, whole. Raises `NotFound`."""
    return ask(Request("GET", path_of(task_id)), TaskOut)


class TaskFilter(TypedDict, total=False):
    """Which tasks: those that fit everything that is given.

    Several values of one kind: any of them. A label is `key=value`; several: all of them.
    """

    states: list[str] | None
    reasons: list[str] | None
    kinds: list[str] | None
    queues: list[str] | None
    labels: list[str] | None
    job_id: str | None
    creator: str | None
    external_ref: str | None
    created_after: datetime | None
    created_before: datetime | None
    updated_after: datetime | None
    updated_before: datetime | None
    completed_after: datetime | None
    completed_before: datetime | None
    archived: Literal["false", "true", "any"]


# What is named otherwise in a query string.
_QUERY = {
    "states": "state",
    "reasons": "reason",
    "kinds": "kind",
    "queues": "queue",
    "labels": "label",
}


def query_of(wanted: TaskFilter) -> Parameters:
    """A filter as query parameters."""
    return parameters(**{_QUERY.get(name, name): value for name, value in wanted.items()})


def list_tasks(
    *,
    order: Literal["created", "updated", "completed"] = "created",
    direction: Literal["desc", "asc"] = "desc",
    limit: int | None = None,
    **wanted: Unpack[TaskFilter],
) -> Stream[TaskSummary]:
    """The tasks that fit the filter, page after page, at most `limit` of them (None: all)."""
    asked = query_of(wanted) + parameters(order=order, direction=direction)
    return pages("/v1/tasks", TaskPage, asked, limit)


def change_task(
    task_id: str, changes: TaskPatch, *, if_version: int | None = None
) -> Flow[TaskSummary]:
    """Change what a task says of itself. Raises `VersionMismatch` unless it has `if_version`."""
    request = Request(
        "PATCH", path_of(task_id), body=msgspec.json.encode(changes), headers=_if(if_version)
    )
    return ask(request, TaskSummary)


def delete_task(task_id: str, *, if_version: int | None = None) -> Flow[None]:
    """Remove a task, its results and its events for good. Raises `NotFound`."""
    return tell(Request("DELETE", path_of(task_id), headers=_if(if_version)))


def order_task(
    verb: Verb, task_id: str, *, if_version: int | None = None, **said: Any
) -> Flow[TaskSummary]:
    """Carry out a verb on a task. Raises `NotFound`, `Refused` when the task cannot follow."""
    given = {name: value for name, value in said.items() if value is not None}
    request = post(f"{path_of(task_id)}/{verb}", given, _if(if_version))
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
    return ask(post("/v1/reports", report), ReportOut)


def send_reports(reports: list[ReportIn]) -> Flow[list[ReportOut]]:
    """Report several times at once; what became of each, in their order."""
    found = yield from ask(post("/v1/reports", reports), ReportList)
    return found.items


def path_of(task_id: str) -> str:
    """The address of a task."""
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _if(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}
