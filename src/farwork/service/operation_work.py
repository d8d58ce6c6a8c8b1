"""The pieces of work that a bulk operation is made of, each one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain import commands as c
from farwork.domain.errors import IdempotencyKeyReused, NotFound, TaskNotFound, TaskUnderHold
from farwork.protocol.bulk import Selection
from farwork.service.selections import SHELVES, filter_of
from farwork.storage import operation_store
from farwork.storage.bulk import (
    ANY,
    Chunk,
    archive_chunk,
    command_chunk,
    delete_chunk,
    restore_chunk,
)
from farwork.storage.operation_store import OperationRow, Progress
from farwork.storage.statements import Statements
from farwork.storage.task_reader import TaskFilter
from farwork.storage.writes import Idempotency, Work

_SETS = {"archive": archive_chunk, "restore": restore_chunk, "delete": delete_chunk}
_ORDERS: dict[str, type[c.Command]] = {
    "cancel": c.CancelTask,
    "retry": c.RetryTask,
    "submit": c.SubmitTask,
}


class NoLongerSelected(NotFound):
    """The task is not among those that are meant any more."""

    code = "no_longer_selected"


def keep(operation: OperationRow, ids: list[str] | None, idempotency: Idempotency | None) -> Work:
    """Keep a new operation; gives its id, or that of the one that the same request began before."""

    def work(connection: Connection, statements: Statements, _tick: Now) -> tuple[str, None]:
        if idempotency is not None:
            key = (operation.project, idempotency.key)
            rows = statements.select_idempotency.all(connection, key)
            if rows:
                fingerprint, _, body = rows[0]
                if bytes(fingerprint) != idempotency.fingerprint:
                    raise IdempotencyKeyReused(
                        f"The Idempotency-Key {idempotency.key!r} came before with another "
                        "request; use a new key for a new request."
                    )
                return bytes(body).decode(), None
            given = (*key, idempotency.fingerprint, 202, operation.id.encode())
            statements.insert_idempotency.many(connection, [(*given, operation.created_at)])
        operation_store.add(connection, operation, ids)
        return operation.id, None

    return work


def claim(operation: OperationRow, owner: str, at: int) -> Callable[[Connection], bool]:
    return lambda connection: operation_store.claim(connection, operation, owner, at)


Change = Callable[[Connection, Statements, Now], tuple[list[dict[str, str]], int | None]]


def chunk_of(operation: OperationRow, ids: Sequence[str], place: Any) -> Work:
    """Do what is asked to these tasks and note it, in one transaction; gives the operation then."""
    change = (_set_change if operation.verb in _SETS else _orders)(operation, ids)

    def work(
        connection: Connection, statements: Statements, tick: Now
    ) -> tuple[OperationRow, int | None]:
        refusals, head = change(connection, statements, tick)
        progress = Progress(place, len(ids) - len(refusals), refusals)
        return operation_store.advance(connection, operation, progress, tick()), head

    return work


def _set_change(operation: OperationRow, ids: Sequence[str]) -> Change:
    given = operation.selection["filter"] is None
    wanted = ANY if given else filter_within(operation)
    change = _SETS[operation.verb](Chunk(operation.project, ids, operation.actor, wanted))

    def work(
        connection: Connection, statements: Statements, tick: Now
    ) -> tuple[list[dict[str, str]], int | None]:
        done, head = change(connection, statements, tick)
        settled = {*done.changed, *done.unchanged, *done.held}
        refusals = [_refusal(id_, TaskUnderHold.of(id_, why)) for id_, why in done.held.items()]
        refusals += [_gone(id_, given=given) for id_ in ids if id_ not in settled]
        return refusals, head

    return work


def _gone(task_id: str, *, given: bool) -> dict[str, str]:
    if given:
        return _refusal(task_id, TaskNotFound.of(task_id))
    return _refusal(task_id, NoLongerSelected("The task no longer satisfies the filter."))


def _orders(operation: OperationRow, ids: Sequence[str]) -> Change:
    kind = _ORDERS[operation.verb]
    said = {"reason": operation.selection["reason"]} if kind is c.CancelTask else {}
    commands = [kind(task_id=id_, actor=operation.actor, **said) for id_ in ids]
    carry_out = command_chunk(operation.project, commands)

    def work(
        connection: Connection, statements: Statements, tick: Now
    ) -> tuple[list[dict[str, str]], int | None]:
        outcomes, head = carry_out(connection, statements, tick)
        return [_refusal(o.task_id, o.refusal) for o in outcomes if o.refusal is not None], head

    return work


def _refusal(task_id: str, refusal: Any) -> dict[str, str]:
    return {"id": task_id, "code": refusal.code, "detail": refusal.detail}


def filter_said(verb: str, said: Selection | None) -> TaskFilter:
    assert said is not None
    archived = SHELVES[said.archived or ("true" if verb == "restore" else "false")]
    return filter_of(said, job_id=said.job_id, archived=archived)


def filter_within(operation: OperationRow) -> TaskFilter:
    """The filter of an operation; what is created after it began is not meant."""
    said = msgspec.convert(operation.selection["filter"], Selection)
    wanted = filter_said(operation.verb, said)
    before = wanted.created.before
    began = operation.created_at + 1
    bound = began if before is None else min(before, began)
    return replace(wanted, created=replace(wanted.created, before=bound))
