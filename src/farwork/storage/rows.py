"""Between a task and its row."""

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from farwork.domain.shards import Shard, ShardTally
from farwork.domain.task import Task
from farwork.domain.values import (
    CancelStanding,
    Fault,
    OnInputFailure,
    Origin,
    Policy,
    SettledBy,
    TaskState,
)
from farwork.storage.json import encode_or_none, encode_text

# When a lease ends stands in its own row.
TASK_COLUMNS = tuple(f.name for f in fields(Task) if f.name != "lease_ends_at")
SHARD_COLUMNS = tuple(f.name for f in fields(Shard))

# What a change of progress touches: no column of an index but `updated_at`. SQLite rewrites every
# index that names a column it is told to set, changed or not.
PROGRESS_COLUMNS = (
    "reason",
    "reported_status",
    "percent",
    "message",
    "error",
    "origin",
    "queued_at",
    "started_at",
    "updated_at",
    "version",
    "has_result",
    "shards",
    "settled_by",
    "mark",
    "inputs_pending",
)
# What a change of state touches beyond: what says how it stands, not what it is.
MOVED_COLUMNS = (
    *PROGRESS_COLUMNS,
    "state",
    "completed_at",
    "attempt",
    "attempts_max",
    "attempt_opened_at",
    "not_before",
    "lease_seq",
    "worker",
    "cancel",
    "deadline_at",
    "lane",
)
_identity = attrgetter(*(name for name in TASK_COLUMNS if name not in MOVED_COLUMNS))
_rest = attrgetter(*(name for name in TASK_COLUMNS if name not in PROGRESS_COLUMNS))
_every = attrgetter(*TASK_COLUMNS)

_STATES = {str(state): state for state in TaskState}
_SETTLED = {str(by): by for by in SettledBy}
_fault = msgspec.json.Decoder(Fault)
_origin = msgspec.json.Decoder(Origin)
_tally = msgspec.json.Decoder(ShardTally)
_policy = msgspec.json.Decoder(Policy)
_labels = msgspec.json.Decoder(dict[str, str])
_inputs = msgspec.json.Decoder(tuple[str, ...])
_AT = {name: index for index, name in enumerate(TASK_COLUMNS)}
_STATE, _ERROR, _LABELS = _AT["state"], _AT["error"], _AT["labels"]
_INPUTS, _HOLD, _ORIGIN = _AT["inputs"], _AT["on_input_failure"], _AT["origin"]
_RESULT, _SHARDS, _SETTLER, _PINNED = (
    _AT["has_result"],
    _AT["shards"],
    _AT["settled_by"],
    _AT["pinned"],
)
_REQUIRES, _POLICY, _CANCEL = _AT["requires"], _AT["policy"], _AT["cancel"]
_PINS: dict[str, frozenset[str]] = {"": frozenset()}


def _pins(text: str) -> frozenset[str]:
    pins = _PINS.get(text)
    if pins is None:
        pins = _PINS[text] = frozenset(text.split(","))
    return pins


def fault_from(text: str | None) -> Fault | None:
    """The fault of its JSON text."""
    return None if text is None else _fault.decode(text)


@lru_cache
def policy_from(text: str) -> Policy:
    """The policy of its JSON text."""
    return _policy.decode(text)


@lru_cache
def _policy_text(policy: Policy) -> str:
    return encode_text(policy)


