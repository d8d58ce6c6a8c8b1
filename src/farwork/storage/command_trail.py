"""What the audit trail says of commands about tasks.

Reports, and what workers say of their attempts, are not in it: each is an event of its task, with
its source and the one who brought it, and that log is append-only too.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from farwork.clock import uuid7
from farwork.domain import commands as c
from farwork.domain.values import Instant
from farwork.storage.json import encode_text
from farwork.storage.trail_store import TrailRow
from farwork.storage.writes import Answer, Asker, Outcome, Write

ACTIONS: dict[type[Any], str] = {
    c.CreateTask: "task.create",
    c.ImportTask: "task.import",
    c.SubmitTask: "task.submit",
    c.CancelTask: "task.cancel",
    c.RetryTask: "task.retry",
    c.AdoptReport: "task.adopt",
    c.ArchiveTask: "task.archive",
    c.RestoreTask: "task.restore",
    c.DeleteTask: "task.delete",
    c.HoldTask: "task.hold",
    c.ReleaseTask: "task.release",
    c.ChangeTask: "task.change",
    c.AddShards: "task.add_shards",
    c.RetryShard: "task.retry_shard",
    c.CancelShard: "task.cancel_shard",
}
IDS_SHOWN_MAX = 100


def rows_of(write: Write, answer: Answer, at: Instant) -> list[TrailRow]:
    """What a write has changed; nothing, if nobody asked or it was carried out before."""
    asker = write.asker
    if asker is None or not answer.outcomes:
        return []
    done: defaultdict[str, list[str]] = defaultdict(list)
    for command, outcome in zip(write.commands, answer.outcomes, strict=True):
        action = ACTIONS.get(type(command))
        if action is not None and not _is_held(command) and _changed(command, outcome):
            done[action].append(outcome.task_id)
    return [about_tasks(write.project, asker, action, ids, at) for action, ids in done.items()]


def about_tasks(
    project: str, asker: Asker, action: str, ids: Sequence[str], at: Instant
) -> TrailRow:
    """A row about what somebody did to these tasks."""
    single = len(ids) == 1
    return TrailRow(
        uuid7(at),
        at,
        project,
        asker.actor,
        action,
        f"task:{ids[0]}" if single else None,
        asker.address,
        encode_text({} if single else {"tasks": len(ids), "ids": list(ids[:IDS_SHOWN_MAX])}),
    )


def _is_held(command: c.Command) -> bool:
    """Whether it is what a worker says of the attempt that it holds."""
    return isinstance(command, c.AddShards) and command.lease_seq is not None


def _changed(command: c.Command, outcome: Outcome) -> bool:
    # A task that is imported a second time is left as it is.
    is_there = isinstance(command, c.ImportTask) and outcome.existed
    return outcome.refusal is None and not is_there
