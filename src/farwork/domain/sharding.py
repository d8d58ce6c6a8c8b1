"""What is done to single shards of a task: announcing, trying again, calling off."""

from collections.abc import Mapping, Sequence

from farwork.domain import commands as c
from farwork.domain.decision import Decision, Known, Needs, present, take
from farwork.domain.errors import (
    LeaseSuperseded,
    ShardExists,
    ShardIsFinal,
    ShardNotFinal,
    ShardNotFound,
    TaskIsFinal,
)
from farwork.domain.events import EventType
from farwork.domain.facts import CommandFact, Retried, ShardCancelled, ShardRetried, ShardsAdded
from farwork.domain.marks import command_mark
from farwork.domain.operators import begin_attempt
from farwork.domain.shards import Shard, ShardTally, called_off, tried_again
from farwork.domain.task import Task
from farwork.domain.values import Instant, TaskState


def add(task: Task | None, command: c.AddShards, now: Instant, known: Known) -> Decision | Needs:
    """Announce further shards; refused when the task has ended, or one is there and is another."""
    task = present(task, command)
    seq = command.lease_seq
    if seq is not None and (task.worker is None or task.lease_seq != seq):
        raise LeaseSuperseded.of(task.id, seq, task.lease_seq)
    if task.is_final:
        raise TaskIsFinal(f"The task has {task.state}; shards are added before it ends.")
    if known.shards is None:
        return Needs.SHARDS
    new = _unknown(command.shards, known.shards)
    if not new:
        return Decision(task)
    fact = ShardsAdded(now, command_mark(now, task.mark), new)
    decision = _change(task, fact, EventType.TASK_SHARDS_ADDED, new, known, command)
    if isinstance(decision, Decision):
        decision.events[0].data["shards"] = len(new)
    return decision


def _unknown(wanted: Sequence[Shard], known: Mapping[int, Shard]) -> list[Shard]:
    """Those that are not there. Raises `ShardExists` where one covers other items."""
    new: list[Shard] = []
    for shard in wanted:
        there = known.get(shard.index)
        if there is None:
            new.append(shard)
        elif (there.item_offset, there.item_count) != (shard.item_offset, shard.item_count):
            raise ShardExists(
                f"The shard {shard.index} exists, and covers {there.item_count} items from "
                f"{there.item_offset} on."
            )
    return new


def retry(task: Task | None, command: c.RetryShard, now: Instant, known: Known) -> Decision | Needs:
    """Let a shard be tried again; refused unless it ended without success.

    When the task has ended, that begins another attempt, for this shard alone.
    """
    task = present(task, command)
    if known.shards is None:
        return Needs.SHARDS
    shard = _of(task, command.index, known.shards)
    if shard.state not in (TaskState.FAILED, TaskState.CANCELLED):
        raise ShardNotFinal(
            f"The shard {shard.index} is {shard.state}; only one that has failed or was cancelled "
            "is tried again."
        )
    mark = command_mark(now, task.mark)
    if task.is_final:
        opening = Retried(now, mark, blocked=task.inputs_pending > 0, shards=[shard.index])
        decision = begin_attempt(task, opening, known, command, EventType.TASK_RETRIED)
    else:
        fact = ShardRetried(now, mark, shard.index)
        after = tried_again(shard, mark, now)
        decision = _change(task, fact, EventType.TASK_SHARD_RETRIED, [after], known, command)
    return _naming(decision, shard)


def cancel(
    task: Task | None, command: c.CancelShard, now: Instant, known: Known
) -> Decision | Needs:
    """End a shard for good; refused when it has ended otherwise."""
    task = present(task, command)
    if known.shards is None:
        return Needs.SHARDS
    shard = _of(task, command.index, known.shards)
    if shard.state is TaskState.CANCELLED:
        return Decision(task)
    if shard.state.is_final:
        raise ShardIsFinal(f"The shard {shard.index} has {shard.state}.")
    fact = ShardCancelled(now, command_mark(now, task.mark), shard.index, command.reason)
    after = called_off(shard, fact.mark, now, command.reason)
    decision = _change(task, fact, EventType.TASK_SHARD_CANCELLED, [after], known, command)
    return _naming(decision, shard)


def _of(task: Task, index: int, shards: Mapping[int, Shard]) -> Shard:
    shard = shards.get(index)
    if shard is None:
        raise ShardNotFound.of(task.id, index)
    return shard


def _change(
    task: Task,
    fact: CommandFact,
    event_type: EventType,
    changed: Sequence[Shard],
    known: Known,
    command: c.Command,
) -> Decision | Needs:
    """Let shards change, and the task with them."""
    assert known.shards is not None
    shards = dict(known.shards)
    tally = task.shards or ShardTally()
    for shard in changed:
        tally = tally.moved(shards, shard)
        shards[shard.index] = shard
    moved = task.draft()
    moved.shards = tally
    decision = take(moved, fact, event_type, known, command)
    if isinstance(decision, Decision):
        decision.shards = changed
    return decision


def _naming(decision: Decision | Needs, shard: Shard) -> Decision | Needs:
    if isinstance(decision, Decision):
        decision.events[0].data["shard"] = shard.index
    return decision
