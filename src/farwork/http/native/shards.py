"""`/v1/tasks/{id}/shards`: announcing shards, and what operators do to one of them."""

from typing import Any

import msgspec
from litestar import Response, get, post
from msgspec import Struct

from farwork.domain import errors as e
from farwork.http import body
from farwork.http.address import name_in
from farwork.http.answers import answer, encode
from farwork.http.auth import AnyRequest
from farwork.http.calls import Call, described
from farwork.http.context import Context
from farwork.http.idempotency import asked_again, idempotency_of
from farwork.http.mistakes import Mistake
from farwork.http.native import examples
from farwork.http.native.verbs import said_in
from farwork.http.preconditions import etag_of, if_version
from farwork.http.query import query_of
from farwork.protocol.queries import NoQuery
from farwork.protocol.shapes import summary
from farwork.protocol.shards import ShardCancelIn, ShardExplanation, ShardsIn, ShardVerbIn
from farwork.protocol.tasks import ShardCreate, TaskSummary
from farwork.service.access import Role
from farwork.service.ledger import Answer, Outcome

INDEX_MAX = 2**31 - 1

ADD = Call(
    id="addTaskShards",
    summary="Announce shards of a task",
    needs=Role.WORKER,
    body=ShardsIn,
    answer=TaskSummary,
    example={"shards": [{"index": 2, "item_count": 100, "item_offset": 200}], "lease_seq": 1},
    answer_example=examples.TASK_SUMMARY,
    refusals=(e.TaskNotFound, e.TaskIsFinal, e.ShardExists, e.LeaseSuperseded),
    idempotent=True,
    versioned=True,
    conditional=True,
)
EXPLAIN = Call(
    id="explainTaskShard",
    summary="See why a shard stands where it stands",
    needs=Role.VIEWER,
    answer=ShardExplanation,
    answer_example={
        "task_id": "run-17",
        "shard": examples.SHARD_PAGE["items"][0],
        "since": "2026-11-22T02:04:00Z",
        "summary": "It succeeded; another attempt at the task leaves it as it is.",
        "can": [],
    },
    refusals=(e.TaskNotFound, e.ShardNotFound),
)
_add = msgspec.json.Decoder(ShardsIn)
_VERBS: dict[str, tuple[str, type[Struct], type[e.DomainError], Any]] = {
    "retry": ("Let a shard be tried again", ShardVerbIn, e.ShardNotFinal, {}),
    "cancel": ("End a shard", ShardCancelIn, e.ShardIsFinal, {"reason": "not needed"}),
}


def check_indexes(wanted: list[ShardCreate], prefix: str) -> list[Mistake]:
    """What is wrong with shards that share an index."""
    problems: list[Mistake] = []
    seen: set[int] = set()
    for place, shard in enumerate(wanted):
        if shard.index in seen:
            pointer = f"{prefix}/shards/{place}/index"
            problems.append((pointer, f"{shard.index} is the index of a shard before it"))
        seen.add(shard.index)
    return problems


def index_in(request: AnyRequest) -> int:
    """The index of a shard in the path. Raises `ShardNotFound` where no shard can have it."""
    text = name_in(request, "index")
    if not (text.isascii() and text.isdigit()) or int(text) > INDEX_MAX:
        raise e.ShardNotFound(f"There is no shard {text!r}: a shard's index is a number.")
    return int(text)


def _render(outcomes: list[Outcome]) -> tuple[int, bytes]:
    task = outcomes[0].task
    assert task is not None
    return 200, encode(summary(task))


def _answer(done: Answer) -> Response[bytes]:
    if done.stored is not None:
        return asked_again(done.stored)
    task = done.outcomes[0].task
    assert task is not None
    return answer(summary(task), headers={"ETag": etag_of(task.version)})


@post("/shards", status_code=200, opt=described(ADD))
async def add_shards(request: AnyRequest, context: Context) -> Response[bytes]:
    """Announce further shards of a task that has not ended.

    With `lease_seq` for the worker that holds that lease; without it, operators may. One that is
    there already, and covers the same items, is left as it is.
    """
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    raw = await body.read(request, context.config.batch_body_bytes_max)
    said = body.decode(raw, _add)
    problems = check_indexes(said.shards, "")
    if problems:
        raise body.invalid(problems)
    done = await context.shards.add(
        caller,
        name_in(request, "task_id"),
        said.shards,
        said.lease_seq,
        if_version=if_version(request),
        idempotency=idempotency_of(request, raw, _render),
    )
    return _answer(done)


@get("/shards/{index:str}/explain", opt=described(EXPLAIN))
async def explain_shard(request: AnyRequest, context: Context) -> Response[bytes]:
    """What will move a shard, or what ended it: in words for people, in data for programs."""
    caller = await context.doorkeeper.caller(request)
    query_of(request, NoQuery)
    found = await context.shards.explain(caller, name_in(request, "task_id"), index_in(request))
    return answer(found)


def _handler(verb: str) -> Any:
    title, kind, refusal, example = _VERBS[verb]
    decoder = msgspec.json.Decoder(kind)
    operation = Call(
        id=f"{verb}TaskShard",
        summary=title,
        needs=Role.OPERATOR,
        body=kind,
        body_required=False,
        answer=TaskSummary,
        example=example,
        answer_example=examples.TASK_SUMMARY,
        refusals=(e.TaskNotFound, e.ShardNotFound, refusal),
        idempotent=True,
        versioned=True,
        conditional=True,
    )

    @post(f"/shards/{{index:str}}/{verb}", status_code=200, opt=described(operation))
    async def handler(request: AnyRequest, context: Context) -> Response[bytes]:
        caller = await context.doorkeeper.caller(request)
        query_of(request, NoQuery)
        raw = await body.read(request, context.config.single_body_bytes_max)
        done = await context.shards.order(
            caller,
            verb,
            name_in(request, "task_id"),
            index_in(request),
            if_version=if_version(request),
            idempotency=idempotency_of(request, raw, _render),
            **said_in(raw, decoder),
        )
        return _answer(done)

    handler.fn.__doc__ = f"{title}; with `If-Match` only if the task has that version."
    return handler


def handlers() -> list[Any]:
    """The handlers of what hangs on a task, as far as it is its shards."""
    return [add_shards, explain_shard, *map(_handler, _VERBS)]
