"""The writing half of a transaction: what a batch decided, into the tables.

Counters, the feed's head and the events come last, under the feed lock: positions are given out in
commit order, so that a reader of the feed never passes over a transaction that commits late.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from farwork.clock import uuid7
from farwork.domain.commands import ChangeTask, Details, ReportTask
from farwork.domain.decision import Decision, ResultRecord
from farwork.domain.events import Event
from farwork.domain.marks import command_mark
from farwork.domain.metadata import change as change_metadata
from farwork.domain.metadata import merge
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json
from farwork.storage import callbacks
from farwork.storage.batch import Decided, Step
from farwork.storage.engine import FEED_CHANNEL, FEED_LOCK, list_parameter
from farwork.storage.facts import fact_text
from farwork.storage.flush_leases import Leases
from farwork.storage.json import decode_text, encode_or_none, encode_text
from farwork.storage.memory import METADATA_CHARS_MAX, Memory, Notes
from farwork.storage.rows import (
    TASK_COLUMNS,
    moved_row,
    only_moved,
    only_progressed,
    progress_row,
    shard_row,
    task_row,
)
from farwork.storage.statements import Statements
from farwork.storage.transactions import XACT
from farwork.storage.writes import Outcome

# The answer to a request with an Idempotency-Key is given again for a day.
PROMISES_KEPT_US = 24 * 3_600 * 1_000_000
# A task's key, project and id never change.
_CHANGING = [i for i, name in enumerate(TASK_COLUMNS) if name not in ("pk", "project", "id")]


class Flush:
    """Writes what was decided."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        now: Instant,
        memory: Memory | None = None,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._now = now
        self._memory = memory or Memory()
        self._forgotten = 0
        self.notes: dict[int, Notes | None] = {}
        """The metadata that was written, by task key; None: it is not to be remembered."""

    def write(self, decided: Decided) -> int | None:
        """Write everything; returns the feed's head, None when nothing happened."""
        if not decided.steps and not decided.promises and not decided.renewals:
            return None
        alive = {task.pk for task in decided.tasks.values() if task is not None}
        self._tasks(decided)
        self._parts(decided, alive)
        self._detail(decided.claimed)
        self._jobs(decided)
        Leases(self._connection, self._statements).write(decided)
        callbacks.keep(self._connection, decided.steps, self._now)
        lock_feed(self._connection, self._statements)
        self._count(decided)
        self._statements.forget(self._connection, self._forgotten)
        head = self._log(decided, alive)
        self._keep_promises(decided)
        return head

    # --- tasks ---

    def _tasks(self, decided: Decided) -> None:
        run, connection = self._statements, self._connection
        sorted_ = _sort(decided)
        created, deleted = sorted_.created, sorted_.deleted
        if run.postgres:
            # Two processes that insert the same new tasks wait for each other in one order.
            created.sort(key=lambda task: (task.project, task.id))
        if deleted:
            run.clear_parts(connection, deleted)
            keys = list_parameter(sorted(deleted), postgres=run.postgres)
            self._forgotten = run.delete_events.count(connection, (keys,))
            run.delete_tasks.many(connection, [(key,) for key in deleted])
        run.insert_tasks.many(connection, [task_row(task) for task in created])
        run.update_tasks.many(connection, [_changed_row(task) for task in sorted_.changed])
        run.move_tasks.many(connection, [moved_row(task) for task in sorted_.moved])
        run.progress_tasks.many(connection, [progress_row(task) for task in sorted_.progressed])

    # --- what hangs on tasks ---

    def _parts(self, decided: Decided, alive: set[int]) -> None:
        run, connection = self._statements, self._connection
        living = [(step, step.decision.task) for step in decided.steps]
        steps = [(step, task) for step, task in living if task is not None and task.pk in alive]
        replaced = {
            task.pk: place for place, (step, task) in enumerate(steps) if step.decision.replaces
        }
        if replaced:
            run.clear_parts(connection, list(replaced))
            # What came before a task was replaced is replaced too.
            steps = [one for at, one in enumerate(steps) if at >= replaced.get(one[1].pk, 0)]
        self._details(steps)
        run.upsert_results.many(connection, [r for s, t in steps for r in self._result_rows(s, t)])
        run.upsert_shards.many(
            connection, [(t.pk, *shard_row(shard)) for s, t in steps for shard in s.decision.shards]
        )
        run.upsert_shard_results.many(
            connection,
            [
                (t.pk, index, rank, encode_text(data))
                for s, t in steps
                for index, (data, rank) in s.decision.shard_results.items()
            ],
        )
        run.insert_attempts.many(
            connection,
            [_attempt_row(t.pk, closed.task) for s, t in steps for closed in s.decision.closed],
        )
        self._edges(decided)
        self._labels(decided, replaced.keys())

    def _edges(self, decided: Decided) -> None:
        run, connection = self._statements, self._connection
        run.delete_waits.many(connection, sorted(decided.waits.dropped))
        rows: list[tuple[str, str, int]] = []
        for (project, input_id), ids in decided.waits.added.items():
            for id_ in ids:
                task = decided.tasks[project, id_]
                if task is not None and input_id in task.inputs:
                    rows.append((project, input_id, task.pk))
        run.insert_edges.many(connection, rows)

    def _labels(self, decided: Decided, replaced: Collection[int]) -> None:
        stale: list[tuple[int]] = []
        rows: list[tuple[Any, ...]] = []
        for name, after in decided.tasks.items():
            before = decided.originals[name]
            if after is None or after is before:
                continue
            if before is not None and before.pk == after.pk and after.pk not in replaced:
                if before.labels == after.labels:
                    continue
                stale.append((after.pk,))
            for key, value in after.labels.items():
                rows.append((after.project, key, value, after.created_at, after.pk))
        self._statements.delete_labels.many(self._connection, stale)
        self._statements.insert_labels.many(self._connection, rows)

    def _details(self, steps: list[tuple[Step, Task]]) -> None:
        """Write the wide rows: those of new tasks as given, others merged with what was said."""
        said = [(step, task) for step, task in steps if _speaks_of_details(step.decision)]
        whole = {task.pk for step, task in said if not _speaks_of_metadata_only(step.decision)}
        self._write_whole([(step, task) for step, task in said if task.pk in whole])
        self._merge_metadata([(step, task) for step, task in said if task.pk not in whole])

    def _merge_metadata(self, said: list[tuple[Step, Task]]) -> None:
        """Merge what was said into the metadata, and leave the rest of the row alone."""
        merged: dict[int, Notes] = {}
        for _, task in said:
            known = self._memory.notes(task.pk)
            if known is not None:
                merged[task.pk] = Notes(dict(known.values), dict(known.marks))
        unread = {task.pk for _, task in said} - merged.keys()
        if unread:
            wanted = list_parameter(sorted(unread), postgres=self._statements.postgres)
            rows = self._statements.select_metadata.all(self._connection, (wanted,))
            for key, values, marks in rows:
                merged[key] = Notes(decode_text(values), decode_text(marks))
        for step, task in said:
            assert step.decision.metadata is not None
            values, mark = step.decision.metadata
            notes = merged[task.pk]
            merge(notes.values, notes.marks, values, mark)
        updates: list[tuple[str, str, int]] = []
        for key, notes in sorted(merged.items()):
            text = encode_text(notes.values)
            updates.append((text, encode_text(notes.marks), key))
            self.notes[key] = notes if len(text) <= METADATA_CHARS_MAX else None
        self._statements.update_metadata.many(self._connection, updates)

    def _write_whole(self, said: list[tuple[Step, Task]]) -> None:
        rows: dict[int, tuple[Details, dict[str, str]]] = {}
        new: set[int] = set()
        for step, task in said:
            if step.decision.details is not None:
                given = step.decision.details
                metadata = dict(given.metadata)
                copy = Details(given.params, metadata, given.extensions, given.trace)
                rows[task.pk] = (copy, {})
                new.add(task.pk)
        self._load_details(rows, [task.pk for _, task in said if task.pk not in rows])
        for step, task in said:
            details, marks = rows[task.pk]
            if step.decision.metadata is not None:
                values, mark = step.decision.metadata
                merge(details.metadata, marks, values, mark)
            if step.decision.change is not None:
                _change(details, marks, step.decision.change, task.updated_at)
        self.notes.update(dict.fromkeys(rows))
        run = self._statements
        run.insert_details.many(
            self._connection,
            [(key, *_detail_values(*rows[key]), rows[key][0].trace) for key in sorted(new)],
        )
        run.update_details.many(
            self._connection,
            [(*_detail_values(*rows[key]), key) for key in sorted(rows.keys() - new)],
        )

    def _load_details(
        self, rows: dict[int, tuple[Details, dict[str, str]]], keys: list[int]
    ) -> None:
        if not keys:
            return
        wanted = list_parameter(sorted(set(keys)), postgres=self._statements.postgres)
        found = self._statements.select_details.all(self._connection, (wanted,))
        for key, params, metadata, marks, extensions, trace in found:
            parts = (decode_text(params), decode_text(metadata), decode_text(extensions))
            rows[key] = (Details(*parts, trace), decode_text(marks))

    def _detail(self, claimed: list[Outcome]) -> None:
        """Give claimed tasks their wide parts, with all that this batch has said of them."""
        rows: dict[int, tuple[Details, dict[str, str]]] = {}
        tasks = [(outcome, outcome.task.pk) for outcome in claimed if outcome.task is not None]
        self._load_details(rows, [key for _, key in tasks])
        for outcome, key in tasks:
            # One that was deleted within this batch has none any more.
            if key in rows:
                outcome.details = rows[key][0]

    def _result_rows(self, step: Step, task: Task) -> list[tuple[Any, ...]]:
        records = list(step.decision.results)
        adopted = step.decision.adopted
        if adopted is not None:
            rank = f"2{command_mark(task.updated_at)}"
            records += [
                ResultRecord(task.attempt, rank, late=False, result=result)
                for result in adopted.report.results
            ]
        return [
            (
                task.pk,
                record.attempt,
                record.result.name,
                record.rank[1:] if record.late else "",
                record.rank,
                record.id or uuid7(self._now),
                record.result.type,
                encode_or_none(record.result.data),
                encode_text(record.result.files),
                self._now if record.created_at is None else record.created_at,
            )
            for record in records
        ]

    def _jobs(self, decided: Decided) -> None:
        """A job comes into being with its first task."""
        rows: dict[tuple[str, str], tuple[Any, ...]] = {}
        for name, after in decided.tasks.items():
            before = decided.originals[name]
            if after is None or after.job_id is None:
                continue
            if before is None or before.job_id != after.job_id:
                key = (after.project, after.job_id)
                rows[key] = (*key, None, None, "{}", "{}", after.creator, self._now, self._now, 1)
        self._statements.insert_jobs.many(self._connection, [rows[key] for key in sorted(rows)])

    def _keep_promises(self, decided: Decided) -> None:
        """Write the answers that may be asked for again. They name events, so those go first."""
        rows: list[tuple[Any, ...]] = []
        for promise in decided.promises:
            asked, answer = promise.write.idempotency, promise.answer
            assert asked is not None
            answer.status, answer.body = asked.render(promise.outcomes)
            key = (promise.write.project, asked.key, asked.fingerprint)
            rows.append((*key, answer.status, answer.body, self._now))
        if rows:
            self._statements.insert_idempotency.many(self._connection, rows)
            self._statements.prune_idempotency.many(
                self._connection, [(self._now - PROMISES_KEPT_US,)]
            )

    # --- sums and log ---

    def _count(self, decided: Decided) -> None:
        tasks: Counter[tuple[str, str, str, str, int]] = Counter()
        jobs: Counter[tuple[str, str, str]] = Counter()
        for name, after in decided.tasks.items():
            before = decided.originals[name]
            if before is after or _counts_alike(before, after):
                continue
            for task, sign in ((before, -1), (after, 1)):
                if task is not None:
                    archived = int(task.archived_at is not None)
                    tasks[task.project, task.queue, task.kind, task.state.value, archived] += sign
                    if task.job_id is not None:
                        jobs[task.project, task.job_id, task.state.value] += sign
        add_counts(self._connection, self._statements, tasks, jobs)

    def _log(self, decided: Decided, alive: set[int]) -> int | None:
        total = sum(len(step.decision.events) for step in decided.steps)
        if total == 0:
            return None
        head = take_positions(self._connection, self._statements, total)
        position = head - total
        rows: list[tuple[Any, ...]] = []
        for step in decided.steps:
            task = step.decision.task or step.before
            assert task is not None
            key = task.pk if task.pk in alive else None
            for event in step.decision.events:
                position += 1
                rows.append(_event_row(position, step, event, key))
                step.outcome.event_id = position
        self._statements.insert_events.many(self._connection, rows)
        wake(self._connection, self._statements)
        return head


