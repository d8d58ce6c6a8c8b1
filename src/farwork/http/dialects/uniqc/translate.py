"""Between our tasks and the gateway's; pure, both ways."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, cast

from farwork.domain.commands import Details
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, TaskState, moment
from farwork.http.dialects.uniqc import wire
from farwork.service.listings import ResultRow, Selection

EXTENSION = "uniqc"
"""Where a task keeps what only this dialect knows of it."""

_STATUS: dict[TaskState, wire.Status] = {
    TaskState.CREATED: "pending",
    TaskState.BLOCKED: "pending",
    TaskState.QUEUED: "pending",
    TaskState.RUNNING: "running",
    TaskState.SUCCEEDED: "success",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}
_NOTHING = ""
"""The state of no task: what selects nothing."""

_SECRET = re.compile(rf"(?:^|[-_])(?:{'|'.join(wire.SECRET_WORDS)})(?:$|[-_])")


# From them to us.


def selection_of(status: str | None, backend: str | None, *, archived: bool) -> Selection:
    """Which tasks a list's filters mean; a status that is not one of the gateway's means none."""
    states: tuple[str, ...] = ()
    if status is not None:
        states = tuple(s.value for s, word in _STATUS.items() if word == status) or (_NOTHING,)
    if backend is not None and not is_storable(backend):
        return Selection(archived, (_NOTHING,))
    return Selection(archived, states, backend)


def is_storable(text: str) -> bool:
    """Whether a record could have this text: nothing keeps a NUL, or half of a character."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


# From us to them.


def row_from(task: Task, details: Details) -> wire.Row:
    """A task in a list."""
    return wire.Row(has_result=_has_result(task), **_shared(task, details))


def _has_result(task: Task) -> bool:
    """Whether the full record shows a result: the task's own, or that of its shards together."""
    shards = task.shards
    together = shards is not None and shards.with_result > 0
    return task.has_result or (together and task.state is TaskState.SUCCEEDED)


def full_from(task: Task, details: Details, result: ResultRow | None) -> wire.Full:
    """A task by itself."""
    return wire.Full(result=redacted(_data(result)), **_shared(task, details))


def _shared(task: Task, details: Details) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "backend": task.queue,
        "status": _STATUS[task.state],
        "shots": _shots(details),
        "submit_time": time_from(task.created_at),
        "update_time": time_from(task.updated_at),
        "metadata": redacted(details.metadata),
        "archived_at": None if task.archived_at is None else time_from(task.archived_at),
        "error_message": None if task.error is None else task.error.message,
        "shard_count": 0 if task.shards is None else task.shards.total,
        "progress": task.percent,
    }


def _shots(details: Details) -> int:
    own: Json = details.extensions.get(EXTENSION)
    shots: Json = cast("dict[str, Json]", own).get("shots") if isinstance(own, dict) else None
    return shots if isinstance(shots, int) and not isinstance(shots, bool) else wire.SHOTS


def _data(result: ResultRow | None) -> Json:
    """What a result holds; one of files alone is shown by its files."""
    if result is None:
        return None
    if result.data is None and result.files:
        return {"files": result.files}
    return result.data


def time_from(at: Instant) -> str:
    """A time as the gateway writes it: UTC, microseconds, `+00:00`."""
    return moment(at).isoformat(timespec="microseconds")


def shard_from(task: Task, shard: Shard) -> wire.Shard:
    """One job on the platform."""
    return wire.Shard(
        uniqc_task_id=task.id,
        shard_index=shard.index,
        platform_task_id=shard.external_ref or "",
        backend=shard.queue or task.queue,
        circuit_count=shard.item_count,
        sub_index_offset=shard.item_offset,
        status=_STATUS[shard.state],
        error_message=None if shard.error is None else shard.error.message,
        submit_time=time_from(shard.created_at),
        update_time=time_from(shard.updated_at),
    )


def shards_from(task: Task, shards: Iterable[Shard]) -> wire.Shards:
    """The shards of a task."""
    shown = [shard_from(task, shard) for shard in shards]
    return wire.Shards(task.id, len(shown), shown)


def counts_from(states: Mapping[str, int]) -> wire.Counts:
    """How many tasks have each status."""
    counts = _by_status(states)
    return wire.Counts(**counts, total=sum(counts.values()))


