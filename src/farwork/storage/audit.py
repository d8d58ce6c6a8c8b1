"""Whether a database is in order: what is kept twice agrees, and it can be written safely."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, and_, exists, func, literal_column, select

from farwork.storage import tables as t
from farwork.storage.delivery_store import cursor
from farwork.storage.engine import is_postgresql
from farwork.storage.hook_store import CALLBACKS, filter_from
from farwork.storage.statements import FORGOTTEN

Numbers = Counter[tuple[Any, ...]]


def at_one_moment(engine: Engine) -> Engine:
    """The same database, with transactions that see one state of it from beginning to end."""
    return (
        engine.execution_options(isolation_level="REPEATABLE READ")
        if is_postgresql(engine)
        else engine
    )


@contextmanager
def reading_all(engine: Engine) -> Generator[Connection]:
    """A connection that sees one state of the database, however long the reading takes."""
    with at_one_moment(engine).connect() as connection:
        if is_postgresql(connection):
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        yield connection


def try_to_write(connection: Connection) -> None:
    """Change something, and take it back. Raises what the database says against it."""
    connection.execute(t.heads.update().values(value=t.heads.c.value))
    connection.rollback()


def sqlite_settings(connection: Connection) -> tuple[str, int]:
    """The journal's mode, and how far a commit is synced."""
    mode: str = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    synchronous: int = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    return mode, synchronous


def disagreements(connection: Connection) -> list[str]:
    """Every number that is not what a recount gives, in words.

    It reads every task; the transaction must see the database `at_one_moment`.
    """
    found = [
        f"{shown(key)}: {kept[key]} counted, {real[key]} there"
        for kept, real, shown in (
            (_counters(connection), _tasks(connection), _group_shown),
            (_job_counters(connection), _job_tasks(connection), _job_shown),
        )
        for key in sorted(kept.keys() | real.keys())
        if kept[key] != real[key]
    ]
    return found + _heads_behind(connection)


def _numbers(connection: Connection, statement: Any) -> Numbers:
    numbers: Numbers = Counter()
    for *key, number in connection.execute(statement):
        numbers[tuple(key)] = int(number)
    return numbers


def _counters(connection: Connection) -> Numbers:
    c = t.counters.c
    groups = (c.project, c.queue, c.kind, c.state, c.archived != 0)
    return _numbers(connection, select(*groups, c.tasks).where(c.tasks != 0))


def _tasks(connection: Connection) -> Numbers:
    c = t.tasks.c
    groups: Sequence[Any] = (c.project, c.queue, c.kind, c.state, c.archived_at.is_not(None))
    return _numbers(connection, select(*groups, func.count()).group_by(*groups))


def _job_counters(connection: Connection) -> Numbers:
    c = t.job_counters.c
    return _numbers(connection, select(c.project, c.job_id, c.state, c.tasks).where(c.tasks != 0))


def _job_tasks(connection: Connection) -> Numbers:
    c = t.tasks.c
    groups = (c.project, c.job_id, c.state)
    counted = select(*groups, func.count()).where(c.job_id.is_not(None)).group_by(*groups)
    return _numbers(connection, counted)


def _group_shown(key: tuple[Any, ...]) -> str:
    project, queue, kind, state, archived = key
    side = "archived " if archived else ""
    return f"{side}{state} tasks of kind {kind!r} in queue {queue!r} of project {project!r}"


def _job_shown(key: tuple[Any, ...]) -> str:
    project, job_id, state = key
    return f"{state} tasks of job {job_id!r} of project {project!r}"


def _heads_behind(connection: Connection) -> list[str]:
    heads = {row.name: row.value for row in connection.execute(select(t.heads))}
    given = {
        "feed": connection.execute(select(func.max(t.events.c.position))).scalar_one(),
        "task": connection.execute(select(func.max(t.tasks.c.pk))).scalar_one(),
    }
    return [
        f"the head {name!r} stands at {heads.get(name, 0)}, but {greatest} was given out"
        for name, greatest in given.items()
        if greatest is not None and heads.get(name, 0) < greatest
    ]


def holes(connection: Connection) -> Iterator[str]:
    """What is wrong with the feed: every position up to its head is there, or went with a task."""
    e = t.events.c
    head, forgotten = cursor(connection, "feed") or 0, cursor(connection, FORGOTTEN) or 0
    there = connection.execute(select(func.count()).select_from(t.events)).scalar_one()
    missing = head - forgotten - there
    if missing:
        yield (
            f"the feed has {there} events up to position {head}; {forgotten} went with deleted "
            f"tasks, so that {abs(missing)} {'are missing' if missing > 0 else 'are too many'}"
        )
    first = connection.execute(select(func.min(e.position))).scalar_one()
    if first is not None and first < 1:
        yield f"the feed begins at position {first}"


def hooks_astray(connection: Connection) -> Iterator[str]:
    """What is wrong with webhooks: what would never be sent, or was noted before it happened."""
    h, d = t.hooks.c, t.deliveries.c
    head = cursor(connection, "feed") or 0
    for hook_id, position in connection.execute(select(h.id, h.position).where(h.position > head)):
        yield f"the hook {hook_id} has read to {position}, the feed ends at {head}"
    for hook_id, wanted in connection.execute(select(h.id, h.wanted)):
        try:
            filter_from(wanted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"the hook {hook_id} has a filter that cannot be read: {error}"
    called_back = cursor(connection, CALLBACKS) or 0
    if called_back > head:
        yield f"callbacks were read to {called_back}, the feed ends at {head}"
    deliveries = select(func.count()).select_from(t.deliveries)
    strays = deliveries.where(~exists().where(h.id == d.hook_id))
    count = connection.execute(strays).scalar_one()
    if count:
        yield f"{count} deliveries belong to no hook"
    ahead = t.deliveries.alias("ahead")
    first = exists().where(
        and_(
            ahead.c.hook_id == d.hook_id,
            ahead.c.subject == d.subject,
            ahead.c.state == literal_column("'due'"),
        )
    )
    stuck = deliveries.where(d.state == literal_column("'waiting'"), ~first)
    count = connection.execute(stuck).scalar_one()
    if count:
        yield f"{count} deliveries wait for none that is due"
