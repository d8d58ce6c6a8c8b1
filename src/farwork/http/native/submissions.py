"""Submissions to outside platforms: noted by workers, set right by the platforms' own lists."""

from typing import Any

import msgspec
from litestar import Response, Router, post

from farwork.domain import errors as e
from farwork.domain.values import moment
from farwork.http import body
from farwork.http.answers import answer
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.mistakes import MISTAKES_MAX
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery
from farwork.protocol.submissions import ReconcileIn, ReconcileOut, SubmissionIn, SubmissionOut
from farwork.service.access import Role

NOTE = Call(
    id="noteSubmission",
    summary="Note a submission",
    needs=Role.WORKER,
    body=SubmissionIn,
    answer=SubmissionOut,
    example={"task_id": "run-17", "lease_seq": 1, "platform": "quantum", "external_ref": "q-42"},
    answer_example={
        "task_id": "run-17",
        "platform": "quantum",
        "part": "",
        "token": "fw-0a6d3b1c9f3c7e55a3d04e7b2c1f8d90",
        "shard": None,
        "attempt": 1,
        "state": "submitted",
        "external_ref": "q-42",
        "created_at": "2026-11-22T02:00:00Z",
        "updated_at": "2026-11-22T02:00:01Z",
    },
    refusals=(e.TaskNotFound, e.LeaseSuperseded),
)
RECONCILE = Call(
    id="reconcile",
    summary="Take a platform's list",
    needs=Role.WORKER,
    body=ReconcileIn,
    answer=ReconcileOut,
    example={
        "platform": "quantum",
        "jobs": [{"external_ref": "q-42", "state": "succeeded", "result": {"00": 512}}],
    },
    answer_example={
        "items": [
            {
                "external_ref": "q-42",
                "token": None,
                "task_id": "run-17",
                "verdict": "applied",
                "state": "succeeded",
            }
        ]
    },
)
_note = msgspec.json.Decoder(SubmissionIn)
_reconcile = msgspec.json.Decoder(ReconcileIn)


@post("/submissions", status_code=200, opt=described(NOTE))
async def note_submission(request: AnyRequest, context: Context) -> Response[bytes]:
    """Note what is about to be handed to a platform, and again with the id that it gave.

    The answer says what is known: whoever finds an `external_ref` there goes on with that
    submission. The same call again changes nothing.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.single_body_bytes_max)
    one = await context.submissions.note(caller, body.decode(raw, _note))
    return answer(
        SubmissionOut(
            task_id=one.task_id,
            platform=one.platform,
            part=one.part,
            token=one.token,
            shard=one.shard,
            attempt=one.attempt,
            state="intended" if one.external_ref is None else "submitted",
            external_ref=one.external_ref,
            created_at=moment(one.created_at),
            updated_at=moment(one.updated_at),
        )
    )


@post("/submissions/reconcile", status_code=200, opt=described(RECONCILE))
async def reconcile(request: AnyRequest, context: Context) -> Response[bytes]:
    """Take a platform's list of job states as reports about all the tasks concerned."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _reconcile)
    nameless = [
        (f"/jobs/{place}", "must say external_ref or token, or both")
        for place, job in enumerate(said.jobs)
        if job.external_ref is None and job.token is None
    ]
    if nameless:
        raise body.invalid(nameless[:MISTAKES_MAX])
    items = await context.submissions.reconcile(caller, said)
    return answer(ReconcileOut(items))


def router() -> Router:
    """The routes of submissions."""
    handlers: list[Any] = [note_submission, reconcile]
    return Router("/v1", route_handlers=handlers)
