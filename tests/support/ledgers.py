"""A ledger on a fresh database, and the tasks that tests need in it."""

from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import Connection, func, select

from farwork import clock
from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.protocol.reports import ReportIn
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.service.reports import Reports
from farwork.storage import access_store, event_reader, task_reader
from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from farwork.storage.store import Store

ADMIN = Principal("default", Role.ADMIN, "ada")


@contextmanager
def open_store(database_url: str) -> Generator[Store]:
    """A store on a database whose schema is up to date."""
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        access_store.add_project(connection, "default", clock.now())
    engine.dispose()
    store = Store(database_url, clock.now)
    store.open()
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def open_ledger(database_url: str) -> AsyncGenerator[Ledger]:
    """A ledger on a database whose schema is up to date."""
    with open_store(database_url) as store:
        yield Ledger(store)


async def create(ledger: Ledger, *ids: str, project: str = "default", **fields: Any) -> list[Task]:
    """Tasks with these ids, all with these fields."""
    now = ledger.now()
    given: dict[str, Any] = {"created_at": now, "updated_at": now} | fields
    commands = [
        c.CreateTask(
            task_id=id_,
            actor="ada",
            task=Task(project=project, id=id_, **given),
            details=Details({"of": id_}),
        )
        for id_ in ids
    ]
    answer = await ledger.commands(project, commands, atomic=True)
    return [outcome.task for outcome in answer.outcomes if outcome.task is not None]


async def report(ledger: Ledger, *said: ReportIn) -> None:
    """Take these reports."""
    await Reports(ledger).take(ADMIN, list(said))


async def get(ledger: Ledger, task_id: str) -> Task | None:
    """The task with this id."""
    return await ledger.read(lambda con: task_reader.get(con, "default", task_id))


async def feed(ledger: Ledger, *, after: int = 0) -> list[tuple[str, str | None]]:
    """What the feed tells of: (type, task id)."""
    found = await ledger.read(
        lambda con: event_reader.feed(con, "default", after=after, limit=100_000)
    )
    assert [e.position for e in found] == sorted({e.position for e in found})
    return [(event.type, event.task_id) for event in found]


async def head(ledger: Ledger) -> int:
    """The last position of the feed."""
    return await ledger.read(event_reader.head)


async def miscounted(ledger: Ledger) -> dict[str, Any]:
    """Where the counters differ from a recount; empty when all is well."""
    return await ledger.read(_miscounted)


def _miscounted(connection: Connection) -> dict[str, Any]:
    tasks = t.tasks.c
    archived = tasks.archived_at.is_not(None)
    groups: Sequence[Any] = (tasks.project, tasks.queue, tasks.kind, tasks.state, archived)
    real = Counter[tuple[Any, ...]]()
    for *key, number in connection.execute(select(*groups, func.count()).group_by(*groups)):
        real[(*key[:-1], int(key[-1]))] = number
    kept = Counter[tuple[Any, ...]]()
    for *key, number in connection.execute(select(t.counters).where(t.counters.c.tasks != 0)):
        kept[tuple(key)] = number
    groups = (tasks.project, tasks.job_id, tasks.state)
    in_jobs = Counter[tuple[Any, ...]]()
    for *key, number in connection.execute(
        select(*groups, func.count()).where(tasks.job_id.is_not(None)).group_by(*groups)
    ):
        in_jobs[tuple(key)] = number
    kept_jobs = Counter[tuple[Any, ...]]()
    for *key, number in connection.execute(
        select(t.job_counters).where(t.job_counters.c.tasks != 0)
    ):
        kept_jobs[tuple(key)] = number
    wrong = {"tasks": (kept, real)} if kept != real else {}
    return wrong | ({"jobs": (kept_jobs, in_jobs)} if kept_jobs != in_jobs else {})