def _by_status(states: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(wire.STATUSES, 0)
    for state, count in states.items():
        counts[_STATUS[TaskState(state)]] += count
    return counts


def event_from(task_id: str, state: TaskState) -> wire.Event:
    """The frame that tells of a task's state."""
    return wire.Event("task:updated", wire.Moved(task_id, _STATUS[state]))


def redacted(value: Json) -> Json:
    """The value with all blanked that is kept under a name of secrets. Changes `value` itself."""
    for members in _objects(value):
        for key, member in members.items():
            if member and _SECRET.search(key.lower()):
                members[key] = wire.REDACTED
    return value


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    """Every object in a value, the outer before the inner."""
    waiting: list[Json] = [value]
    while waiting:
        inside = waiting.pop()
        if isinstance(inside, dict):
            members = cast("dict[str, Json]", inside)
            yield members
            waiting.extend(members.values())
        elif isinstance(inside, list):
            waiting.extend(cast("list[Json]", inside))


# Backends are our queues: we know how many tasks wait there, and nothing of the machine behind.


def backend_from(queue: str, states: Mapping[str, int]) -> wire.Backend:
    """A queue as a backend."""
    counts = _by_status(states)
    platform, name = _named(queue)
    return wire.Backend(
        id=queue,
        name=name,
        platform=platform,
        num_qubits=0,
        status="unknown",
        status_kind="unknown",
        available=False,
        cache_stale=False,
        is_simulator=False,
        is_hardware=False,
        topology=wire.Topology([], [], has_connectivity=False),
        fidelity=wire.Fidelity(),
        coherence=wire.Coherence(),
        queue_size=counts["pending"],
        supported_gates=[],
        calibration=wire.Calibration(
            available=False,
            calibrated_at=None,
            cache_age_seconds=None,
            cache_stale=None,
            source="none",
        ),
        description="A queue of this server. Nothing is known of the machine behind it.",
        extra={"tasks": counts},
    )


def _named(queue: str) -> tuple[str, str]:
    """Platform and name of `platform:chip`; a queue without a colon is its own platform."""
    platform, colon, name = queue.partition(":")
    return (platform, name) if colon and platform and name else (queue, queue)


def by_platform(backends: Iterable[wire.Backend]) -> dict[str, list[wire.Backend]]:
    """The backends of each platform."""
    found: dict[str, list[wire.Backend]] = {}
    for backend in backends:
        found.setdefault(backend.platform, []).append(backend)
    return found


def refreshed_from(backends: Iterable[wire.Backend], platform: str | None) -> wire.Refreshed:
    """How many backends are known, of one platform or of each."""
    known = by_platform(backends)
    updated = {name: len(of) for name, of in known.items() if platform in (None, name)}
    return wire.Refreshed(updated, [], sum(updated.values()))


# Circuits are shown as the text they are kept as; drawing them is another program's business.

_FALLBACKS: dict[wire.CircuitFormat, tuple[wire.CircuitFormat, ...]] = {
    "source": ("source",),
    "compiled": ("compiled", "source"),
    "executed": ("executed", "compiled", "source"),
}
CIRCUITS_MAX = 20
"""So many circuits of a batch are shown."""


def circuit_page(task_id: str, details: Details, result: Json, wanted: wire.CircuitFormat) -> str:
    """A box with the task's circuit, or with why there is none."""
    for kind in _FALLBACKS[wanted]:
        text = _circuit(details.metadata, kind) or _circuit(result, kind)
        if text is not None:
            note = "" if kind == wanted else f"No {wanted} circuit is kept; this is the {kind} one."
            return _box(task_id, wanted, note, [text])
    batch: Json = details.metadata.get("circuits")
    given = cast("list[Json]", batch) if isinstance(batch, list) else []
    texts = [text for text in given if isinstance(text, str)]
    if texts:
        shown = texts[:CIRCUITS_MAX]
        note = f"{len(shown)} of the batch's {len(texts)} circuits."
        return _box(task_id, wanted, note, shown)
    return _box(task_id, wanted, "No circuit is kept with this task.", [])


def _circuit(value: Json, kind: wire.CircuitFormat) -> str | None:
    """The text under the likeliest of the known keys, at any depth."""
    found: dict[str, str] = {}
    for members in _objects(value):
        for key, member in members.items():
            if isinstance(member, str) and member.strip():
                found.setdefault(key, member)
    return next((found[key] for key in wire.CIRCUIT_KEYS[kind] if key in found), None)


def _box(task_id: str, wanted: str, note: str, texts: list[str]) -> str:
    title = f"<strong>Task {escape(task_id)}, {wanted} circuit</strong>"
    said = f"<p>{escape(note)}</p>" if note else ""
    shown = "".join(f'<pre style="white-space:pre-wrap">{escape(text)}</pre>' for text in texts)
    return f'<div style="font-family:sans-serif;padding:1em">{title}{said}{shown}</div>'
