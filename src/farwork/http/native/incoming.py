"""`/v1/sources/{id}/events`: what a source sends in its own form, and how that is set up."""

from typing import Any

import msgspec
from litestar import Response, Router, get, post, put

from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context, UseCases
from farwork.http.native import examples
from farwork.http.native.cloud_events import is_cloud_event, reports_of
from farwork.http.native.reports import refuse_ambiguous, report_list
from farwork.http.query import query_of
from farwork.protocol.problems import FieldProblem
from farwork.protocol.queries import NoQuery
from farwork.protocol.reports import ReportIn
from farwork.protocol.sources import DryRunIn, DryRunOut, IncomingIn, IncomingOut, MappingIn
from farwork.protocol.tasks import ReportList
from farwork.service.access import Principal, Role, Unauthenticated
from farwork.service.incoming import vouched
from farwork.service.mapping import Mapped, faults_of, reports_in
from farwork.service.sendings import Sending
from farwork.service.sources import SourceNotFound

_set = msgspec.json.Decoder(IncomingIn)
_dry_run = msgspec.json.Decoder(DryRunIn)
_report = msgspec.json.Decoder(ReportIn)

_MAPPING: dict[str, Any] = {
    "when": "action == 'completed'",
    "report": {
        "task_id": "workflow_run.id",
        "state": {
            "at": "workflow_run.conclusion",
            "values": {"success": "succeeded", "failure": "failed"},
            "otherwise": "cancelled",
        },
        "occurred_at": "workflow_run.updated_at",
    },
}
_SAMPLE = {"action": "completed", "workflow_run": {"id": 17, "conclusion": "success"}}
_SET_UP = {
    "source_id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
    "scheme": "github",
    "mapping": _MAPPING,
    "path": "/v1/sources/019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a/events",
}
TAKE = Call(
    id="takeEvents",
    summary="Take what a source sends",
    needs=Role.WORKER,
    body=dict[str, Any],
    answer=ReportList,
    example=_SAMPLE,
    answer_example={"items": [examples.VERDICT]},
    refusals=(SourceNotFound,),
)
GET = Call(
    id="getIncoming",
    summary="Read how a source's events are taken",
    needs=Role.ADMIN,
    answer=IncomingOut,
    answer_example=_SET_UP,
    refusals=(SourceNotFound,),
)
SET = Call(
    id="setIncoming",
    summary="Set how a source's events are taken",
    needs=Role.ADMIN,
    body=IncomingIn,
    answer=IncomingOut,
    example={"scheme": "github", "mapping": _MAPPING},
    answer_example=_SET_UP,
    refusals=(SourceNotFound,),
)
DRY_RUN = Call(
    id="tryMapping",
    summary="Try a mapping out",
    needs=Role.ADMIN,
    body=DryRunIn,
    answer=DryRunOut,
    example={"body": _SAMPLE, "mapping": _MAPPING},
    answer_example={"reports": [{"task_id": "17", "state": "succeeded"}], "errors": []},
    refusals=(SourceNotFound,),
)


@post("/{source_id:str}/events", status_code=200, opt=described(TAKE))
async def take_events(request: AnyRequest, context: Context) -> Response[bytes]:
    """Take a body of any JSON, signed as the source has it, as the reports that its mapping finds.

    Without a signature an API key is asked for. A sending that is repeated (the same `webhook-id`
    or `X-GitHub-Delivery`, or the same content) is taken once. A list of verdicts is the answer;
    it is empty when the mapping finds nothing to report.
    """
    query_of(request, NoQuery)
    source_id = name_in(request, "source_id")
    by_key = await _by_key(request, context)
    way = await context.incoming.way(source_id, by_key)
    if by_key is not None:
        by_key.require(Role.WORKER)
    raw = await body.read(request, context.config.single_body_bytes_max)
    delivery_id = vouched(way, raw, request.headers) if by_key is None else None
    sent = Sending(way, request.headers, raw, delivery_id)
    try:
        said = reports_in_sending(sent)
    except body.InvalidBody as error:
        await context.sendings.keep(context.sendings.keeping(sent, 0, problems_of(error)))
        raise
    row = context.sendings.keeping(sent, len(said), [])
    if not said:
        await context.sendings.keep(row)
        return answer(report_list([]))
    also = context.sendings.work(row)
    taken = await context.reports.take(by_key or way.principal, said, also=also)
    return answer(report_list(taken.outcomes))


