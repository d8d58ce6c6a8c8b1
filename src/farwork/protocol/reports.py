"""Reports on the wire, and as the log keeps them."""

from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain import ids
from farwork.domain.marks import report_mark
from farwork.domain.reports import Report, ShardStatement
from farwork.domain.values import Fault, Instant, Origin, Result, TaskState, instant, moment
from farwork.protocol.depth import refuse_if_too_deep

Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ids.LENGTH_MAX,
        pattern=ids.PATTERN,
        description="1 to 255 printable characters, one of them visible; not `.` or `..`.",
        extra={"rule": ids.RULE},
    ),
]
ShortText = Annotated[str, Meta(max_length=255)]
Text = Annotated[str, Meta(max_length=10_000)]
Percent = Annotated[float, Meta(ge=0, le=100, description="Percent done, 0 to 100.")]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Labels = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=63)],
        Annotated[str, Meta(max_length=255)],
    ],
    Meta(max_length=64, description="Keys of up to 63 characters, values of up to 255."),
]


class ErrorIn(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Why something failed."""

    category: ShortText | None = None
    message: Text | None = None
    details: Any = None


class OriginIn(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The outside system that speaks."""

    source: ShortText | None = None
    instance: ShortText | None = None
    zone: ShortText | None = None
    version: ShortText | None = None


class ProgressIn(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """How far the task is."""

    percent: Percent | None = None
    message: Text | None = None


class ResultIn(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One output record."""

    name: Annotated[str, Meta(min_length=1, max_length=255)] = "result"
    type: ShortText | None = None
    data: Any = None
    files: list[dict[str, Any]] = []


class ShardIn(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What is said of one shard."""

    index: Offset
    state: TaskState | None = None
    reason: ShortText | None = None
    external_ref: ShortText | None = None
    queue: ShortText | None = None
    item_count: Count | None = None
    item_offset: Offset | None = None
    error: ErrorIn | None = None
    result: Any | UnsetType = UNSET


class ReportIn(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A statement about a task; whatever is left out is not said.

    `state` null says nothing about the state. `occurred_at` is when it happened (default: when it
    was received). A repeated report (same source and delivery id or, without an id, same content)
    is taken once.
    """

    task_id: Id
    source: ShortText | None = None
    delivery_id: ShortText | None = None
    occurred_at: datetime | None = None
    attempt: Count | None = None
    state: TaskState | None = None
    reason: ShortText | None = None
    reported_status: ShortText | None = None
    progress: ProgressIn | Percent | None = None
    message: Text | None = None
    error: ErrorIn | None = None
    metadata: dict[str, Any] | None = None
    result: Any | UnsetType = UNSET
    results: list[ResultIn] = []
    started_at: datetime | None = None
    completed_at: datetime | None = None
    kind: ShortText | None = None
    name: ShortText | None = None
    queue: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    labels: Labels | None = None
    external_ref: ShortText | None = None
    job_id: Id | None = None
    origin: OriginIn | None = None
    shard: ShardIn | None = None
    extra: dict[str, Any] | None = None
    note: Text | None = None


_encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(ReportIn)


def digest_of(content: bytes, source: str | None) -> str:
    """What tells reports of one instant apart: a hash of who said what."""
    return blake2b(content, digest_size=8, key=(source or "").encode()[:64]).hexdigest()


def dedup_of(said: ReportIn, source: str | None, digest: str) -> int:
    """The 64 bits by which a report is recognised when it comes again, within its task."""
    if said.delivery_id is None:
        return int(digest, 16) - (1 << 63)
    key = f"{source or ''}\0{said.delivery_id}".encode()
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big", signed=True)


def take_in(said: ReportIn, *, source: str | None, received_at: Instant) -> tuple[Report, bytes]:
    """The report of what was said, and the text that the log keeps of it.

    Results are kept beside the log. `source` stands in for one that the report does not name.
    Raises `NestedTooDeeply`.
    """
    content = _encoder.encode(said)
    refuse_if_too_deep(content)
    digest = digest_of(content, said.source or source)
    dedup = dedup_of(said, said.source or source, digest)
    as_said = said.occurred_at is not None and said.source is not None
    if said.occurred_at is None:
        said.occurred_at = moment(received_at)
    if said.source is None:
        said.source = source
    report = report_from(said, mark=None, digest=digest)
    report.dedup = dedup
    if said.result is UNSET and not said.results and said.shard is None and as_said:
        return report, content
    said.result, said.results = UNSET, []
    if said.shard is not None:
        said.shard.result = UNSET
    return report, _encoder.encode(said)


def report_from(said: ReportIn, *, mark: str | None, digest: str = "") -> Report:
    """The report of what was said; `mark` is known when it is read back from the log."""
    progress = said.progress
    message = said.message
    percent: float | None
    if isinstance(progress, ProgressIn):
        percent, message = progress.percent, message or progress.message
    else:
        percent = progress
    assert said.occurred_at is not None
    at = instant(said.occurred_at)
    return Report(
        task_id=said.task_id,
        occurred_at=at,
        mark=report_mark(at, said.state, percent, digest) if mark is None else mark,
        source=said.source,
        delivery_id=said.delivery_id,
        attempt=said.attempt,
        state=said.state,
        reason=said.reason,
        reported_status=said.reported_status,
        percent=percent,
        message=message,
        error=fault_from(said.error),
        metadata=said.metadata,
        results=_results(said),
        started_at=None if said.started_at is None else instant(said.started_at),
        completed_at=None if said.completed_at is None else instant(said.completed_at),
        kind=said.kind,
        name=said.name,
        queue=said.queue,
        labels=said.labels,
        external_ref=said.external_ref,
        job_id=said.job_id,
        origin=origin_from(said.origin),
        shard=None if said.shard is None else _shard(said.shard),
        note=said.note,
        extra=said.extra,
    )


def fault_from(said: ErrorIn | None) -> Fault | None:
    """The fault of an error on the wire."""
    return None if said is None else Fault(said.category, said.message, said.details)


def origin_from(said: OriginIn | None) -> Origin | None:
    """The origin of one on the wire."""
    return None if said is None else Origin(said.source, said.instance, said.zone, said.version)


def result_from(said: ResultIn) -> Result:
    """The result of one on the wire."""
    return Result(said.name, said.type, said.data, said.files)


def _results(said: ReportIn) -> list[Result]:
    results = [result_from(result) for result in said.results]
    if said.result is not UNSET:
        results.insert(0, Result(data=said.result))
    return results


def _shard(said: ShardIn) -> ShardStatement:
    has_result = said.result is not UNSET
    return ShardStatement(
        index=said.index,
        state=said.state,
        reason=said.reason,
        external_ref=said.external_ref,
        queue=said.queue,
        item_count=said.item_count,
        item_offset=said.item_offset,
        error=fault_from(said.error),
        result=said.result if has_result else None,
        has_result=has_result,
    )
