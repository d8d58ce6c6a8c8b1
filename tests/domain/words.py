"""Short ways to say things to a ledger."""

from hashlib import blake2b
from typing import Any

from farwork.domain import commands as c
from farwork.domain.marks import report_mark
from farwork.domain.reports import Report, ShardStatement
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, OnInputFailure, Result, TaskState

TASK = "t"
SECOND = 1_000_000


def report(at: float, state: TaskState | None = None, **said: Any) -> c.ReportTask:
    """The command to take a report of what happened `at` (in seconds)."""
    instant = int(at * SECOND)
    said.setdefault("percent", None)
    result = said.pop("result", None)
    if result is not None:
        said["results"] = [Result(data=result)]
    digest = blake2b(repr((state, sorted(said.items()))).encode(), digest_size=8).hexdigest()
    made = Report(TASK, instant, state=state, **said)
    made.mark = report_mark(instant, state, made.percent, digest)
    made.dedup = hash(made.mark)
    return c.ReportTask(task_id=TASK, report=made)


def shard(index: int, state: TaskState | None = None, **said: Any) -> ShardStatement:
    """A statement about a shard."""
    if "result" in said:
        said["has_result"] = True
    return ShardStatement(index, state, **said)


def create(
    *,
    at: float = 0,
    submit: bool = True,
    inputs: int = 0,
    on_input_failure: OnInputFailure = OnInputFailure.CANCEL,
    items_total: int | None = None,
    shards: int = 0,
    metadata: dict[str, Json] | None = None,
    **said: Any,
) -> c.CreateTask:
    """The command to create the task."""
    instant = int(at * SECOND)
    task = Task(
        "default",
        TASK,
        instant,
        instant,
        inputs=tuple(f"input-{n}" for n in range(inputs)),
        inputs_pending=inputs,
        on_input_failure=on_input_failure,
        items_total=items_total,
        **said,
    )
    return c.CreateTask(
        task_id=TASK,
        task=task,
        details=c.Details(metadata=metadata or {}),
        shards=[Shard(n, item_offset=n) for n in range(shards)],
        submit=submit,
    )


def instant(at: float) -> Instant:
    """An instant, from seconds."""
    return int(at * SECOND)
