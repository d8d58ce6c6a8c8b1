"""What is done to the shards of a task, and why one stands where it stands."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from farwork.domain import commands as c
from farwork.domain.errors import ShardNotFound, TaskNotFound
from farwork.domain.shards import Shard, is_told
from farwork.domain.task import Task
from farwork.domain.values import Instant, TaskState, moment
from farwork.protocol.shards import ShardExplanation
from farwork.protocol.tasks import ShardCreate
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.views import shard_out
from farwork.storage import result_reader, task_reader
from farwork.storage.writes import Answer, Idempotency

VERBS: dict[str, type[c.RetryShard | c.CancelShard]] = {
    "retry": c.RetryShard,
    "cancel": c.CancelShard,
}


def announced(wanted: Sequence[ShardCreate], now: Instant) -> list[Shard]:
    """Shards as they are announced: queued, with nothing known of them."""
    return [
        Shard(
            one.index, item_count=one.item_count, item_offset=one.item_offset,
            external_ref=one.external_ref, queue=one.queue, created_at=now, updated_at=now,
        )
        for one in wanted
    ]  # fmt: skip


class Shards:
    """The use cases of shards. Those of one raise `TaskNotFound` and `ShardNotFound`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def add(
        self,
        caller: Principal,
        task_id: str,
        wanted: Sequence[ShardCreate],
        lease_seq: int | None,
        *,
        if_version: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Answer:
        """Announce further shards: one outcome. Needs worker under a lease, else operator.

        Raises `TaskNotFound`, `TaskIsFinal`, `ShardExists`, `LeaseSuperseded`.
        """
        caller.require(Role.OPERATOR if lease_seq is None else Role.WORKER)
        command = c.AddShards(
            task_id=task_id,
            actor=caller.name,
            if_version=if_version,
            shards=announced(wanted, self._ledger.now()),
            lease_seq=lease_seq,
        )
        return await self._ledger.commands(
            caller.project, [command], atomic=True, idempotency=idempotency
        )

    async def order(
        self,
        caller: Principal,
        verb: str,
        task_id: str,
        index: int,
        *,
        if_version: int | None = None,
        idempotency: Idempotency | None = None,
        **said: Any,
    ) -> Answer:
        """Carry out one of `VERBS`: one outcome. Needs operator.

        Raises what the verb's command is refused with.
        """
        caller.require(Role.OPERATOR)
        command = VERBS[verb](
            task_id=task_id, actor=caller.name, if_version=if_version, index=index, **said
        )
        return await self._ledger.commands(
            caller.project, [command], atomic=True, idempotency=idempotency
        )

    async def explain(self, caller: Principal, task_id: str, index: int) -> ShardExplanation:
        """Why a shard stands where it stands. Needs viewer."""
        caller.require(Role.VIEWER)

        def reading(connection: Connection) -> tuple[Task, Shard]:
            task = task_reader.get(connection, caller.project, task_id)
            if task is None:
                raise TaskNotFound.of(task_id)
            found = result_reader.shards(connection, task, after=index - 1, limit=1)
            if not found or found[0].index != index:
                raise ShardNotFound.of(task_id, index)
            return task, found[0]

        return explanation_of(*await self._ledger.read(reading))


def explanation_of(task: Task, shard: Shard) -> ShardExplanation:
    """The explanation of how a shard of a task stands. Pure."""
    failed = shard.state in (TaskState.FAILED, TaskState.CANCELLED)
    sentences = [_WORDS.get(shard.state, _open)(task, shard)]
    if failed and shard.error is not None and shard.error.message:
        sentences.append(f"What was said: {shard.error.message}.")
    if failed and not task.is_final:
        sentences.append("A retry of the shard queues it again within this attempt.")
    elif failed:
        sentences.append("A retry of the shard begins another attempt, for this shard alone.")
    return ShardExplanation(
        task_id=task.id,
        shard=shard_out(shard, None),
        since=moment(shard.updated_at),
        summary=" ".join(sentences),
        can=["retry"] if failed else [] if shard.state.is_final else ["cancel"],
    )


def _open(task: Task, shard: Shard) -> str:
    covers = f"It covers {shard.item_count} items from {shard.item_offset} on"
    if not is_told(shard):
        who = f"the worker {task.worker!r}" if task.worker else "whoever takes the task"
        return f"{covers}, and is only announced: {who} has yet to begin it."
    where = "" if shard.external_ref is None else f" as {shard.external_ref!r}"
    return f"{covers}, and is {shard.state}{where}; a report about it moves it."


def _succeeded(_task: Task, _shard: Shard) -> str:
    return "It succeeded; another attempt at the task leaves it as it is."


def _ended(_task: Task, shard: Shard) -> str:
    said = f" ({shard.reason})" if shard.reason else ""
    return f"It {'failed' if shard.state is TaskState.FAILED else 'was cancelled'}{said}."


_WORDS = {
    TaskState.SUCCEEDED: _succeeded,
    TaskState.FAILED: _ended,
    TaskState.CANCELLED: _ended,
}
