"""Tasks with a past, as an import brings them."""

from typing import Any

from farwork.domain import commands as c
from farwork.domain.commands import Details, KeptResult
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, Result, TaskState

NOON: Instant = 1_774_440_000_000_000
"""2026-03-25T12:00:00Z."""
NOTHING = object()


def imported(
    id_: str,
    state: str = "succeeded",
    *,
    at: Instant = NOON,
    result: Json = NOTHING,
    details: Details | None = None,
    **fields: Any,
) -> c.ImportTask:
    """A task that was created, and updated last, `at`."""
    known: dict[str, Any] = {"queue": "originq:WK_C180", "updated_at": at} | fields
    return c.ImportTask(
        task_id=id_,
        task=Task(project="", id=id_, created_at=at, state=TaskState(state), **known),
        details=details or Details(),
        results=[] if result is NOTHING else [KeptResult(Result(data=result))],
    )


def sharded(command: c.ImportTask, *results: Json, **fields: Any) -> c.ImportTask:
    """The same with one shard for each of these results."""
    task = command.task
    for index, data in enumerate(results):
        known: dict[str, Any] = {
            "external_ref": f"P{index}",
            "item_offset": index,
            "state": TaskState.SUCCEEDED,
        }
        times: dict[str, Any] = {"created_at": task.created_at, "updated_at": task.updated_at}
        command.shards.append(Shard(index, has_result=True, **known | times | fields))
        command.shard_results[index] = data
    return command