def lock_feed(connection: Connection, statements: Statements) -> None:
    """Wait until no other transaction gives out positions; held to the end of this one.

    The transaction's number is noted on the way, in case the answer to its commit is lost.
    """
    if statements.postgres:
        row = connection.exec_driver_sql(
            "SELECT pg_current_xact_id()::text, pg_advisory_xact_lock(%s)", (FEED_LOCK,)
        ).one()
        connection.info[XACT] = row[0]


def take_positions(connection: Connection, statements: Statements, count: int) -> int:
    """Give out `count` feed positions under the feed lock; returns the last of them."""
    return statements.advance_head.all(connection, (count, "feed"))[0][0]


def wake(connection: Connection, statements: Statements) -> None:
    """Hint to every process that the feed has grown, at commit."""
    if statements.postgres:
        connection.exec_driver_sql("SELECT pg_notify(%s, '')", (FEED_CHANNEL,))


def add_counts(
    connection: Connection,
    statements: Statements,
    tasks: Counter[tuple[str, str, str, str, int]],
    jobs: Counter[tuple[str, str, str]],
) -> None:
    """Add to the counters; under the feed lock, since every process adds to the same rows."""
    statements.add_counters.many(
        connection, [(*key, count) for key, count in sorted(tasks.items()) if count]
    )
    statements.add_job_counters.many(
        connection, [(*key, count) for key, count in sorted(jobs.items()) if count]
    )


