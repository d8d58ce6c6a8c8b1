"""Whether every task is what its log says: the tables beside a fold of the events.

All is read once, in the order of the tasks' keys, table beside table. Of tasks and what hangs on
them no more is held than one task's own.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Table, and_, select

from farwork.domain.events import EventType
from farwork.domain.facts import Fact, Opened, Retried
from farwork.domain.fold import refold
from farwork.domain.metadata import change, merge
from farwork.domain.reports import Report
from farwork.domain.shard_fold import refold_shards
from farwork.domain.shards import Shard
from farwork.domain.task import IDENTITY_FIELDS, Task
from farwork.domain.values import Json, OnInputFailure, TaskState
from farwork.storage import tables as t
from farwork.storage.facts import fact_of
from farwork.storage.json import decode_text
from farwork.storage.rows import SHARD_COLUMNS, TASK_COLUMNS, shard_from, task_from

ROWS_AT_ONCE = 100
_END = 2**63
_OPENINGS = {EventType.TASK_CREATED, EventType.TASK_REGISTERED, EventType.TASK_IMPORTED}
_COMPARED = tuple(f.name for f in fields(Task) if f.name != "lease_ends_at")
_e, _t = t.events.c, t.tasks.c
_EVENTS = select(
    _e.task_pk, _e.position, _e.project, _e.type, _e.at, _e.attempt, _e.before, _e.after,
    _e.version, _e.mark, _e.fact, _e.data,
)  # fmt: skip


class _Parts:
    """The rows of a table that hang on tasks, task by task; strays hang on none."""

    def __init__(self, name: str, rows: Iterator[Any]) -> None:
        self.name = name
        self.strays = 0
        self._rows = rows
        self._next: Any = next(self._rows, None)

    def of(self, key: int) -> list[Any]:
        """The rows of a task; keys are asked for in their order."""
        found: list[Any] = []
        while self._next is not None and self._next[0] <= key:
            if self._next[0] == key:
                found.append(self._next)
            else:
                self.strays += 1
            self._next = next(self._rows, None)
        return found


@contextmanager
def stream(
    connection: Connection, statement: Any, rows_at_once: int = ROWS_AT_ONCE
) -> Generator[Iterator[Any]]:
    """The rows of a statement, of which so many are held at a time."""
    with connection.execute(statement, execution_options={"yield_per": rows_at_once}) as result:
        yield iter(result)


def unlike_their_logs(connection: Connection) -> Iterator[str]:
    """Every difference between a task and its log, in words.

    The transaction must see one state of the database until the end.
    """
    columns = [t.tasks.c[name] for name in TASK_COLUMNS]
    with ExitStack() as open_:
        beside = {
            name: _Parts(name, open_.enter_context(stream(connection, statement)))
            for name, statement in _statements().items()
        }
        for row in open_.enter_context(stream(connection, select(*columns).order_by(_t.pk))):
            parts = {name: rows.of(row.pk) for name, rows in beside.items()}
            for found in _differences(row, parts):
                yield f"task {row.id!r} of project {row.project!r}: {found}"
        for rows in beside.values():
            rows.of(_END)
            if rows.strays:
                yield f"{rows.strays} rows of {rows.name} belong to no task"


def _differences(row: Any, parts: dict[str, list[Any]]) -> Iterator[str]:
    """What does not agree about one task; what cannot be read at all stops no other's check."""
    try:
        yield from _Beside(task_from(row), parts).differences()
    except Exception as error:  # noqa: BLE001 - all is in memory here: only the data can be wrong
        yield f"it cannot be read: {type(error).__name__}: {error}"


def _statements() -> dict[str, Any]:
    """What hangs on tasks, by table, in the order of the tasks' keys."""
    events = _EVENTS.where(_e.task_pk.is_not(None)).order_by(_e.task_pk, _e.position)
    return {
        "events": events,
        "shards": _of(t.shards, *SHARD_COLUMNS),
        "attempts": _of(t.attempts, "number", "state"),
        "labels": _of(t.labels, "key", "value"),
        "leases": _of(t.leases, "lease_seq", "worker"),
        "results": _of(t.results, "attempt", "late_mark"),
        "details": _of(t.details, "metadata", "metadata_marks"),
        "edges": _edges(),
        "shard_results": _of(t.shard_results, "index"),
        "slots": _of(t.slots, "slot"),
        "submissions": _of(t.submissions, "key"),
    }


