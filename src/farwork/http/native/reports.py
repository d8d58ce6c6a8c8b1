"""`POST /v1/reports`: one report, a list, or NDJSON; a verdict for each."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, post
from msgspec import UNSET

from farwork.domain.errors import NestedTooDeeply, TimeOutOfRange
from farwork.http import body
from farwork.http.answers import encode, written
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, idempotency_of
from farwork.http.mistakes import MISTAKES_MAX, Mistake
from farwork.http.native import examples
from farwork.http.native.cloud_events import is_cloud_event, reports_of
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery
from farwork.protocol.reports import ReportIn
from farwork.protocol.tasks import ReportList, ReportOut
from farwork.service.access import Role
from farwork.service.ledger import Outcome

REPORTS_MAX = 10_000
ReportsIn = Annotated[list[ReportIn], msgspec.Meta(max_length=REPORTS_MAX)]

_one = msgspec.json.Decoder(ReportIn)
_many = msgspec.json.Decoder(ReportsIn)

TAKE = Call(
    id="takeReports",
    summary="Report on tasks",
    needs=Role.WORKER,
    body=(ReportIn, ReportsIn),
    lines=ReportIn,
    answer=(ReportOut, ReportList),
    example=examples.REPORT,
    answer_example=examples.VERDICT,
    idempotent=True,
)


@post("/reports", status_code=200, opt=described(TAKE))
async def take_reports(request: AnyRequest, context: Context) -> Response[bytes]:
    """Take one report, a JSON list of them, or NDJSON; answer with a verdict for each.

    Order does not matter, and what comes twice is taken once. A list, or lines, are answered with
    a list in the same order. A CloudEvent (structured, a batch of them, or binary) may hold a
    report as its data; its id, source, time and subject stand in for what the report leaves out.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    if is_cloud_event(request.headers):
        raw = reports_of(request.headers, raw)
    lines = "ndjson" in request.headers.get("content-type", "")
    single = not lines and raw.lstrip()[:1] != b"["
    if single and len(raw) > context.config.single_body_bytes_max:
        raise body.too_large(context.config.single_body_bytes_max)
    if lines:
        said = _lines(raw)
    elif single:
        said = [body.decode(raw, _one, bounded=False)]
    else:
        said = body.decode(raw, _many, bounded=False)
    refuse_ambiguous(said, first=None if single else 0)

    def render(outcomes: list[Outcome]) -> tuple[int, bytes]:
        items = [_out(outcome) for outcome in outcomes]
        return 200, encode(items[0] if single else ReportList(items))

    try:
        taken = await context.reports.take(caller, said, idempotency_of(request, raw, render))
    except (NestedTooDeeply, TimeOutOfRange):
        # Rare enough to be looked for once it has been met; then the place can be named.
        _name_the_place(raw, lines=lines, single=single)
        raise
    if taken.stored is not None:
        return asked_again(taken.stored)
    return written(render(taken.outcomes)[1])


def refuse_ambiguous(said: list[ReportIn], *, prefix: str = "", first: int | None = None) -> None:
    """Raises `InvalidBody` about reports on a shard that speak of the task as if of the shard.

    Pointers begin with `prefix` and, unless `first` is None, the number of the report.
    """
    problems: list[Mistake] = []
    for number, one in enumerate(said):
        if one.shard is not None and (one.state is not None or one.result is not UNSET):
            word = "result" if one.state is None else "state"
            where = f"{prefix}/{word}" if first is None else f"{prefix}/{number}/{word}"
            problems.append(
                (where, f"speaks of the whole task; a shard's stands in 'shard.{word}'")
            )
    if problems:
        raise body.invalid(problems[:MISTAKES_MAX])


def _name_the_place(raw: bytes, *, lines: bool, single: bool) -> None:
    if not lines:
        body.check(raw, ReportIn if single else ReportsIn)
        return
    for number, line in _numbered(raw):
        body.check(line, ReportIn, f"/{number}")


def _numbered(raw: bytes) -> list[tuple[int, bytes]]:
    # Only a line feed ends a line: JSON may hold what else Python splits at.
    return [(number, line) for number, line in enumerate(raw.split(b"\n")) if line.strip()]


def _lines(raw: bytes) -> list[ReportIn]:
    said: list[ReportIn] = []
    problems: list[Mistake] = []
    numbered = _numbered(raw)
    if len(numbered) > REPORTS_MAX:
        raise body.invalid([("", f"must have at most {REPORTS_MAX} lines, not {len(numbered)}")])
    for number, line in numbered:
        try:
            said.append(body.decode(line, _one, f"/{number}", bounded=False))
        except body.InvalidBody as error:
            problems += error.problems or [(f"/{number}", error.detail or error.title)]
            if len(problems) > MISTAKES_MAX:
                break
    if problems:
        raise body.InvalidBody("Some lines cannot be taken; nothing was.", problems)
    return said


def answer_to(outcome: Outcome) -> bytes:
    """The answer to one report, as it is sent."""
    return encode(_out(outcome))


def report_list(outcomes: list[Outcome]) -> ReportList:
    """The answer to several reports."""
    return ReportList([_out(outcome) for outcome in outcomes])


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
    return Router("/v1", route_handlers=handlers)
