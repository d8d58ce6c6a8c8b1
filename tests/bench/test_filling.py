"""What the benches fill a database with is what the product itself would keep."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, func, select

from bench import filling
from farwork.clock import now
from farwork.storage import tables as t
from farwork.storage import task_reader
from farwork.storage.audit import disagreements
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate

TASKS = 1_000
HOUR_US = 3_600_000_000


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def filled(database_url: str, engine: Engine) -> Iterator[Connection]:
    filling.fill(database_url, TASKS)
    with engine.connect() as connection:
        yield connection


def test_counters_and_heads_agree_with_the_tasks(filled: Connection) -> None:
    assert disagreements(filled) == []


def test_there_are_as_many_tasks_as_asked_for_in_every_state(filled: Connection) -> None:
    by_state = select(t.tasks.c.state, func.count()).group_by(t.tasks.c.state)
    states = {row[0]: row[1] for row in filled.execute(by_state)}
    assert sum(states.values()) == TASKS
    assert sorted(states) == sorted(filling.STATES)


def test_a_number_tells_id_queue_and_time_of_its_task(filled: Connection) -> None:
    task = task_reader.get(filled, filling.PROJECT, filling.task_id(7))
    assert task is not None
    assert (task.queue, task.created_at) == (
        filling.queue_name(7),
        filling.created_at(TASKS, 7),
    )


def test_every_task_has_its_details_and_its_first_event(filled: Connection) -> None:
    for table in (t.details, t.events):
        assert filled.execute(select(func.count()).select_from(table)).scalar_one() == TASKS


def test_filling_leaves_every_index_as_the_schema_has_it(filled: Connection) -> None:
    found = {
        table: {index["name"] for index in sa.inspect(filled).get_indexes(table)}
        for table in ("tasks", "events")
    }
    assert found == {
        "tasks": {index.name for index in t.tasks.indexes},
        "events": {index.name for index in t.events.indexes},
    }


def test_as_many_tasks_have_expired_as_asked_for(database_url: str, engine: Engine) -> None:
    filling.fill(database_url, TASKS, expiring=TASKS // 2)
    c = t.tasks.c
    expired = select(func.count()).where(
        c.state.in_(("succeeded", "failed", "cancelled")),
        c.archived_at.is_(None),
        c.updated_at < now() - HOUR_US,
    )
    with engine.connect() as connection:
        assert connection.execute(expired).scalar_one() == TASKS // 2
        assert disagreements(connection) == []


def test_a_database_that_has_its_schema_is_filled_too(database_url: str, engine: Engine) -> None:
    migrate(engine)
    engine.dispose()
    filling.fill(database_url, TASKS)
    with engine.connect() as connection:
        assert disagreements(connection) == []