@dataclass(slots=True)
class _Sorted:
    """The tasks of a batch by how much of their rows is to be written."""

    created: list[Task] = field(default_factory=list[Task])
    changed: list[Task] = field(default_factory=list[Task])
    moved: list[Task] = field(default_factory=list[Task])
    progressed: list[Task] = field(default_factory=list[Task])
    deleted: list[int] = field(default_factory=list[int])


def _sort(decided: Decided) -> _Sorted:
    found = _Sorted()
    for name, after in decided.tasks.items():
        before = decided.originals[name]
        if after is before:
            continue
        if before is None:
            if after is not None:
                found.created.append(after)
        elif after is None:
            found.deleted.append(before.pk)
        elif after.pk != before.pk:
            found.deleted.append(before.pk)
            found.created.append(after)
        elif only_progressed(before, after):
            found.progressed.append(after)
        elif only_moved(before, after):
            found.moved.append(after)
        else:
            found.changed.append(after)
    found.created.sort(key=lambda task: task.pk)
    return found


def _counts_alike(before: Task | None, after: Task | None) -> bool:
    """Whether a task is counted where it was; most reports leave it there."""
    return (
        before is not None
        and after is not None
        and before.state is after.state
        and before.queue == after.queue
        and before.kind == after.kind
        and before.job_id == after.job_id
        and (before.archived_at is None) is (after.archived_at is None)
    )


