"""From the domain to the wire."""

from datetime import datetime
from typing import Any

from farwork.domain.commands import Details
from farwork.domain.policy import policy_of
from farwork.domain.task import Task
from farwork.domain.values import Fault, Instant, Origin, moment
from farwork.protocol.policies import LimitsIn, limits_out
from farwork.protocol.reports import ErrorIn, OriginIn
from farwork.protocol.tasks import Lease, Progress, ShardCounts, TaskOut, TaskSummary

NO_LIMITS = LimitsIn()


def when(at: Instant | None) -> datetime | None:
    """The moment of an instant that may be unknown."""
    return None if at is None else moment(at)


def error_out(fault: Fault | None) -> ErrorIn | None:
    """An error on the wire."""
    return None if fault is None else ErrorIn(fault.category, fault.message, fault.details)


def origin_out(origin: Origin | None) -> OriginIn | None:
    """An origin on the wire."""
    if origin is None:
        return None
    return OriginIn(origin.source, origin.instance, origin.zone, origin.version)


def _shards(task: Task) -> ShardCounts | None:
    tally = task.shards
    if tally is None:
        return None
    return ShardCounts(
        tally.total,
        tally.open,
        tally.succeeded,
        tally.failed,
        tally.cancelled,
        tally.items,
        tally.items_succeeded,
        policy_of(task).shards_needed,
    )


def _lease(task: Task) -> Lease | None:
    if task.worker is None:
        return None
    return Lease(task.lease_seq, task.worker, when(task.lease_ends_at))


def summary(task: Task) -> TaskSummary:
    """A task as lists show it."""
    return TaskSummary(**_fields(task))


def whole(task: Task, details: Details) -> TaskOut:
    """A task with its wide part."""
    return TaskOut(
        **_fields(task),
        params=details.params,
        metadata=details.metadata,
        extensions=details.extensions,
    )


def _fields(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "project": task.project,
        "kind": task.kind,
        "name": task.name,
        "queue": task.queue,
        "state": task.state,
        "reason": task.reason,
        "reported_status": task.reported_status,
        "progress": Progress(task.percent, task.message),
        "priority": task.priority,
        "labels": task.labels,
        "error": error_out(task.error),
        "external_ref": task.external_ref,
        "job_id": task.job_id,
        "inputs": task.inputs,
        "on_input_failure": task.on_input_failure,
        "attempt": task.attempt,
        "attempts_max": task.attempts_max,
        "creator": task.creator,
        "origin": origin_out(task.origin),
        "lease": _lease(task),
        "limits": NO_LIMITS if task.policy is None else limits_out(task.policy.limits),
        "requires": task.requires,
        "not_before": when(task.not_before),
        "cancel": task.cancel,
        "legal_hold": task.legal_hold,
        "created_at": moment(task.created_at),
        "queued_at": when(task.queued_at),
        "started_at": when(task.started_at),
        "completed_at": when(task.completed_at),
        "updated_at": moment(task.updated_at),
        "archived_at": when(task.archived_at),
        "version": task.version,
        "has_result": task.has_result,
        "items_total": task.items_total,
        "shards": _shards(task),
    }
