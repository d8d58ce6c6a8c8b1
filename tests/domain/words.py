"""Short ways to say things to a ledger."""

from hashlib import blake2b
from typing import Any

from farwork.domain import commands as c
from farwork.domain.marks import report_mark
from farwork.domain.reports import Report, ShardStatement
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Result, TaskState

TASK = "t"
SECOND = 1_000_000


def seconds(at: float) -> Instant:
    """The instant so many seconds after the epoch."""
    return int(at * SECOND)


def report(at: float, state: TaskState | None = None, **said: Any) -> c.ReportTask:
    """The command to take a report of what happened `at`; `result` stands for a list of one."""
    if "result" in said:
        said["results"] = [Result(data=said.pop("result"))]
    digest = _hash(repr((state, sorted(said.items()))))
    mark = report_mark(seconds(at), state, said.get("percent"), digest)
    made = Report(TASK, seconds(at), mark=mark, dedup=int(_hash(mark), 16), state=state, **said)
    return c.ReportTask(task_id=TASK, report=made)


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def shard(index: int, state: TaskState | None = None, **said: Any) -> ShardStatement:
    """A statement about a shard."""
    return ShardStatement(index, state, has_result="result" in said, **said)


def create(
    *,
    inputs: int = 0,
    shards: int = 0,
    submit: bool = True,
    details: c.Details | None = None,
    **said: Any,
) -> c.CreateTask:
    """The command to create the task, with so many inputs (all pending) and announced shards."""
    task = Task(
        "default",
        TASK,
        0,
        0,
        inputs=tuple(f"input-{n}" for n in range(inputs)),
        inputs_pending=inputs,
        **said,
    )
    return c.CreateTask(
        task_id=TASK,
        task=task,
        details=details or c.Details(),
        shards=[Shard(n, item_offset=n) for n in range(shards)],
        submit=submit,
    )


def submit() -> c.SubmitTask:
    """The command to let the task go."""
    return c.SubmitTask(task_id=TASK)


def cancel(reason: str | None = None) -> c.CancelTask:
    """The command to end the task."""
    return c.CancelTask(task_id=TASK, reason=reason)


def retry() -> c.RetryTask:
    """The command to begin another attempt."""
    return c.RetryTask(task_id=TASK)


def adopt(event_id: int | None = None) -> c.AdoptReport:
    """The command to make a late end the task's end."""
    return c.AdoptReport(task_id=TASK, event_id=event_id)


def expire(state: TaskState = TaskState.FAILED, **said: Any) -> c.ExpireTask:
    """The command to conclude that the task has run out of time."""
    return c.ExpireTask(task_id=TASK, state=state, reason="timeout", **said)


def claim(worker: str = "w", lease_s: float = 10.0) -> c.ClaimTask:
    """The command that lets a worker hold the task."""
    return c.ClaimTask(task_id=TASK, worker=worker, lease_us=seconds(lease_s))


def said_by_holder(
    at: float, state: TaskState | None = None, *, seq: int = 1, attempt: int = 1, **said: Any
) -> c.LeaseReport:
    """What the holder of a lease reports; `retryable` says whether a failure is."""
    retryable = said.pop("retryable", True)
    made = report(at, state, attempt=attempt, **said).report
    return c.LeaseReport(
        task_id=TASK, report=made, lease_seq=seq, worker="w", lease_us=10 * SECOND,
        retryable=retryable,
    )  # fmt: skip


def renew(seq: int = 1) -> c.RenewLease:
    """A sign of life from the holder of a lease."""
    return c.RenewLease(task_id=TASK, lease_seq=seq, worker="w", lease_us=10 * SECOND)


def hand_back(seq: int = 1) -> c.HandBack:
    """The command that gives the task back."""
    return c.HandBack(task_id=TASK, lease_seq=seq)


def answer_cancel(seq: int = 1, *, refused: bool = False) -> c.AnswerCancel:
    """What the holder says to a cancellation."""
    return c.AnswerCancel(task_id=TASK, lease_seq=seq, refused=refused)


def reap(seq: int = 1) -> c.ReapLease:
    """The command to look whether the lease has run out."""
    return c.ReapLease(task_id=TASK, lease_seq=seq)


def check_deadline() -> c.CheckDeadline:
    """The command to look whether a limit has run out."""
    return c.CheckDeadline(task_id=TASK)


def wake() -> c.WakeTask:
    """The command to make a task ready whose time has come."""
    return c.WakeTask(task_id=TASK)


def add_shards(*indexes: int, seq: int | None = None, item_count: int = 1) -> c.AddShards:
    """The command to announce further shards."""
    shards = [Shard(index, item_offset=index, item_count=item_count) for index in indexes]
    return c.AddShards(task_id=TASK, shards=shards, lease_seq=seq)


def retry_shard(index: int = 0) -> c.RetryShard:
    """The command to let a shard be tried again."""
    return c.RetryShard(task_id=TASK, index=index)


def cancel_shard(index: int = 0, reason: str | None = None) -> c.CancelShard:
    """The command to end a shard."""
    return c.CancelShard(task_id=TASK, index=index, reason=reason)


def change(**fields: Any) -> c.ChangeTask:
    """The command to change what the task says of itself."""
    return c.ChangeTask(task_id=TASK, fields=fields)


def input_ended(succeeded: bool = True, *, reopened: bool = False) -> c.InputEnded:  # noqa: FBT001, FBT002 - reads like a sentence
    """Word that an input ended, or is open again."""
    return c.InputEnded(task_id=TASK, input_id="input-0", succeeded=succeeded, reopened=reopened)
