"""Verifying finds nothing wrong with what really happened, and whatever was changed by hand."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from farwork.storage import audit
from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from farwork.storage.log_check import unlike_their_logs
from tests.keeping.scene import ALLOWED, fill
from tests.support.apps import served


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lived_in(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of an installation in which much has happened."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('verify')}/farwork.db"
    else:
        url = request.getfixturevalue("module_postgres_url")
    asyncio.run(live(url))
    return url


async def live(url: str) -> None:
    async with served(url, **ALLOWED) as client:
        await fill(client)


@pytest.fixture
def engine(lived_in: str) -> Iterator[sa.Engine]:
    engine = open_engine(lived_in)
    yield engine
    engine.dispose()


def wrong(connection: sa.Connection) -> list[str]:
    """All that verifying finds."""
    return [
        *audit.disagreements(connection),
        *audit.holes(connection),
        *audit.hooks_astray(connection),
        *unlike_their_logs(connection),
    ]


def test_what_really_happened_agrees(engine: sa.Engine) -> None:
    with audit.reading_all(engine) as connection:
        counted = connection.execute(sa.select(sa.func.count()).select_from(t.events)).scalar_one()
        gone = connection.execute(
            sa.select(t.heads.c.value).where(t.heads.c.name == "forgotten")
        ).scalar_one()
        assert wrong(connection) == []
    assert (counted > 50, gone >= 3) == (True, True)


def of(id_: str) -> Any:
    """The key of a task."""
    return sa.select(t.tasks.c.pk).where(t.tasks.c.id == id_).scalar_subquery()


def last_event(id_: str) -> Any:
    e = t.events.c
    return sa.select(sa.func.max(e.position)).where(e.task_pk == of(id_)).scalar_subquery()


tasks, events = t.tasks, t.events
TAMPERED: dict[str, tuple[Any, str]] = {
    "a state": (
        sa.update(tasks).where(tasks.c.id == "lab-4").values(state="succeeded"), "its state is"
    ),
    "progress": (sa.update(tasks).where(tasks.c.id == "plain").values(percent=12.5), "its percent"),
    "a version": (
        sa.update(tasks).where(tasks.c.id == "wide").values(version=9), "no event tells of version"
    ),
    "a lost event": (
        sa.delete(events).where(events.c.position == last_event("ended")), "1 are missing"
    ),
    "a lost beginning": (
        sa.delete(events).where(events.c.task_pk == of("kept back")), "how it began"
    ),
    "a counter": (sa.update(t.counters).values(tasks=t.counters.c.tasks + 1), "counted"),
    "a job's counter": (sa.delete(t.job_counters), "tasks of job"),
    "a lease that is gone": (sa.delete(t.leases), "its lease is []"),
    "metadata": (
        sa.update(t.details).where(t.details.c.task_pk == of("lab-0")).values(metadata="{}"),
        "its metadata epoch, loss is not",
    ),
    "wide parts": (sa.delete(t.details).where(t.details.c.task_pk == of("wide")), "0 rows of"),
    "a shard": (
        sa.update(t.shards).where(t.shards.c.task_pk == of("sharded")).values(state="running"),
        "its shard 0 is not",
    ),
    "an attempt": (sa.delete(t.attempts).where(t.attempts.c.task_pk == of("lab-1")), "attempt 1"),
    "labels": (sa.update(t.labels).values(value="z"), "found under the labels"),
    "a result": (sa.delete(t.results).where(t.results.c.task_pk == of("lab-0")), "result is not"),
    "an edge": (sa.delete(t.edges).where(t.edges.c.task_pk == of("after")), "open inputs"),
    "a task": (sa.delete(tasks).where(tasks.c.id == "tried twice"), "belong to no task"),
    "an archived task": (
        sa.update(tasks).where(tasks.c.id == "gone-3").values(archived_at=5), "put away at"
    ),
    "a changed field": (
        sa.update(tasks).where(tasks.c.id == "half done").values(queue="x"), "its queue is 'x'"
    ),
    "an event of another project": (
        sa.update(events).where(events.c.position == last_event("ended")).values(project="x"),
        "are told to project 'x'",
    ),
    "what readers were told": (
        sa.update(events).where(events.c.position == last_event("ended")).values(after="queued"),
        "readers were last told 'queued'",
    ),
    "a fact that is none": (
        sa.update(events).where(events.c.position == last_event("ended")).values(fact="{"),
        "it cannot be read",
    ),
    "labels that are none": (
        sa.update(tasks).where(tasks.c.id == "plain").values(labels="{"), "it cannot be read"
    ),
    "a hook's filter": (sa.update(t.hooks).values(wanted="{"), "has a filter that cannot be read"),
    "a hook ahead": (sa.update(t.hooks).values(position=10**9), "has read to"),
}  # fmt: skip


def test_whatever_is_changed_behind_its_back_is_found(engine: sa.Engine) -> None:
    unseen: dict[str, list[str]] = {}
    for what, (statement, said) in TAMPERED.items():
        with engine.connect() as connection:
            assert connection.execute(statement).rowcount > 0, what
            found = wrong(connection)
            connection.rollback()
        if not any(said in one for one in found):
            unseen[what] = found
    assert unseen == {}
