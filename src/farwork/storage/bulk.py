"""Many tasks at once: one transaction of a few set-based statements for a whole chunk.

Each function makes a piece of work for the committer. It locks the rows (in the order of their
ids, as every transaction does), says which of them still satisfy what is asked, changes those, and
writes one event each with a run of positions under the feed lock.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    insert,
    literal,
    null,
    select,
    update,
)

from farwork.clock import Now
from farwork.domain.commands import Command, DeleteTask
from farwork.domain.events import EventType
from farwork.domain.values import FINAL_STATES, Instant, TaskState
from farwork.storage import packed, retention_store
from farwork.storage import tables as t
from farwork.storage.batch import Batch
from farwork.storage.engine import (
    among_keys,
    among_texts,
    json_object,
    keys_in_order,
    list_parameter,
)
from farwork.storage.flush import Flush, add_counts, lock_feed, take_positions, wake
from farwork.storage.statements import Statements
from farwork.storage.task_reader import Range, TaskFilter, conditions
from farwork.storage.waits import Name
from farwork.storage.writes import Outcome, Write

CHUNK_MAX = 3_000
ANY = TaskFilter(archived=None)

_tasks = t.tasks.c
_FOUND = (
    _tasks.pk, _tasks.id, _tasks.queue, _tasks.kind, _tasks.state, _tasks.job_id,
    _tasks.archived_at, _tasks.legal_hold,
)  # fmt: skip
_PARTS = (
    t.details, t.results, t.shards, t.shard_results, t.attempts, t.edges, t.labels, t.leases,
    t.slots, t.submissions,
)  # fmt: skip


class _Found(NamedTuple):
    """A row of `_FOUND`."""

    pk: int
    id: str
    queue: str
    kind: str
    state: str
    job_id: str | None
    archived_at: Instant | None
    legal_hold: str | None


@dataclass(slots=True, frozen=True)
class Chunk:
    """Distinct ids of tasks of a project, and what each must still satisfy when it is locked."""

    project: str
    ids: Sequence[str]
    actor: str | None = None
    wanted: TaskFilter = ANY


@dataclass(slots=True)
class Done:
    """What became of a chunk, each list in the order of its ids.

    `changed`: it was done to these. `unchanged`: these were so already. `held`: these are under a
    legal hold, with why. Ids that are in no list do not exist, or do not satisfy what was asked.
    """

    changed: list[str] = field(default_factory=list[str])
    unchanged: list[str] = field(default_factory=list[str])
    held: dict[str, str] = field(default_factory=dict[str, str])


Work = Callable[[Connection, Statements, Now], tuple[Done, int | None]]
Orders = Callable[[Connection, Statements, Now], tuple[list[Outcome], int | None]]


def archive_chunk(chunk: Chunk) -> Work:
    """Archives those tasks of the chunk that are not; their times stay as they are."""

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[Done, int | None]:
        rows, done = _lock(connection, statements, chunk, lambda row: row.archived_at is None)
        return done, _shelve(connection, statements, chunk, rows, tick(), archive=True)

    return work


def restore_chunk(chunk: Chunk) -> Work:
    """Brings back those tasks of the chunk that are archived; their times stay as they are."""

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[Done, int | None]:
        rows, done = _lock(connection, statements, chunk, lambda row: row.archived_at is not None)
        return done, _shelve(connection, statements, chunk, rows, tick(), archive=False)

    return work


def delete_chunk(chunk: Chunk) -> Work:
    """Removes the tasks of the chunk with all that hangs on them, but for those that are held.

    If others wait for one of them, each is removed by a command, which tells the others.
    """
    known: set[Name] = set()

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[Done, int | None]:
        rows, done = _lock(connection, statements, chunk, lambda _row: True)
        rows = _let_held_be(connection, chunk, rows, done)
        if not _are_awaited(connection, statements, chunk, rows):
            return done, _remove(connection, statements, chunk, rows, tick())
        commands = [DeleteTask(task_id=id_, actor=chunk.actor) for id_ in done.changed]
        told = command_chunk(chunk.project, commands, known)
        return done, told(connection, statements, tick)[1]

    return work


def command_chunk(
    project: str, commands: Sequence[Command], known: set[Name] | None = None
) -> Orders:
    """Carries out each command by itself, all in this transaction; none may create a task."""
    needed: set[Name] = set() if known is None else known

    def work(
        connection: Connection, statements: Statements, tick: Now
    ) -> tuple[list[Outcome], int | None]:
        batch = Batch(connection, statements, tick, (), needed)
        write = Write(project, list(commands))
        batch.load([write])
        answer = batch.answer(write)
        return answer.outcomes, Flush(connection, statements, tick()).write(batch.decided)

    return work


def _lock(
    connection: Connection,
    statements: Statements,
    chunk: Chunk,
    changes: Callable[[_Found], bool],
) -> tuple[list[_Found], Done]:
    """The rows to change, in the order of the chunk's ids, and what was found."""
    statement = (
        select(*_FOUND)
        .where(
            among_texts(_tasks.id, "ids", postgres=statements.postgres),
            *_guards(chunk),
        )
        .order_by(_tasks.id)
        .with_for_update()
    )
    wanted = {"ids": list_parameter(chunk.ids, postgres=statements.postgres)}
    found = {row[1]: _Found(*row) for row in packed.fetch(connection, statement, wanted)}
    rows: list[_Found] = []
    done = Done()
    for id_ in chunk.ids:
        row = found.get(id_)
        if row is None:
            continue
        if changes(row):
            rows.append(row)
            done.changed.append(id_)
        else:
            done.unchanged.append(id_)
    return rows, done