def _changed_row(task: Task) -> tuple[Any, ...]:
    row = task_row(task)
    return (*(row[index] for index in _CHANGING), task.pk)


def _attempt_row(key: int, task: Task) -> tuple[Any, ...]:
    return (
        key, task.attempt, task.state.value, task.reason, task.percent, task.message,
        encode_or_none(task.error), task.queued_at, task.started_at, task.completed_at,
    )  # fmt: skip


def _speaks_of_details(decision: Decision) -> bool:
    change = decision.change
    return (
        decision.details is not None
        or decision.metadata is not None
        or (
            change is not None
            and (change.params, change.metadata, change.extensions) != (None, None, None)
        )
    )


def _speaks_of_metadata_only(decision: Decision) -> bool:
    return decision.details is None and decision.change is None


def _change(details: Details, marks: dict[str, str], change: ChangeTask, now: Instant) -> None:
    if change.params is not None:
        details.params = change.params
    if change.extensions is not None:
        details.extensions = {**details.extensions, **change.extensions}
    change_metadata(details.metadata, marks, change.metadata or {}, now)


def _detail_values(details: Details, marks: dict[str, str]) -> tuple[str, str, str, str]:
    return (
        encode_text(details.params),
        encode_text(details.metadata),
        encode_text(marks) if marks else "{}",
        encode_text(details.extensions),
    )


def _event_row(position: int, step: Step, event: Event, key: int | None) -> tuple[Any, ...]:
    """The row of an event; one about a task that is gone by now keeps nothing that was said."""
    encoded = step.command.encoded if isinstance(step.command, ReportTask) else None
    fact = None if key is None else event.fact
    data: dict[str, Json] = event.data
    return (
        position,
        step.project,
        key,
        None if key is not None else step.command.task_id,
        event.type.value,
        event.at,
        event.attempt,
        None if event.before is None else event.before.value,
        None if event.after is None else event.after.value,
        event.version,
        event.actor,
        event.source,
        None if event.verdict is None else event.verdict.value,
        event.reason,
        event.dedup if key is not None else None,
        None if fact is None else fact.mark,
        None if fact is None else fact_text(fact, encoded),
        encode_text(data) if data else None,
    )