def _of(table: Table, *names: str) -> Any:
    columns = [table.c[name] for name in ("task_pk", *names)]
    return select(*columns).order_by(columns[0])


def _edges() -> Any:
    """What tasks wait for, with the state of what there is of it."""
    e, inputs = t.edges.c, t.tasks.alias("inputs")
    met = and_(inputs.c.project == e.project, inputs.c.id == e.input_id)
    joined = t.edges.outerjoin(inputs, met)
    return select(e.task_pk, e.input_id, inputs.c.state).select_from(joined).order_by(e.task_pk)


@dataclass(slots=True)
class _Beside:
    """A task, and beside it all that hangs on it, by table."""

    task: Task
    parts: dict[str, list[Any]]

    def differences(self) -> Iterator[str]:
        """What does not agree."""
        events = self._since_opened()
        if not events:
            yield "its log does not say how it began"
            return
        facts = [fact_of(e.type, e.mark, e.fact) for e in events if e.fact is not None]
        yield from self._gaps()
        yield from self._told(events)
        yield from self._fold(facts)
        yield from self._changes(facts[0], events)
        yield from self._shelf(events)
        yield from self._metadata(events)
        yield from self._attempts(events)
        yield from self._hold()
        yield from self._waiting()
        yield from self._rest()

    def _since_opened(self) -> Sequence[Any]:
        events = self.parts["events"]
        begun = [at for at, e in enumerate(events) if e.type in _OPENINGS]
        return events[begun[-1] :] if begun else []

    def _gaps(self) -> Iterator[str]:
        """Each change that readers see has a version, and each version its event."""
        versions = {event.version for event in self.parts["events"]}
        first = max(1, min(versions))
        missing = set(range(first + 1, self.task.version + 1)) - versions
        if missing:
            yield f"no event tells of version {min(missing)} ({len(missing)} in all)"
        if max(versions) > self.task.version:
            yield f"it has version {self.task.version}, its log goes to {max(versions)}"

    def _told(self, events: Sequence[Any]) -> Iterator[str]:
        """Readers of the feed hear of it in its project, and of each step between states."""
        strange = {event.project for event in self.parts["events"]} - {self.task.project}
        if strange:
            yield f"events of it are told to project {', '.join(map(repr, sorted(strange)))}"
        state: str | None = None
        for event in events:
            if event.after is not None:
                if state is not None and event.before != state:
                    yield f"event {event.position} says it was {event.before!r}, not {state!r}"
                state = event.after
        if state != self.task.state:
            yield f"its state is {self.task.state.value!r}, readers were last told {state!r}"

    def _fold(self, facts: list[Fact]) -> Iterator[str]:
        task, kept = self.task, self._shards()
        folded = task.draft()
        shards, folded.shards = refold_shards(facts, kept, now=task.updated_at)
        refold(folded, facts)
        opening = facts[0]
        assert isinstance(opening, Opened)
        folded.attempt = opening.attempt + sum(isinstance(fact, Retried) for fact in facts)
        for name in _COMPARED:
            has, says = getattr(task, name), getattr(folded, name)
            if has != says:
                yield f"its {name} is {has!r}, its log says {says!r}"
        for index in sorted(kept.keys() | shards.keys()):
            if kept.get(index) != shards.get(index):
                yield f"its shard {index} is not what its log says"

    def _shards(self) -> dict[int, Shard]:
        rows = [row[1:] for row in self.parts["shards"]]
        return {shard.index: shard for shard in map(shard_from, rows)}

    def _changes(self, opening: Fact, events: Sequence[Any]) -> Iterator[str]:
        """What reports do not change stands as it was given, or as operators left it."""
        changed: dict[str, Any] = {name: getattr(opening, name) for name in self.task.pinned}
        for event in events:
            if event.type == EventType.TASK_CHANGED:
                changed |= _said(event)
        for name, said in changed.items():
            stays = name in IDENTITY_FIELDS or name in ("priority", "items_total")
            if stays and getattr(self.task, name) != said:
                yield f"its {name} is {getattr(self.task, name)!r}, it was set to {said!r}"

    def _shelf(self, events: Sequence[Any]) -> Iterator[str]:
        moves = (EventType.TASK_ARCHIVED, EventType.TASK_RESTORED)
        moved = [event for event in events if event.type in moves]
        if moved:
            last = moved[-1]
            at = last.at if last.type == EventType.TASK_ARCHIVED else None
            if self.task.archived_at != at:
                yield f"its log says that it was put away at {at}, not {self.task.archived_at}"

    def _metadata(self, events: Sequence[Any]) -> Iterator[str]:
        rows = self.parts["details"]
        if len(rows) != 1:
            yield f"it has {len(rows)} rows of details"
            return
        values: dict[str, Json] = {}
        marks: dict[str, str] = {}
        for event in events:
            if event.type == EventType.TASK_CHANGED:
                change(values, marks, _said(event).get("metadata") or {}, event.at)
            elif event.type == EventType.TASK_REPORTED and event.fact is not None:
                said = fact_of(event.type, event.mark, event.fact)
                assert isinstance(said, Report)
                merge(values, marks, said.metadata or {}, said.mark)
        kept = decode_text(rows[0].metadata)
        if decode_text(rows[0].metadata_marks) != marks:
            yield "its metadata is not marked as its log says"
        wrong = [key for key in marks if kept.get(key) != values.get(key)]
        if wrong:
            yield f"its metadata {', '.join(sorted(wrong))} is not what its log says"

    def _attempts(self, events: Sequence[Any]) -> Iterator[str]:
        kept = {row.number: row.state for row in self.parts["attempts"]}
        again = (EventType.TASK_RETRIED, EventType.TASK_HANDED_BACK)
        for event in events:
            if event.type in again and kept.get(event.attempt - 1) != event.before:
                yield f"attempt {event.attempt - 1} is not kept as it ended"

    def _hold(self) -> Iterator[str]:
        held = [(row.lease_seq, row.worker) for row in self.parts["leases"]]
        task = self.task
        if held != ([] if task.worker is None else [(task.lease_seq, task.worker)]):
            yield f"it is held by {task.worker!r} under {task.lease_seq}, its lease is {held}"
        if self.parts["slots"] and not held:
            yield "it counts against limits although nobody holds it"

    def _waiting(self) -> Iterator[str]:
        task, rows = self.task, self.parts["edges"]
        if not {row.input_id for row in rows} <= set(task.inputs):
            yield "it waits for what is no input of it"
        open_ = sum(not self._is_met(row.state) for row in rows)
        if open_ != task.inputs_pending:
            yield f"it counts {task.inputs_pending} open inputs, there are {open_}"

    def _is_met(self, state: str | None) -> bool:
        ended: bool | None = False
        if state is not None:
            ended = state == TaskState.SUCCEEDED if TaskState(state).is_final else None
        return bool(ended) or (ended is False and self.task.on_input_failure is OnInputFailure.RUN)

    def _rest(self) -> Iterator[str]:
        task = self.task
        labels = {row.key: row.value for row in self.parts["labels"]}
        if labels != task.labels:
            yield f"it is found under the labels {labels}, and has {task.labels}"
        own = any(
            row.attempt == task.attempt and not row.late_mark for row in self.parts["results"]
        )
        if task.has_result and not own:
            yield "its result is not there"
        kept = {row[1] for row in self.parts["shards"] if row.has_result}
        if not {row[1] for row in self.parts["shard_results"]} <= kept:
            yield "a shard's result belongs to none"


def _said(event: Any) -> dict[str, Json]:
    """What an operator changed."""
    data: dict[str, Any] = decode_text(event.data or "{}")
    changes: dict[str, Json] = data.get("changes") or {}
    return changes