def task_from(row: Sequence[Any]) -> Task:
    """The task of a row that has `TASK_COLUMNS` in their order."""
    values = list(row)
    values[_STATE] = _STATES[values[_STATE]]
    values[_ERROR] = fault_from(values[_ERROR])
    text = values[_LABELS]
    values[_LABELS] = {} if text == "{}" else _labels.decode(text)
    text = values[_INPUTS]
    values[_INPUTS] = () if text == "[]" else _inputs.decode(text)
    values[_HOLD] = OnInputFailure(values[_HOLD])
    text = values[_ORIGIN]
    values[_ORIGIN] = None if text is None else _origin.decode(text)
    values[_RESULT] = bool(values[_RESULT])
    text = values[_SHARDS]
    values[_SHARDS] = None if text is None else _tally.decode(text)
    values[_SETTLER] = _SETTLED[values[_SETTLER]]
    values[_PINNED] = _pins(values[_PINNED])
    if values[_REQUIRES] is not None:
        values[_REQUIRES] = _labels.decode(values[_REQUIRES])
    else:
        values[_REQUIRES] = {}
    if values[_POLICY] is not None:
        values[_POLICY] = policy_from(values[_POLICY])
    if values[_CANCEL] is not None:
        values[_CANCEL] = CancelStanding(values[_CANCEL])
    return Task(*values)


def task_row(task: Task) -> tuple[Any, ...]:
    """The row of a task, in the order of `TASK_COLUMNS`."""
    values = list(_every(task))
    values[_STATE] = task.state.value
    values[_ERROR] = encode_or_none(task.error)
    values[_LABELS] = encode_text(task.labels) if task.labels else "{}"
    values[_INPUTS] = encode_text(task.inputs) if task.inputs else "[]"
    values[_HOLD] = task.on_input_failure.value
    values[_ORIGIN] = encode_or_none(task.origin)
    values[_RESULT] = int(task.has_result)
    values[_SHARDS] = encode_or_none(task.shards)
    values[_SETTLER] = task.settled_by.value
    values[_PINNED] = ",".join(sorted(task.pinned))
    values[_REQUIRES] = encode_text(task.requires) if task.requires else None
    values[_POLICY] = None if task.policy is None else _policy_text(task.policy)
    values[_CANCEL] = None if task.cancel is None else task.cancel.value
    return tuple(values)


def moved_row(task: Task) -> tuple[Any, ...]:
    """The values of `MOVED_COLUMNS`, then the key."""
    *progress, key = progress_row(task)
    return (
        *progress, task.state.value, task.completed_at, task.attempt, task.attempts_max,
        task.attempt_opened_at, task.not_before, task.lease_seq, task.worker,
        None if task.cancel is None else task.cancel.value, task.deadline_at, task.lane, key,
    )  # fmt: skip


def progress_row(task: Task) -> tuple[Any, ...]:
    """The values of `PROGRESS_COLUMNS`, then the key."""
    return (
        task.reason, task.reported_status, task.percent, task.message,
        None if task.error is None else encode_text(task.error),
        None if task.origin is None else encode_text(task.origin),
        task.queued_at, task.started_at, task.updated_at, task.version, int(task.has_result),
        None if task.shards is None else encode_text(task.shards),
        task.settled_by.value, task.mark, task.inputs_pending, task.pk,
    )  # fmt: skip


def only_progressed(before: Task, after: Task) -> bool:
    """Whether nothing but `PROGRESS_COLUMNS` changed."""
    return before.state is after.state and _rest(before) == _rest(after)


def only_moved(before: Task, after: Task) -> bool:
    """Whether nothing but `MOVED_COLUMNS` changed."""
    return _identity(before) == _identity(after)


def shard_from(row: Sequence[Any]) -> Shard:
    """The shard of a row that has `SHARD_COLUMNS` in their order."""
    shard = Shard(*row)
    shard.state = _STATES[shard.state]
    shard.error = fault_from(row[SHARD_COLUMNS.index("error")])
    shard.has_result = bool(shard.has_result)
    shard.field_marks = _labels.decode(row[SHARD_COLUMNS.index("field_marks")])
    return shard


def shard_row(shard: Shard) -> tuple[Any, ...]:
    """The row of a shard, in the order of `SHARD_COLUMNS`."""
    return (
        shard.index, shard.state.value, shard.reason, shard.external_ref, shard.queue,
        shard.item_count, shard.item_offset, encode_or_none(shard.error), int(shard.has_result),
        shard.created_at, shard.updated_at, shard.mark, encode_text(shard.field_marks),
    )  # fmt: skip
