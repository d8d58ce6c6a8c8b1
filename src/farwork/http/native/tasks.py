"""`/v1/tasks`: create, get, list, patch, delete, and the verbs."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import Parameter

from farwork.domain.values import TaskState, instant
from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, idempotency_of
from farwork.http.native.paging import Cursor, link_to_next
from farwork.http.preconditions import etag_of, if_version
from farwork.protocol.shapes import summary, whole
from farwork.protocol.tasks import TaskCreate, TaskOut, TaskPage, TaskPatch, TaskSummary
from farwork.storage.task_reader import Page, Range, TaskFilter
from farwork.storage.writes import Outcome

_encode = msgspec.json.Encoder().encode
_create = msgspec.json.Decoder(TaskCreate)
_create_many = msgspec.json.Decoder(
    Annotated[list[TaskCreate], msgspec.Meta(min_length=1, max_length=10_000)]
)
_patch = msgspec.json.Decoder(TaskPatch)
Moment = datetime | None


@post("/", status_code=201, summary="Create tasks", operation_id="createTasks")
async def create_tasks(request: AnyRequest, context: Context) -> Response[bytes]:
    """Create one task, or (a JSON list) several: all of them or none."""
    caller = await context.doorkeeper.caller(request)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    single = raw.lstrip()[:1] != b"["
    wanted = [body.decode(raw, _create)] if single else body.decode(raw, _create_many)

    def render(outcomes: list[Outcome]) -> tuple[int, bytes]:
        items = [summary(o.task) for o in outcomes if o.task is not None]
        return 201, _encode(items[0] if single else TaskPage(items, None))

    answer = await context.tasks.create(caller, wanted, idempotency_of(request, raw, render))
    if answer.stored is not None:
        return asked_again(answer.stored)
    return Response(render(answer.outcomes)[1], status_code=201, media_type="application/json")


@get("/", summary="List tasks", operation_id="listTasks")
async def list_tasks(  # noqa: PLR0913 - one parameter a filter
    request: AnyRequest,
    context: Context,
    states: Annotated[list[TaskState] | None, Parameter(query="state")] = None,
    reason: list[str] | None = None,
    kind: list[str] | None = None,
    queue: list[str] | None = None,
    job_id: str | None = None,
    label: Annotated[
        list[str] | None, Parameter(description="`key=value`; several: all of them.")
    ] = None,
    creator: str | None = None,
    external_ref: str | None = None,
    created_after: Moment = None,
    created_before: Moment = None,
    updated_after: Moment = None,
    updated_before: Moment = None,
    completed_after: Moment = None,
    completed_before: Moment = None,
    archived: Literal["false", "true", "any"] = "false",
    order: Literal["created", "updated", "completed"] = "created",
    direction: Literal["desc", "asc"] = "desc",
    limit: Annotated[int, Parameter(ge=1)] = 50,
    cursor: str | None = None,
) -> Response[TaskPage]:
    """A page of the project's tasks."""
    caller = await context.doorkeeper.caller(request)
    wanted = TaskFilter(
        states=tuple(dict.fromkeys(s.value for s in states or ())),
        reasons=reason or (),
        kinds=kind or (),
        queues=queue or (),
        job_id=job_id,
        labels=labels_of(label or []),
        creator=creator,
        external_ref=external_ref,
        created=_range(created_after, created_before),
        updated=_range(updated_after, updated_before),
        completed=_range(completed_after, completed_before),
        archived={"false": False, "true": True, "any": None}[archived],
    )
    after = None if cursor is None else Cursor.read(cursor, f"{order}.{direction}")
    at = Page(min(limit, 500), order, direction == "desc", after)
    tasks, last = await context.tasks.page(caller, wanted, at)
    next_cursor = None if last is None else Cursor.write(f"{order}.{direction}", last)
    return Response(
        TaskPage([summary(task) for task in tasks], next_cursor),
        headers=link_to_next(request, next_cursor),
    )


def labels_of(given: list[str]) -> dict[str, str]:
    """The labels of `key=value` parameters."""
    labels: dict[str, str] = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise body.InvalidBody(
                "A parameter cannot be taken.",
                [("query:label", f"{one!r} is not of the form key=value")],
                status=400,
                code="bad_request",
            )
        labels[key] = value
    return labels


def _range(after: Moment, before: Moment) -> Range:
    return Range(
        None if after is None else instant(after), None if before is None else instant(before)
    )


@get("/{task_id:str}", summary="Get a task", operation_id="getTask")
async def get_task(request: AnyRequest, context: Context, task_id: str) -> Response[TaskOut]:
    """A task, whole."""
    caller = await context.doorkeeper.caller(request)
    task, details = await context.tasks.get(caller, task_id)
    return Response(whole(task, details), headers={"ETag": etag_of(task.version)})


@patch("/{task_id:str}", summary="Change a task", operation_id="changeTask")
async def change_task(request: AnyRequest, context: Context, task_id: str) -> Response[TaskSummary]:
    """Change what a task says of itself; with `If-Match` only if it has that version."""
    caller = await context.doorkeeper.caller(request)
    raw = await body.read(request, context.config.single_body_bytes_max)
    outcome = await context.tasks.change(
        caller, task_id, body.decode(raw, _patch), if_version(request)
    )
    return _changed(outcome)


@delete("/{task_id:str}", summary="Delete a task", operation_id="deleteTask")
async def delete_task(request: AnyRequest, context: Context, task_id: str) -> None:
    """Remove a task, its results and its events for good."""
    caller = await context.doorkeeper.caller(request)
    await context.tasks.delete(caller, task_id, if_version(request))


class VerbIn(msgspec.Struct, forbid_unknown_fields=True):
    """What may be said with a verb: a reason (cancel), or which late end is meant (adopt)."""

    reason: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    event_id: int | None = None


_verb = msgspec.json.Decoder(VerbIn)


def _verb_handler(verb: str, summary_: str) -> Any:
    @post(
        f"/{{task_id:str}}/{verb}",
        status_code=200,
        summary=summary_,
        operation_id=f"{verb}Task",
        name=f"tasks.{verb}",
    )
    async def handler(request: AnyRequest, context: Context, task_id: str) -> Response[TaskSummary]:
        caller = await context.doorkeeper.caller(request)
        raw = await body.read(request, context.config.single_body_bytes_max)
        said = body.decode(raw, _verb) if raw.strip() else VerbIn()
        extra: dict[str, Any] = {}
        if verb == "cancel":
            extra["reason"] = said.reason
        if verb == "adopt":
            extra["event_id"] = said.event_id
        outcome = await context.tasks.order(
            caller, verb, task_id, if_version=if_version(request), **extra
        )
        return _changed(outcome)

    handler.fn.__doc__ = summary_ + "; with `If-Match` only if it has that version."
    return handler


def _changed(outcome: Outcome) -> Response[TaskSummary]:
    assert outcome.task is not None
    return Response(summary(outcome.task), headers={"ETag": etag_of(outcome.task.version)})


VERBS = {
    "submit": "Let a created task go",
    "cancel": "End a task",
    "retry": "Begin another attempt of a task that has ended",
    "archive": "Put a task out of sight",
    "restore": "Bring an archived task back",
    "adopt": "Make a late end the task's end",
}


def router() -> Router:
    """The routes of tasks."""
    handlers: list[Any] = [create_tasks, list_tasks, get_task, change_task, delete_task]
    handlers += [_verb_handler(verb, text) for verb, text in VERBS.items()]
    return Router("/v1/tasks", route_handlers=handlers, tags=["tasks"])