def _guards(chunk: Chunk) -> list[ColumnElement[bool]]:
    """What the rows must satisfy; the ids alone shall lead to them.

    A sum keeps the engines from walking the index of a time range for a thousand ids.
    """
    wanted = chunk.wanted
    found = conditions(
        chunk.project, replace(wanted, created=Range(), updated=Range(), completed=Range())
    )
    for column, span in (
        (_tasks.created_at, wanted.created),
        (_tasks.updated_at, wanted.updated),
        (_tasks.completed_at, wanted.completed),
    ):
        if span.after is not None:
            found.append(column + 0 >= span.after)
        if span.before is not None:
            found.append(column + 0 < span.before)
    return found


# --- archiving and restoring ---


def _shelve(
    connection: Connection,
    statements: Statements,
    chunk: Chunk,
    rows: list[_Found],
    at: Instant,
    *,
    archive: bool,
) -> int | None:
    if not rows:
        return None
    keys = _keys(rows, statements)
    guard = _tasks.archived_at.is_(None) if archive else _tasks.archived_at.is_not(None)
    changed = connection.execute(
        update(t.tasks)
        .where(among_keys(_tasks.pk, "keys", postgres=statements.postgres), guard)
        .values(
            archived_at=at if archive else None,
            restored_at=None if archive else at,
            version=_tasks.version + 1,
        ),
        keys,
    )
    assert changed.rowcount == len(rows), "locked rows do not change under us"
    counts = Counter[tuple[str, str, str, str, int]]()
    for group, number in Counter((row.queue, row.kind, row.state) for row in rows).items():
        counts[chunk.project, *group, int(archive)] = number
        counts[chunk.project, *group, int(not archive)] = -number
    lock_feed(connection, statements)
    add_counts(connection, statements, counts, Counter())
    kind = EventType.TASK_ARCHIVED if archive else EventType.TASK_RESTORED
    columns = _event_columns(kind, at, chunk.actor) | {
        "task_pk": _tasks.pk,
        "after": _tasks.state,
        "version": _tasks.version,
        "reason": _tasks.reason,
    }
    return _log(connection, statements, columns, rows)


# --- deleting ---


