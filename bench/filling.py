"""Fills a database with tasks, as if they had been created and reported on for months.

Every number fixes its task, so two databases of different sizes differ in size alone. The rows are
made by the database itself, from numbers, in one statement a table. By itself:
`python -m bench.filling URL TASKS`.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    Text,
    case,
    cast,
    create_engine,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.schema import CreateIndex, DropIndex

from farwork import clock
from farwork.domain.values import Instant, instant
from farwork.storage import tables as t
from farwork.storage.engine import open_engine, parse_url
from farwork.storage.schema import migrate

PROJECT = "default"
QUEUES = 17
KINDS = 5
TASKS_PER_JOB = 100
_MINUTE_US = 60_000_000
_SPAN_US = 90 * 24 * 60 * _MINUTE_US
_FIRST_AT = instant(datetime(2026, 1, 1, tzinfo=UTC))
# Ids of one length, so that an answer of a larger database is not longer.
_FIRST_ID = 10_000_000
# Of 101 tasks so many are in each state. The divisors share no factor, so that all mix.
_SHARES = (
    ("created", 2), ("blocked", 2), ("queued", 5), ("running", 5), ("failed", 9),
    ("cancelled", 3), ("succeeded", 75),
)  # fmt: skip
_ALL_SHARES = 101
_ENDED = ("failed", "cancelled", "succeeded")
# Every third number is of an archived task, if that task has ended.
_ARCHIVED_EVERY = 3
STATES = tuple(state for state, _ in _SHARES)


def task_id(number: int) -> str:
    """Gives the id of the task with this number, from 1 on."""
    return f"run-{_FIRST_ID + number}"


def queue_name(number: int) -> str:
    """Gives the queue of the task with this number."""
    return f"gpu-{number % QUEUES}"


def created_at(tasks: int, number: int) -> Instant:
    """Gives when the task with this number was created: the tasks are spread over three months."""
    return _FIRST_AT + number * (_SPAN_US // tasks)


def fill(database: str, tasks: int, *, expiring: int | None = None) -> None:
    """Brings the schema up to date and adds `tasks` tasks to an empty database.

    With `expiring` given, none is archived; the first so many ended long ago, and the others were
    updated just now.
    """
    _migrate(database)
    url = parse_url(database)
    engine = create_engine(url)
    with _without_flushing(engine) as connection:
        dropped = _drop_indexes(connection)
        _add_tasks(connection, tasks, expiring)
        _add_what_hangs_on_tasks(connection)
        _add_sums(connection, tasks)
        for index in dropped:
            connection.execute(CreateIndex(index))
        if engine.dialect.name == "postgresql":
            # What its own housekeeping would do within a minute.
            connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _migrate(database: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    engine.dispose()


@contextmanager
def _without_flushing(engine: Engine) -> Generator[Connection]:
    """One transaction on a connection that need not survive a crash."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver: Any = connection.connection
            driver.execute("PRAGMA journal_mode=OFF")
            driver.execute("PRAGMA synchronous=OFF")
            driver.execute("PRAGMA cache_size=-262144")
        yield connection
        connection.commit()


def _drop_indexes(connection: Connection) -> list[Any]:
    """Filling a table first and indexing it afterwards takes a fraction of the time."""
    indexes = [*t.tasks.indexes, *t.events.indexes]
    for index in indexes:
        connection.execute(DropIndex(index))
    return indexes


