"""Between a whole task and its record: what an import asks, what an export gives."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from msgspec import UNSET, Raw

from farwork.domain.commands import Details, ImportTask, KeptResult
from farwork.domain.errors import Unprocessable
from farwork.domain.shards import Shard
from farwork.domain.task import IDENTITY_FIELDS, Task
from farwork.domain.values import (
    FINAL_STATES,
    Instant,
    Json,
    Result,
    TaskState,
    instant,
    moment,
)
from farwork.protocol.reports import Percent, ProgressIn, fault_from, origin_from
from farwork.protocol.shapes import error_out, origin_out, when
from farwork.protocol.transfer import (
    AttemptRecord,
    JobBody,
    JobRecord,
    ResultRecord,
    ShardRecord,
    TaskRecord,
)
from farwork.storage.job_reader import Job
from farwork.storage.transfer_reader import StoredAttempt, StoredResult, WholeTask

OWN = "result"
"""The name of the result that stands in a record's own `result`."""


class RecordRefused(Unprocessable):
    """The record contradicts itself."""

    code = "record_refused"


# --- from a record ---


def command_of(record: TaskRecord, project: str, actor: str, now: Instant) -> ImportTask:
    """The command that imports a record. Raises `RecordRefused`, or `TimeOutOfRange`."""
    _check(record)
    task = _task(record, project, now)
    task.creator = record.creator or actor
    shards = [_shard(shard, task) for shard in record.shards]
    return ImportTask(
        task_id=record.id,
        actor=actor,
        task=task,
        details=Details(record.params, record.metadata, record.extensions),
        results=_results(record),
        attempts=[_attempt(attempt, task) for attempt in record.attempts],
        shards=shards,
        shard_results={s.index: s.result for s in record.shards if s.result is not UNSET},
    )


def _check(record: TaskRecord) -> None:
    wrong = [*_wrong_states(record), *_wrong_attempts(record), *_wrong_results(record)]
    if record.id in record.inputs:
        wrong.append("/inputs: a task cannot wait for itself")
    if len({shard.index for shard in record.shards}) < len(record.shards):
        wrong.append("/shards: two shards have the same index")
    if not set(record.pinned) <= set(IDENTITY_FIELDS):
        wrong.append(f"/pinned: may name {', '.join(IDENTITY_FIELDS)}")
    if wrong:
        raise RecordRefused("; ".join(wrong))


def _wrong_states(record: TaskRecord) -> Iterator[str]:
    state = record.state or TaskState.CREATED
    if record.completed_at is not None and state not in FINAL_STATES:
        yield f"/completed_at: a task that is {state} has not ended"
    if state is TaskState.BLOCKED and not record.inputs:
        yield "/inputs: a blocked task must name what it waits for"


def _wrong_attempts(record: TaskRecord) -> Iterator[str]:
    numbers = [attempt.number for attempt in record.attempts]
    if len(set(numbers)) < len(numbers):
        yield "/attempts: two attempts have the same number"
    for place, attempt in enumerate(record.attempts):
        if attempt.number >= record.attempt:
            yield f"/attempts/{place}/number: must be before the present attempt {record.attempt}"
        if attempt.state not in FINAL_STATES:
            yield f"/attempts/{place}/state: an attempt that is {attempt.state} is not over"


def _wrong_results(record: TaskRecord) -> Iterator[str]:
    for place, result in enumerate(record.results):
        if result.attempt is not None and result.attempt > record.attempt:
            yield f"/results/{place}/attempt: has not begun, the present one is {record.attempt}"
    names = [(r.name, r.attempt or record.attempt) for r in record.results if not r.late]
    if len(set(names)) < len(names):
        yield "/results: two results of an attempt have the same name"
    own = [r for r in record.results if _is_own(r, record.attempt) and r.data is not UNSET]
    if own and record.result is not UNSET:
        yield "/results: the data of the task's own result is given twice"


def _is_own(result: ResultRecord, attempt: int) -> bool:
    return result.name == OWN and not result.late and (result.attempt or attempt) == attempt


def _task(record: TaskRecord, project: str, now: Instant) -> Task:
    times = [
        instant(at)
        for at in (
            record.created_at, record.queued_at, record.started_at, record.completed_at,
            record.updated_at,
        )
        if at is not None
    ]  # fmt: skip
    percent, message = _progress(record.progress)
    return Task(
        project=project,
        id=record.id,
        created_at=_at(record.created_at, min(times, default=now)),
        updated_at=_at(record.updated_at, max(times, default=now)),
        kind=record.kind or "",
        name=record.name,
        queue=record.queue or "default",
        state=record.state or TaskState.CREATED,
        reason=record.reason,
        reported_status=record.reported_status,
        percent=percent,
        message=message,
        error=fault_from(record.error),
        priority=record.priority,
        labels=record.labels,
        external_ref=record.external_ref,
        job_id=record.job_id,
        inputs=tuple(dict.fromkeys(record.inputs)),
        on_input_failure=record.on_input_failure,
        attempt=record.attempt,
        attempts_max=max(record.attempt, record.attempts_max),
        origin=origin_from(record.origin),
        queued_at=_at(record.queued_at),
        started_at=_at(record.started_at),
        completed_at=_at(record.completed_at),
        archived_at=_at(record.archived_at),
        version=record.version,
        items_total=_items_total(record),
        pinned=frozenset(record.pinned),
    )


