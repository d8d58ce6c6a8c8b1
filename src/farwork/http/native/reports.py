"""`POST /v1/reports`: one report, a list, or NDJSON; a verdict for each."""

from typing import Any

import msgspec
from litestar import Response, Router, post

from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, idempotency_of
from farwork.protocol.reports import ReportIn
from farwork.protocol.tasks import ReportList, ReportOut
from farwork.storage.writes import Outcome

_one = msgspec.json.Decoder(ReportIn)
_many = msgspec.json.Decoder(list[ReportIn])
_encode = msgspec.json.Encoder().encode


@post("/reports", status_code=200, summary="Report on tasks", operation_id="takeReports")
async def take_reports(request: AnyRequest, context: Context) -> Response[bytes]:
    """Take one report, a JSON list of them, or NDJSON (`application/x-ndjson`); answer with a verdict for each."""
    caller = await context.doorkeeper.caller(request)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    lines = "ndjson" in request.headers.get("content-type", "")
    single = not lines and raw.lstrip()[:1] != b"["
    if single and len(raw) > context.config.single_body_bytes_max:
        raise body.too_large(context.config.single_body_bytes_max)
    said = _lines(raw) if lines else [body.decode(raw, _one)] if single else body.decode(raw, _many)

    def render(outcomes: list[Outcome]) -> tuple[int, bytes]:
        items = [_out(outcome) for outcome in outcomes]
        return 200, _encode(items[0] if single else ReportList(items))

    answer = await context.reports.take(caller, said, idempotency_of(request, raw, render))
    if answer.stored is not None:
        return asked_again(answer.stored)
    return Response(render(answer.outcomes)[1], media_type="application/json")


def _lines(raw: bytes) -> list[ReportIn]:
    said: list[ReportIn] = []
    problems: list[tuple[str, str]] = []
    for number, line in enumerate(raw.splitlines()):
        if not line.strip():
            continue
        try:
            said.append(body.decode(line, _one, f"/{number}"))
        except body.InvalidBody as error:
            problems += error.problems or [(f"/{number}", error.detail or error.title)]
    if problems:
        raise body.InvalidBody("Some lines cannot be taken; nothing was.", problems)
    return said


def _out(outcome: Outcome) -> ReportOut:
    task = outcome.task
    return ReportOut(
        outcome.task_id,
        str(outcome.verdict),
        outcome.reason,
        outcome.event_id,
        None if task is None else task.state.value,
        None if task is None else task.version,
    )


def router() -> Router:
    """The routes of reports."""
    handlers: list[Any] = [take_reports]
    return Router("/v1", route_handlers=handlers, tags=["reports"])