def _add_tasks(connection: Connection, tasks: int, expiring: int | None) -> None:
    numbers = _numbers(tasks)
    number = numbers.c.number
    created = literal(_FIRST_AT, BigInteger) + number * (_SPAN_US // tasks)
    state = _state_of(number)
    archived_every = _ARCHIVED_EVERY
    updated = case((state.in_(_ENDED), created + 20 * _MINUTE_US), else_=created + _MINUTE_US)
    if expiring is not None:
        state = case((number <= expiring, literal("succeeded")), else_=state)
        archived_every = tasks + 1
        now = literal(clock.now(), BigInteger)
        updated = case((number <= expiring, created + 20 * _MINUTE_US), else_=now)
    ended = state.in_(_ENDED)
    begun = state.in_((*_ENDED, "running"))
    archived = ended & (number % archived_every == 0)
    values: dict[str, Any] = {
        "pk": number,
        "project": literal(PROJECT),
        "id": literal("run-") + cast(number + _FIRST_ID, Text),
        "kind": literal("train-") + cast(number % KINDS, Text),
        "queue": literal("gpu-") + cast(number % QUEUES, Text),
        "state": state,
        "percent": case((state == "succeeded", 100.0), (begun, 40.0), else_=0.0),
        "message": case((begun, literal("epoch 12"))),
        "priority": literal(0),
        "labels": literal("{}"),
        "job_id": literal("sweep-") + cast(number // TASKS_PER_JOB, Text),
        "inputs": literal("[]"),
        "inputs_pending": literal(0),
        "on_input_failure": literal("cancel"),
        "attempt": literal(1),
        "attempts_max": literal(1),
        "lease_seq": literal(0),
        "lane": literal(""),
        "creator": literal("key:bench"),
        "created_at": created,
        "queued_at": created,
        "started_at": case((begun, created + _MINUTE_US)),
        "completed_at": case((ended, created + 20 * _MINUTE_US)),
        "updated_at": updated,
        "archived_at": case((archived, created + 30 * _MINUTE_US)),
        "version": literal(3),
        "has_result": literal(0),
        "settled_by": case((ended, literal("report")), else_=literal("nobody")),
        "mark": literal(""),
        "pinned": literal(""),
    }
    _insert(connection, t.tasks, values, select(numbers))


def _numbers(count: int) -> Any:
    """A table of the numbers from 1 to `count`."""
    numbers = select(literal(1, BigInteger).label("number")).cte("numbers", recursive=True)
    following = select(numbers.c.number + 1).where(numbers.c.number < count)
    return numbers.union_all(following)


def _state_of(number: ColumnElement[int]) -> ColumnElement[str]:
    place = number * 37 % _ALL_SHARES
    branches: list[tuple[Any, Any]] = []
    upto = 0
    for state, share in _SHARES:
        upto += share
        branches.append((place < upto, literal(state)))
    assert upto == _ALL_SHARES, "the shares are of all tasks"
    return case(*branches)


def _add_what_hangs_on_tasks(connection: Connection) -> None:
    c = t.tasks.c
    details = {
        "task_pk": c.pk,
        "params": literal('{"learning_rate":0.001,"batch_size":64,"epochs":30,"seed":')
        + cast(c.pk, Text) + literal("}"),
        "metadata": literal('{"epoch":12,"loss":0.0714,"accuracy":0.934,"node":"rack-4/gpu-')
        + cast(c.pk % QUEUES, Text) + literal('","commit":"5f2d8c1"}'),
        "metadata_marks": literal("{}"),
        "extensions": literal('{"uniqc":{"shots":1000}}'),
    }  # fmt: skip
    _insert(connection, t.details, details, select(t.tasks))
    created = {
        "position": c.pk,
        "project": c.project,
        "task_pk": c.pk,
        "type": literal("task.created"),
        "at": c.created_at,
        "attempt": literal(1),
        "after": literal("queued"),
        "version": literal(1),
        "actor": c.creator,
        "mark": literal(""),
        "fact": literal('{"state":"queued","at":') + cast(c.created_at, Text) + literal("}"),
    }
    _insert(connection, t.events, created, select(t.tasks))


def _add_sums(connection: Connection, tasks: int) -> None:
    c = t.tasks.c
    archived = case((c.archived_at.is_(None), 0), else_=1)
    group = (c.project, c.queue, c.kind, c.state, archived)
    columns = ["project", "queue", "kind", "state", "archived", "tasks"]
    counted = select(*group, func.count()).group_by(*group)
    connection.execute(insert(t.counters).from_select(columns, counted))
    by_job = (c.project, c.job_id, c.state)
    counted = select(*by_job, func.count()).group_by(*by_job)
    columns = ["project", "job_id", "state", "tasks"]
    connection.execute(insert(t.job_counters).from_select(columns, counted))
    since = func.min(c.created_at)
    jobs = {
        "project": c.project,
        "id": c.job_id,
        "labels": literal("{}"),
        "metadata": literal("{}"),
        "creator": literal("key:bench"),
        "created_at": since,
        "updated_at": since,
        "version": literal(1),
    }
    source = select(*jobs.values()).group_by(c.project, c.job_id)
    connection.execute(insert(t.jobs).from_select(list(jobs), source))
    connection.execute(update(t.heads).values(value=tasks))


def _insert(
    connection: Connection, table: Table, values: dict[str, Any], source: Select[Any]
) -> None:
    statement = source.with_only_columns(*values.values())
    connection.execute(insert(table).from_select(list(values), statement))


if __name__ == "__main__":
    began = perf_counter()
    fill(sys.argv[1], int(sys.argv[2]))
    print(f"{sys.argv[2]} tasks in {perf_counter() - began:.1f} s")
