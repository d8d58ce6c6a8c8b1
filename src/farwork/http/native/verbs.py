"""`POST /v1/tasks/{id}/<verb>`: what operators do to one task."""

from typing import Any

import msgspec
from litestar import Response, Router, post
from msgspec import Struct, structs

from farwork.domain import errors as e
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer, encode
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, idempotency_of
from farwork.http.native import examples
from farwork.http.preconditions import etag_of, if_version
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery
from farwork.protocol.retention import HoldIn
from farwork.protocol.shapes import summary
from farwork.protocol.tasks import AdoptIn, CancelIn, TaskSummary, VerbIn
from farwork.service.ledger import Outcome
from farwork.service.tasks import needed_for

_VERBS: dict[str, tuple[str, type[Struct], tuple[type[e.DomainError], ...]]] = {
    "submit": ("Let a created task go", VerbIn, (e.TaskAlreadySubmitted,)),
    "cancel": ("End a task", CancelIn, (e.TaskIsFinal,)),
    "retry": ("Begin another attempt of a task that has ended", VerbIn, (e.TaskNotFinal,)),
    "archive": ("Put a task out of sight", VerbIn, ()),
    "restore": ("Bring an archived task back", VerbIn, ()),
    "adopt": ("Make a late end the task's end", AdoptIn, (e.NothingToAdopt,)),
    "hold": ("Put a task under a legal hold", HoldIn, ()),
    "release": ("Lift a task's legal hold", VerbIn, ()),
}
_EXAMPLES: dict[str, Any] = {
    "cancel": {"reason": "not needed"},
    "adopt": {"event_id": 1234},
    "hold": {"reason": "case 2026-17"},
}


def said_in(raw: bytes, decoder: "msgspec.json.Decoder[Any]") -> dict[str, Any]:
    """What is said with a verb; its body may be left out."""
    return structs.asdict(body.decode(raw, decoder)) if raw.strip() else {}


def _said(raw: bytes, kind: type[Struct], decoder: "msgspec.json.Decoder[Any]") -> dict[str, Any]:
    """What is said with a verb, of which some must be given."""
    return structs.asdict(body.decode(raw, decoder)) if kind is HoldIn else said_in(raw, decoder)


def _handler(verb: str) -> Any:
    title, kind, refusals = _VERBS[verb]
    decoder = msgspec.json.Decoder(kind)
    operation = Call(
        id=f"{verb}Task",
        summary=title,
        needs=needed_for(verb),
        body=kind,
        body_required=kind is HoldIn,
        answer=TaskSummary,
        example=_EXAMPLES.get(verb, {}),
        answer_example=examples.TASK_SUMMARY,
        refusals=(e.TaskNotFound, *refusals),
        idempotent=True,
        versioned=True,
        conditional=True,
    )

    @post(f"/{{task_id:str}}/{verb}", status_code=200, opt=described(operation))
    async def handler(request: AnyRequest, context: Context) -> Response[bytes]:
        caller = await context.doorkeeper.caller(request)
        query_of(request, NoQuery)
        raw = await body.read(request, context.config.single_body_bytes_max)
        said = _said(raw, kind, decoder)

        def render(outcomes: list[Outcome]) -> tuple[int, bytes]:
            task = outcomes[0].task
            assert task is not None
            return 200, encode(summary(task))

        done = await context.tasks.order(
            caller,
            verb,
            name_in(request, "task_id"),
            if_version=if_version(request),
            idempotency=idempotency_of(request, raw, render),
            **said,
        )
        if done.stored is not None:
            return asked_again(done.stored)
        task = done.outcomes[0].task
        assert task is not None
        return answer(summary(task), headers={"ETag": etag_of(task.version)})

    handler.fn.__doc__ = f"{title}; with `If-Match` only if it has that version."
    return handler


def router() -> Router:
    """The routes of verbs."""
    return Router("/v1/tasks", route_handlers=[_handler(verb) for verb in _VERBS])