async def _by_key(request: AnyRequest, context: UseCases) -> Principal | None:
    """Who shows an API key; None: nobody does, so the body must be vouched for otherwise."""
    header = request.headers.get("authorization", "")
    signed = "webhook-signature" in request.headers or "x-hub-signature-256" in request.headers
    if signed or header.lower().startswith("bearer whsec_"):
        return None
    try:
        return await context.doorkeeper.caller(request)
    except Unauthenticated:
        if header:
            raise
        raise Unauthenticated("Sign the body as the source has it, or send an API key.") from None


def problems_of(error: body.InvalidBody) -> list[tuple[str, str]]:
    """What is wrong with a body, as it is kept beside it."""
    return error.problems or [("", error.detail or error.title)]


def reports_in_sending(sent: Sending) -> list[ReportIn]:
    """The reports in what a source sent. Raises `InvalidBody` with all that is wrong with them."""
    way, raw, delivery_id = sent.way, sent.raw, sent.delivery_id
    if way.mapping is None:
        text = reports_of(sent.headers, raw) if is_cloud_event(sent.headers) else raw
        said = [body.decode(text, _report)]
        refuse_ambiguous(said)
    else:
        mapped = reports_in(way.mapping, _any(raw))
        if mapped.faults:
            raise body.invalid(mapped.faults)
        said = _decoded(mapped)
        refuse_ambiguous(said, prefix="/reports", first=0)
    for place, one in enumerate(said):
        if one.delivery_id is None and delivery_id is not None:
            # One sending may hold several reports, even about one task.
            one.delivery_id = delivery_id if len(said) == 1 else f"{delivery_id}#{place}"[:255]
    return said


def _any(raw: bytes) -> Any:
    return body.decode(raw, _anything)


_anything: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder()


def _decoded(mapped: Mapped) -> list[ReportIn]:
    """The reports. Raises `InvalidBody` with all that is wrong with them."""
    found: list[ReportIn] = []
    problems: list[tuple[str, str]] = []
    for place, text in enumerate(mapped.reports):
        try:
            found.append(body.decode(text, _report, f"/reports/{place}"))
        except body.InvalidBody as error:
            problems += error.problems
    if problems:
        raise body.invalid(problems)
    return found


@get("/{source_id:str}/incoming", opt=described(GET))
async def get_incoming(request: AnyRequest, context: Context) -> Response[bytes]:
    """How what a source sends to its own address is vouched for and read."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    return answer(await context.incoming.get(caller, name_in(request, "source_id")))


@put("/{source_id:str}/incoming", opt=described(SET))
async def set_incoming(request: AnyRequest, context: Context) -> Response[bytes]:
    """Say how what a source sends is vouched for, and by which JMESPath it is read."""
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.ADMIN)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _set)
    if said.mapping is not None:
        _refuse(said.mapping)
    return answer(await context.incoming.set(caller, name_in(request, "source_id"), said))


def _refuse(mapping: MappingIn) -> None:
    faults = [(f"/mapping{pointer}", detail) for pointer, detail in faults_of(mapping)]
    if faults:
        raise body.invalid(faults)


@post("/{source_id:str}/dry-run", status_code=200, opt=described(DRY_RUN))
async def try_mapping(request: AnyRequest, context: Context) -> Response[bytes]:
    """What a sample body would become, and what is wrong with that. Nothing is kept."""
    caller = await context.doorkeeper.caller(request)
    caller.require(Role.ADMIN)
    query_of(request, NoQuery)
    way = await context.incoming.way(name_in(request, "source_id"), caller)
    raw = await body.read(request, context.config.single_body_bytes_max)
    said = body.decode(raw, _dry_run)
    mapping = said.mapping or way.mapping
    if said.mapping is not None:
        _refuse(said.mapping)
    if mapping is None:
        mapped = Mapped([msgspec.json.encode(said.body)])
    else:
        mapped = reports_in(mapping, said.body)
    problems = list(mapped.faults)
    try:
        refuse_ambiguous(_decoded(mapped), prefix="/reports", first=0)
    except body.InvalidBody as error:
        problems += error.problems
    shown = [msgspec.json.decode(text) for text in mapped.reports]
    errors = [FieldProblem(pointer, detail) for pointer, detail in problems]
    return answer(DryRunOut([one for one in shown if isinstance(one, dict)], errors))


def router() -> Router:
    """The routes of what sources send."""
    handlers: list[Any] = [take_events, get_incoming, set_incoming, try_mapping]
    return Router("/v1/sources", route_handlers=handlers)
