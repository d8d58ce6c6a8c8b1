"""`POST /api/v1/tasks/webhook`: one event in, its verdict out."""

from typing import Any

import msgspec
from litestar import Response, Router, post
from litestar.exceptions import HTTPException

from farwork.domain.errors import DomainError
from farwork.http.auth import AnyRequest
from farwork.http.body import InvalidBody
from farwork.http.context import Context
from farwork.http.contract import served
from farwork.http.dialects.sartiq.openapi import webhook_document
from farwork.http.dialects.sartiq.translate import report_from, verdict_from
from farwork.http.dialects.sartiq.validation import InvalidEvent, check_media_type, read_event
from farwork.http.dialects.sartiq.wire import HTTPValidationError, Refusal
from farwork.http.problems import problem_of
from farwork.service.ledger import Overloaded, StorageUnavailable

PATH = "/api/v1/tasks/webhook"
ERRORS = (InvalidEvent, DomainError, InvalidBody, Overloaded, StorageUnavailable, HTTPException)
_encode = msgspec.json.Encoder().encode


@post("/webhook", status_code=200, include_in_schema=False)
async def task_webhook(request: AnyRequest, context: Context) -> Response[bytes]:
    """Take one event about a task."""
    bytes_max = context.config.single_body_bytes_max
    delivery = await context.doorkeeper.delivery(request, bytes_max)
    check_media_type(request.headers.get("content-type"), delivery.raw)
    event, unknown = read_event(delivery.raw)
    said = report_from(event, unknown, delivery.delivery_id)
    answer = await context.reports.take(delivery.sender, [said])
    outcome = answer.outcomes[0]
    verdict = verdict_from(outcome.task_id, outcome.verdict, outcome.event_id)
    return Response(_encode(verdict), media_type="application/json")


def refuse(_request: object, error: Exception) -> Response[bytes]:
    """Any error that the handler may raise, in this dialect's shape."""
    if isinstance(error, InvalidEvent):
        found = HTTPValidationError(error.problems)
        return Response(_encode(found), status_code=422, media_type="application/json")
    answer = problem_of(error)
    problem = answer.problem
    return Response(
        _encode(Refusal(problem.detail or problem.title)),
        status_code=problem.status,
        media_type="application/json",
        headers=answer.headers,
    )


def router() -> Router:
    """The routes of the dialect."""
    handlers: list[Any] = [task_webhook, *served("", webhook_document)]
    return Router(
        "/api/v1/tasks",
        route_handlers=handlers,
        exception_handlers=dict.fromkeys(ERRORS, refuse),
    )
