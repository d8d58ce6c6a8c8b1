"""`POST /v1/jobs/{id}/<verb>`: what operators do to all the tasks of a job."""

from typing import Any

import msgspec
from litestar import Response, Router, post
from msgspec import Struct

from farwork.domain import errors as e
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer, encode
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, once_of
from farwork.http.native.verbs import said_in
from farwork.http.query import query_of
from farwork.protocol.jobs import JobOrdered, Refusal, TaskOrdered
from farwork.protocol.queries import NoQuery
from farwork.protocol.tasks import CancelIn, VerbIn
from farwork.service.access import Role
from farwork.service.jobs import Ordered
from farwork.service.ledger import Outcome, StoredAnswer

_VERBS: dict[str, tuple[str, type[Struct]]] = {
    "submit": ("Let the created tasks of a job go", VerbIn),
    "cancel": ("End the tasks of a job that have not ended", CancelIn),
    "retry": ("Try the failed and cancelled tasks of a job again", VerbIn),
    "archive": ("Put the tasks of a job out of sight", VerbIn),
    "restore": ("Bring the archived tasks of a job back", VerbIn),
}
_EXAMPLE = {
    "verb": "cancel",
    "done": 1,
    "refused": 0,
    "skipped": 4,
    "items": [{"task_id": "run-17", "state": "cancelled", "version": 8, "refusal": None}],
}


def _handler(verb: str) -> Any:
    title, kind = _VERBS[verb]
    decoder = msgspec.json.Decoder(kind)
    operation = Call(
        id=f"{verb}Job",
        summary=title,
        needs=Role.OPERATOR,
        body=kind,
        body_required=False,
        answer=JobOrdered,
        example={"reason": "not needed"} if verb == "cancel" else {},
        answer_example=_EXAMPLE | {"verb": verb},
        refusals=(e.JobNotFound,),
        idempotent=True,
    )

    @post(f"/{{job_id:str}}/{verb}", status_code=200, opt=described(operation))
    async def handler(request: AnyRequest, context: Context) -> Response[bytes]:
        caller = await context.doorkeeper.caller(request)
        query_of(request, NoQuery)
        raw = await body.read(request, context.config.single_body_bytes_max)
        said = said_in(raw, decoder)
        asked = once_of(request, raw, lambda done: (200, encode(_out(verb, done))))
        done = await context.jobs.order(caller, verb, name_in(request, "job_id"), asked, **said)
        return asked_again(done) if isinstance(done, StoredAnswer) else answer(_out(verb, done))

    handler.fn.__doc__ = (
        f"{title}, those in the jobs inside it included; each task has its own outcome."
    )
    return handler


def _out(verb: str, ordered: Ordered) -> JobOrdered:
    items = [_task_out(outcome) for outcome in ordered.outcomes]
    return JobOrdered(verb, ordered.done, ordered.refused, ordered.skipped, items)


def _task_out(outcome: Outcome) -> TaskOrdered:
    task, refusal = outcome.task, outcome.refusal
    return TaskOrdered(
        outcome.task_id,
        None if task is None else task.state,
        None if task is None else task.version,
        None if refusal is None else Refusal(refusal.code, refusal.detail),
    )


def router() -> Router:
    """The routes of jobs' verbs."""
    return Router("/v1/jobs", route_handlers=[_handler(verb) for verb in _VERBS])