def _let_held_be(
    connection: Connection, chunk: Chunk, rows: list[_Found], done: Done
) -> list[_Found]:
    """Those of the rows that no legal hold is on."""
    rules = retention_store.rules(connection, chunk.project)
    for row in rows:
        why = row.legal_hold or rules.hold(row.kind, row.state)
        if why is not None:
            done.held[row.id] = why
    done.changed = [id_ for id_ in done.changed if id_ not in done.held]
    return [row for row in rows if row.id not in done.held]


def _are_awaited(
    connection: Connection, statements: Statements, chunk: Chunk, rows: list[_Found]
) -> bool:
    """Whether others wait for open tasks among the rows: those must be told."""
    open_ids = [row.id for row in rows if row.state not in FINAL_STATES]
    return bool(open_ids and statements.dependents_among(connection, chunk.project, open_ids))


def _remove(
    connection: Connection, statements: Statements, chunk: Chunk, rows: list[_Found], at: Instant
) -> int | None:
    if not rows:
        return None
    counts = Counter[tuple[str, str, str, str, int]]()
    jobs = Counter[tuple[str, str, str]]()
    for row in rows:
        counts[chunk.project, row.queue, row.kind, row.state, int(row.archived_at is not None)] -= 1
        if row.job_id is not None:
            jobs[chunk.project, row.job_id, row.state] -= 1
    keys = _keys(rows, statements)
    _release(connection, statements, chunk, rows)
    for table in _PARTS:
        column = cast("ColumnElement[int]", table.c.task_pk)
        meant = among_keys(column, "keys", postgres=statements.postgres)
        connection.execute(delete(table).where(meant), keys)
    forgotten = statements.delete_events.count(connection, (keys["keys"],))
    lock_feed(connection, statements)
    statements.forget(connection, forgotten)
    add_counts(connection, statements, counts, jobs)
    told = {"kind": _tasks.kind, "queue": _tasks.queue, "job_id": _tasks.job_id}
    columns = _event_columns(EventType.TASK_DELETED, at, chunk.actor) | {
        "subject": _tasks.id,
        "version": _tasks.version + 1,
        "data": json_object(told, postgres=statements.postgres),
    }
    head = _log(connection, statements, columns, rows)
    connection.execute(
        delete(t.tasks).where(among_keys(_tasks.pk, "keys", postgres=statements.postgres)), keys
    )
    return head


def _release(
    connection: Connection, statements: Statements, chunk: Chunk, rows: list[_Found]
) -> None:
    """Whoever waited for a task that succeeded waits no more: another of its id is not it."""
    ids = [row.id for row in rows if row.state == TaskState.SUCCEEDED]
    if ids:
        met = among_texts(t.edges.c.input_id, "ids", postgres=statements.postgres)
        connection.execute(
            delete(t.edges).where(t.edges.c.project == chunk.project, met),
            {"ids": list_parameter(ids, postgres=statements.postgres)},
        )


# --- the log ---


def _event_columns(kind: EventType, at: Instant, actor: str | None) -> dict[str, Any]:
    return {
        "project": _tasks.project,
        "type": literal(kind.value),
        "at": literal(at, t.events.c.at.type),
        "attempt": _tasks.attempt,
        "before": _tasks.state,
        "actor": null() if actor is None else literal(actor),
    }


def _log(
    connection: Connection, statements: Statements, columns: dict[str, Any], rows: list[_Found]
) -> int:
    """Write one event a row, positions in the order of the rows."""
    head = take_positions(connection, statements, len(rows))
    key, place = keys_in_order("keys", postgres=statements.postgres)
    columns["position"] = place + literal(head - len(rows), t.events.c.position.type)
    source = select(*columns.values()).select_from(t.tasks).where(and_(_tasks.pk == key))
    connection.execute(insert(t.events).from_select(list(columns), source), _keys(rows, statements))
    wake(connection, statements)
    return head


def _keys(rows: Sequence[_Found], statements: Statements) -> dict[str, Any]:
    return {"keys": list_parameter([row.pk for row in rows], postgres=statements.postgres)}