def _items_total(record: TaskRecord) -> int | None:
    if record.items_total is not UNSET:
        return record.items_total
    size = record.metadata.get("batch_size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 1 else None


def _progress(said: ProgressIn | Percent | None) -> tuple[float, str | None]:
    if isinstance(said, ProgressIn):
        return said.percent or 0.0, said.message
    return said or 0.0, None


def _at(said: datetime | None, otherwise: Any = None) -> Any:
    return otherwise if said is None else instant(said)


def _shard(said: ShardRecord, task: Task) -> Shard:
    return Shard(
        index=said.index,
        state=said.state or TaskState.QUEUED,
        reason=said.reason,
        external_ref=said.external_ref,
        queue=said.queue,
        item_count=said.item_count,
        item_offset=said.item_offset,
        error=fault_from(said.error),
        has_result=said.result is not UNSET,
        created_at=_at(said.created_at, task.created_at),
        updated_at=_at(said.updated_at, task.updated_at),
    )


def _results(record: TaskRecord) -> list[KeptResult]:
    results: list[KeptResult] = []
    alone = record.result is not UNSET
    for said in record.results:
        data = said.data
        if alone and _is_own(said, record.attempt):
            data, alone = record.result, False
        results.append(
            KeptResult(
                Result(said.name, said.type, None if data is UNSET else data, said.files),
                said.attempt,
                said.late,
                said.id,
                _at(said.created_at),
            )
        )
    if alone:
        results.insert(0, KeptResult(Result(OWN, data=record.result)))
    return results


def _attempt(said: AttemptRecord, task: Task) -> Task:
    """The task as it stood at the end of an attempt."""
    percent, message = _progress(said.progress)
    past = task.draft()
    past.attempt, past.state, past.reason = said.number, said.state, said.reason
    past.percent, past.message, past.error = percent, message, fault_from(said.error)
    past.queued_at, past.started_at = _at(said.queued_at), _at(said.started_at)
    past.completed_at = _at(said.completed_at)
    return past


# --- to a record ---


def record_of(whole: WholeTask) -> TaskRecord:
    """The record of a task; JSON goes through as the text that it is kept as."""
    task = whole.task
    record = TaskRecord(
        id=task.id,
        kind=task.kind or None,
        name=task.name,
        queue=task.queue,
        state=task.state,
        reason=task.reason,
        reported_status=task.reported_status,
        progress=ProgressIn(task.percent, task.message),
        priority=task.priority,
        labels=task.labels,
        error=error_out(task.error),
        external_ref=task.external_ref,
        job_id=task.job_id,
        inputs=list(task.inputs),
        on_input_failure=task.on_input_failure,
        attempt=task.attempt,
        attempts_max=task.attempts_max,
        creator=task.creator,
        origin=origin_out(task.origin),
        items_total=task.items_total,
        pinned=sorted(task.pinned),
        version=task.version,
        created_at=moment(task.created_at),
        queued_at=when(task.queued_at),
        started_at=when(task.started_at),
        completed_at=when(task.completed_at),
        updated_at=moment(task.updated_at),
        archived_at=when(task.archived_at),
        shards=[_shard_record(shard, whole.shard_results) for shard in whole.shards],
        attempts=[_attempt_record(attempt) for attempt in whole.attempts],
    )
    _give_wide_parts(record, whole)
    return record


def _give_wide_parts(record: TaskRecord, whole: WholeTask) -> None:
    for name in ("params", "metadata", "extensions"):
        text: str = getattr(whole, name)
        if text != "{}":
            setattr(record, name, Raw(text.encode()))
    record.results = [_result_record(result) for result in whole.results]
    for said, result in zip(record.results, whole.results, strict=True):
        if _is_own(said, whole.task.attempt):
            record.result, said.data = _json(result.data), UNSET


def _json(text: str | None) -> Json:
    return Raw(b"null" if text is None else text.encode())


def _result_record(result: StoredResult) -> ResultRecord:
    record = ResultRecord(
        name=result.name,
        attempt=result.attempt,
        late=result.late,
        id=result.id,
        type=result.type,
        created_at=moment(result.created_at),
    )
    if result.data is not None:
        record.data = _json(result.data)
    if result.files != "[]":
        record.files = cast("Any", Raw(result.files.encode()))
    return record


def _shard_record(shard: Shard, results: dict[int, str]) -> ShardRecord:
    record = ShardRecord(
        index=shard.index,
        external_ref=shard.external_ref,
        queue=shard.queue,
        item_count=shard.item_count,
        item_offset=shard.item_offset,
        state=shard.state,
        reason=shard.reason,
        error=error_out(shard.error),
        created_at=moment(shard.created_at),
        updated_at=moment(shard.updated_at),
    )
    if shard.index in results:
        record.result = _json(results[shard.index])
    return record


def _attempt_record(attempt: StoredAttempt) -> AttemptRecord:
    return AttemptRecord(
        number=attempt.number,
        state=TaskState(attempt.state),
        reason=attempt.reason,
        progress=ProgressIn(attempt.percent, attempt.message),
        error=error_out(attempt.error),
        queued_at=when(attempt.queued_at),
        started_at=when(attempt.started_at),
        completed_at=when(attempt.completed_at),
    )


__all__ = ["RecordRefused", "command_of", "record_of"]


# Jobs.


def job_of(record: JobRecord, project: str, actor: str, now: Instant) -> Job:
    """The job of a record."""
    said = record.job
    created_at = _at(said.created_at, now)
    updated_at = _at(said.updated_at, created_at)
    creator = said.creator or actor
    return Job(
        project, said.id, said.name, said.parent_id, dict(said.labels), dict(said.metadata),
        creator, created_at, updated_at, said.version,
    )  # fmt: skip


def job_record_of(job: Job) -> JobRecord:
    """The record of a job."""
    return JobRecord(
        JobBody(
            id=job.id,
            name=job.name,
            parent_id=job.parent_id,
            labels=job.labels,
            metadata=job.metadata,
            creator=job.creator,
            created_at=moment(job.created_at),
            updated_at=moment(job.updated_at),
            version=job.version,
        )
    )
