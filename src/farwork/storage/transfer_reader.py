"""Reading whole tasks with all that hangs on them, a slice of a walk at a time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, select

from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Fault, Instant
from farwork.storage import tables as t
from farwork.storage import walks
from farwork.storage.engine import is_postgresql
from farwork.storage.rows import SHARD_COLUMNS, TASK_COLUMNS, fault_from, shard_from, task_from
from farwork.storage.task_reader import TaskFilter

JsonText = str


@dataclass(slots=True)
class StoredResult:
    """A result as it is kept."""

    attempt: int
    name: str
    late: bool
    id: str
    type: str | None
    data: JsonText | None
    files: JsonText
    created_at: Instant


@dataclass(slots=True)
class StoredAttempt:
    """An attempt that is over, as it is kept."""

    number: int
    state: str
    reason: str | None
    percent: float
    message: str | None
    error: Fault | None
    queued_at: Instant | None
    started_at: Instant | None
    completed_at: Instant | None


@dataclass(slots=True)
class WholeTask:
    """A task with all that hangs on it; JSON is left as the text that it is kept as."""

    task: Task
    params: JsonText = "{}"
    metadata: JsonText = "{}"
    extensions: JsonText = "{}"
    results: list[StoredResult] = field(default_factory=list[StoredResult])
    shards: list[Shard] = field(default_factory=list[Shard])
    shard_results: dict[int, JsonText] = field(default_factory=dict[int, JsonText])
    attempts: list[StoredAttempt] = field(default_factory=list[StoredAttempt])


def slice_of(
    connection: Connection, project: str, wanted: TaskFilter, after: walks.Place | None, limit: int
) -> list[WholeTask]:
    """Tasks that a filter means, the earliest created first; all from one moment."""
    if is_postgresql(connection):
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    keys = [passed.key for passed in walks.of_filter(connection, project, wanted, after, limit)]
    columns = [t.tasks.c[name] for name in TASK_COLUMNS]
    rows = connection.execute(select(*columns).where(t.tasks.c.pk.in_(keys))).all()
    whole = {task.pk: WholeTask(task) for task in map(task_from, rows)}
    _add_details(connection, whole)
    _add_results(connection, whole)
    _add_shards(connection, whole)
    _add_attempts(connection, whole)
    return [whole[key] for key in keys]


def _parts(
    connection: Connection, table: Table, whole: dict[int, WholeTask], *names: str
) -> dict[int, Sequence[Any]]:
    """The rows of a table that hang on these tasks, by task; a row begins with its key."""
    columns = [table.c[name] for name in ("task_pk", *names)]
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(select(*columns).where(table.c.task_pk.in_(whole))).all():
        found[row[0]].append(row[1:])
    return dict(found)


def _add_details(connection: Connection, whole: dict[int, WholeTask]) -> None:
    found = _parts(connection, t.details, whole, "params", "metadata", "extensions")
    for key, ((params, metadata, extensions),) in found.items():
        one = whole[key]
        one.params, one.metadata, one.extensions = params, metadata, extensions


def _add_results(connection: Connection, whole: dict[int, WholeTask]) -> None:
    names = ("attempt", "name", "late_mark", "id", "type", "data", "files", "created_at")
    for key, rows in _parts(connection, t.results, whole, *names).items():
        results = [StoredResult(*row) for row in rows]
        for result in results:
            result.late = bool(result.late)
        # Marks are made anew by an import; times and ids stay.
        results.sort(key=lambda r: (r.attempt, r.late, r.name, r.created_at, r.id))
        whole[key].results = results


def _add_shards(connection: Connection, whole: dict[int, WholeTask]) -> None:
    sharded = {key: one for key, one in whole.items() if one.task.shards is not None}
    for key, rows in _parts(connection, t.shards, sharded, *SHARD_COLUMNS).items():
        whole[key].shards = sorted(map(shard_from, rows), key=lambda shard: shard.index)
    for key, rows in _parts(connection, t.shard_results, sharded, "index", "data").items():
        whole[key].shard_results = dict(rows)


def _add_attempts(connection: Connection, whole: dict[int, WholeTask]) -> None:
    retried = {key: one for key, one in whole.items() if one.task.attempt > 1}
    names = tuple(StoredAttempt.__slots__)
    for key, rows in _parts(connection, t.attempts, retried, *names).items():
        attempts = [StoredAttempt(*row) for row in rows]
        for attempt, row in zip(attempts, rows, strict=True):
            attempt.error = fault_from(row[names.index("error")])
        whole[key].attempts = sorted(attempts, key=lambda attempt: attempt.number)
