"""Costs follow the page, not the table: every list and look-up is read from an index.

The tables hold tens of thousands of rows here, of which each question means a page's worth, a few
or most. On SQLite the instructions of its machine are counted, on PostgreSQL the rows that its plan
really read.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from farwork.domain.task import Task
from farwork.domain.values import TaskState
from farwork.storage import (
    event_reader,
    lease_reader,
    part_reader,
    retention_store,
    standing_reader,
    task_reader,
    ways,
)
from farwork.storage.claims import read_settings
from farwork.storage.engine import is_postgresql, open_engine
from farwork.storage.pages import page_statement
from farwork.storage.rows import task_row
from farwork.storage.schema import migrate
from farwork.storage.statements import EVENT_COLUMNS, Statements
from farwork.storage.task_filter import ORDERS, Page, Range, TaskFilter
from tests.storage.conftest import ENGINES
from tests.storage.desk import START, new_task
from tests.support.postgres import Databases

TASKS = 20_000
HALF = TASKS // 2
EVENTS_EACH = 2
PROJECT = "default"
LIMIT = 100
# A full pass over the tasks takes 60 000 instructions at least, and reads 15 000 rows.
STEPS_MAX = 30_000
ROWS_MAX = 3_000
# So many are read and put in order here, rather than the thousands that go well with millions.
FEW = 200
STATES = [TaskState.SUCCEEDED] * 8 + [TaskState.FAILED, TaskState.QUEUED]


def made_up(n: int) -> Task:
    state = TaskState.RUNNING if n % 4_000 == 7 else STATES[n % 10]
    return new_task(
        f"task-{n:06}",
        project=PROJECT,
        pk=n + 1,
        state=state,
        reason="oom" if n % 1_000 == 3 else None,
        kind=("scan", "train", "eval")[n % 3] if n % 5_000 else "rare",
        queue=f"queue-{n % 4}" if n % 2_500 else "seldom",
        creator=("ada", "bob")[n % 2],
        labels={"team": "x"} | ({"study": f"s-{n // 40}"} if n % 4 == 0 else {}),
        external_ref=f"ref-{n}",
        job_id=f"job-{n // 100}",
        created_at=START + n,
        updated_at=START + (n * 7_919) % TASKS,
        completed_at=START + (n * 104_729) % TASKS if state.is_final else None,
        archived_at=START if n % 4 == 1 else None,
        not_before=START + n if n % 20 == 19 else None,
        deadline_at=START + n if n % 5 == 0 else None,
        legal_hold="case 17" if n % 7 == 0 else None,
        inputs=(f"task-{n - 100:06}", f"task-{n - 99:06}") if n >= HALF else (),
    )


def fill(engine: Engine) -> None:
    tasks = [made_up(n) for n in range(TASKS)]
    labels = [
        (task.project, key, value, task.created_at, task.pk)
        for task in tasks
        for key, value in task.labels.items()
    ]
    events = [event(task, n) for task in tasks for n in range(EVENTS_EACH)]
    leases = [(t.pk, t.project, t.queue, "w", 1, START + t.pk) for t in tasks if t.pk % 4 == 0]
    edges = [(task.project, input_id, task.pk) for task in tasks for input_id in task.inputs]
    with engine.begin() as connection:
        run = Statements(connection.dialect)
        run.insert_tasks.many(connection, [task_row(task) for task in tasks])
        run.insert_labels.many(connection, labels)
        run.insert_events.many(connection, events)
        run.work.upsert_leases.many(connection, leases)
        run.insert_edges.many(connection, edges)
        run.add_counters.many(
            connection, [(PROJECT, str(n), "", "queued", 0, 1) for n in range(400)]
        )


def event(task: Task, n: int) -> tuple[Any, ...]:
    given: dict[str, Any] = {
        "position": task.pk * EVENTS_EACH + n,
        "project": PROJECT if task.pk % 10 else "another",
        "task_pk": task.pk,
        "type": "task.created",
        "at": task.created_at,
        "attempt": 1,
        "dedup": n,
        "fact": "{}",
        "verdict": "late" if task.pk % 100 == 0 else None,
    }
    return tuple(given.get(name) for name in EVENT_COLUMNS)


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{tmp_path_factory.mktemp('plans')}/farwork.db")
    else:
        databases: Databases = request.getfixturevalue("postgres_databases")
        with databases.fresh() as url:
            yield from filled(url)


def filled(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    migrate(engine)
    fill(engine)
    if is_postgresql(engine):
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    yield engine
    engine.dispose()


# What a statement costs.


def cost(engine: Engine, do: Callable[[Connection], Any]) -> int:
    """The instructions that SQLite carries out (in hundreds), or the rows that PostgreSQL reads."""
    with engine.begin() as connection:
        if not is_postgresql(connection):
            return steps(connection, do)
        return sum(rows_read(plan) for plan in plans(connection, do))


def steps(connection: Connection, do: Callable[[Connection], Any]) -> int:
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(tick, 100)
    do(connection)
    driver.set_progress_handler(None, 0)
    return count * 100


def plans(connection: Connection, do: Callable[[Connection], Any]) -> list[dict[str, Any]]:
    """The plans, with what they really did, of all that is read: `auto_explain` by hand."""
    found: list[dict[str, Any]] = []
    driver: Any = connection.connection.driver_connection
    plain = driver.cursor

    class Explaining:
        def __init__(self, **_: Any) -> None:
            self._cursor = plain()

        def execute(self, sql: str, parameters: Any = None) -> Any:
            explaining = plain().execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
            found.append(explaining.fetchone()[0][0]["Plan"])
            return self._cursor.execute(sql, parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cursor, name)

    driver.cursor = Explaining
    try:
        do(connection)
    finally:
        del driver.cursor
    return found


def rows_read(plan: dict[str, Any]) -> int:
    """What the scans of a plan gave and threw away."""
    here = 0
    if "Scan" in plan["Node Type"] and "Relation Name" in plan:
        removed = plan.get("Rows Removed by Filter", 0) + plan.get(
            "Rows Removed by Index Recheck", 0
        )
        here = round((plan["Actual Rows"] + removed) * plan["Actual Loops"])
    return here + sum(rows_read(inner) for inner in plan.get("Plans", ()))


def bound(engine: Engine) -> int:
    return ROWS_MAX if is_postgresql(engine) else STEPS_MAX


@pytest.fixture(autouse=True)
def _small_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "FEW", FEW)


def listing(wanted: TaskFilter, at: Page) -> Callable[[Connection], Any]:
    return lambda connection: task_reader.page(connection, PROJECT, wanted, at)


MIDDLE = START + TASKS // 2
LISTS = {
    "everything": TaskFilter(),
    "archived": TaskFilter(archived=True),
    "active or archived": TaskFilter(archived=None),
    "a state of most": TaskFilter(states=("succeeded",)),
    "a state of few": TaskFilter(states=("running",)),
    "a state of none": TaskFilter(states=("blocked",)),
    "several states": TaskFilter(states=("failed", "running", "queued")),
    "several states, active or archived": TaskFilter(states=("failed", "running"), archived=None),
    "an archived state": TaskFilter(states=("failed",), archived=True),
    "a queue": TaskFilter(queues=("queue-2",)),
    "a queue of few": TaskFilter(queues=("seldom",)),
    "an archived queue": TaskFilter(queues=("queue-1",), archived=True),
    "a queue and a state": TaskFilter(queues=("queue-2",), states=("queued",)),
    "several queues and states": TaskFilter(
        queues=("queue-0", "seldom"), states=("failed", "running")
    ),
    "a kind": TaskFilter(kinds=("scan",)),
    "a kind of few": TaskFilter(kinds=("rare",)),
    "a kind and a state": TaskFilter(kinds=("rare",), states=("succeeded",)),
    "a creator": TaskFilter(creator="ada"),
    "a creator and a state of few": TaskFilter(creator="bob", states=("running",)),
    "a job": TaskFilter(job_id="job-77"),
    "a job and a state": TaskFilter(job_id="job-77", states=("failed",)),
    "an external reference": TaskFilter(external_ref="ref-12345"),
    "a label of most": TaskFilter(labels={"team": "x"}),
    "a label of few": TaskFilter(labels={"study": "s-100"}),
    "a label of none": TaskFilter(labels={"team": "nobody"}),
    "two labels": TaskFilter(labels={"team": "x", "study": "s-100"}),
    "a label and a state": TaskFilter(labels={"study": "s-100"}, states=("succeeded",)),
    "a label of most and a state of few": TaskFilter(labels={"team": "x"}, states=("running",)),
    "created lately": TaskFilter(created=Range(START + TASKS - 200)),
    "updated within": TaskFilter(updated=Range(MIDDLE, MIDDLE + 200)),
    "completed within": TaskFilter(completed=Range(MIDDLE, MIDDLE + 200)),
}  # fmt: skip


@pytest.mark.parametrize("wanted", LISTS.values(), ids=LISTS.keys())
def test_a_page_of_a_list_costs_a_page_in_every_order(engine: Engine, wanted: TaskFilter) -> None:
    costs = {
        (order, descending, after): cost(
            engine, listing(wanted, Page(LIMIT, order, descending, after))
        )
        for order in ORDERS
        for descending in (True, False)
        for after in (None, (MIDDLE, TASKS // 2))
    }
    assert {page: its for page, its in costs.items() if its > bound(engine)} == {}


PURE = {
    "tasks_created": TaskFilter(),
    "tasks_state": TaskFilter(states=("succeeded",)),
    "tasks_queue": TaskFilter(queues=("queue-2",)),
    "tasks_queue_state": TaskFilter(queues=("queue-2",), states=("failed",)),
    "tasks_kind": TaskFilter(kinds=("scan",)),
    "tasks_creator": TaskFilter(creator="ada"),
    "tasks_job": TaskFilter(job_id="job-77"),
    "labels": TaskFilter(labels={"team": "x"}),
    "archive_created": TaskFilter(archived=True),
    "archive_state": TaskFilter(states=("succeeded",), archived=True),
    "archive_queue": TaskFilter(queues=("queue-1",), archived=True),
}


@pytest.mark.parametrize(("index", "wanted"), PURE.items(), ids=PURE.keys())
def test_the_common_lists_walk_their_index_and_sort_nothing(
    engine: Engine, index: str, wanted: TaskFilter
) -> None:
    with engine.begin() as connection:
        described = explained(connection, page_statement(connection, PROJECT, wanted, Page(LIMIT)))
    assert index in described
    assert not set(described.split()) & {"Sort", "B-TREE", "Seq"}
    assert "SCAN tasks" not in described


@pytest.mark.parametrize("order", ["updated", "completed"])
@pytest.mark.parametrize("archived", [False, True])
def test_lists_by_other_times_walk_their_index_and_sort_nothing(
    engine: Engine,
    order: str,
    archived: bool,  # noqa: FBT001 - a parameter
) -> None:
    at = Page(LIMIT, order)
    with engine.begin() as connection:
        statement = page_statement(connection, PROJECT, TaskFilter(archived=archived), at)
        described = explained(connection, statement)
    assert f"{'archive' if archived else 'tasks'}_{order}" in described
    assert not set(described.split()) & {"Sort", "B-TREE", "Seq"}


def explained(connection: Connection, statement: Any) -> str:
    """The plan in words."""
    written = str(
        statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    ).replace("%", "%%")
    if is_postgresql(connection):
        plan = connection.exec_driver_sql(f"EXPLAIN {written}")
        return "\n".join(row[0] for row in plan)
    return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {written}"))


# Everything else that is read.


def reading(do: Callable[[Connection, Statements], Any]) -> Callable[[Connection], Any]:
    return lambda connection: do(connection, Statements(connection.dialect))


READS: dict[str, Callable[[Connection], Any]] = {
    "a task by its id": lambda con: task_reader.get(con, PROJECT, "task-012345"),
    "the wide part of a task": lambda con: task_reader.get_details(con, 12_345),
    "the results of a task": lambda con: part_reader.results(con, made_up(12_345)),
    "the shards of a task": lambda con: part_reader.shards(con, 12_345),
    "the attempts of a task": lambda con: part_reader.attempts(con, 12_345),
    "the events of a task": lambda con: event_reader.of_task(con, 12_345, after=0, limit=LIMIT),
    "a page of a project's feed": lambda con: event_reader.feed(
        con, PROJECT, after=TASKS, limit=LIMIT
    ),
    "the end of a quiet project's feed": lambda con: event_reader.feed(
        con, "quiet", after=0, limit=LIMIT
    ),
    "a page of the whole feed": lambda con: event_reader.feed(con, None, after=TASKS, limit=LIMIT),
    "the feed's head": event_reader.head,
    "counts by state": lambda con: part_reader.counts(con, PROJECT, "state", archived=False),
    "the length of a list": lambda con: part_reader.count_matching(
        con, PROJECT, states=["queued"], queue="7", archived=False
    ),
    "tasks to decide on": reading(
        lambda con, s: s.tasks_of(
            con, PROJECT, [f"task-{n:06}" for n in range(0, 20_000, 200)], wait=True
        )
    ),
    "who waits for tasks": reading(
        lambda con, s: s.dependents_of(con, PROJECT, [f"task-{n:06}" for n in range(100)])
    ),
    "which reports came before": reading(
        lambda con, s: s.seen(con, [(n, n % 3) for n in range(1, TASKS, 200)])
    ),
    "a task's log": reading(lambda con, s: s.select_timeline.all(con, (12_345,))),
    "a task's shards": reading(lambda con, s: s.select_shards.all(con, (12_345,))),
    "a task's late reports": reading(lambda con, s: s.select_late_reports.all(con, (12_300,))),
    "an answer given before": reading(
        lambda con, s: s.select_idempotency.all(con, (PROJECT, "key"))
    ),
}


# What workers and sweeps look up: ten thousand tasks with twenty thousand edges stand in the half.
SOON = START + 100
WORK: dict[str, Callable[[Connection], Any]] = {
    "what can be claimed": reading(
        lambda con, s: s.work.select_ready.all(con, (PROJECT, "queue-1", "", 20))
    ),
    "the lanes of a queue": reading(
        lambda con, s: [
            s.work.first_lane.all(con, (PROJECT, "queue-1")),
            s.work.next_lane.all(con, (PROJECT, "queue-1", "")),
        ]
    ),
    "how queues and labels are set": reading(lambda con, s: read_settings(con, s, PROJECT)),
    "leases that have run out": reading(
        lambda con, s: s.work.select_expired.all(con, (SOON, LIMIT))
    ),
    "limits that have run out": reading(
        lambda con, s: s.work.select_overdue.all(con, (SOON, LIMIT))
    ),
    "tasks that are due": reading(lambda con, s: s.work.select_due.all(con, (SOON, LIMIT))),
    "when to look again": reading(lambda con, s: s.work.next_alarms.all(con, ())),
    "when a lease ends": reading(lambda con, s: s.work.select_lease_end.all(con, (12_344, 1))),
    "how leases stand": lambda con: lease_reader.standings(
        con, PROJECT, {f"task-{n:06}" for n in range(0, TASKS, 2_000)}
    ),
    "what inputs gave": lambda con: lease_reader.inputs_given(
        con, PROJECT, ("task-012345", "task-012346")
    ),
    "who waits for a layer of a graph": reading(
        lambda con, s: s.dependents_of(
            con, PROJECT, [f"task-{n:06}" for n in range(HALF, HALF + 10)]
        )
    ),
    "what to archive": lambda con: retention_store.to_archive(
        con, PROJECT, ("scan", "succeeded"), START + 400, LIMIT
    ),
    "nothing to archive": lambda con: retention_store.to_archive(
        con, PROJECT, ("scan", "failed"), START - 1, LIMIT
    ),
    "what to delete": lambda con: retention_store.to_delete(
        con, PROJECT, ("rare", "succeeded"), START + TASKS, LIMIT
    ),
    "nothing to delete": lambda con: retention_store.to_delete(
        con, PROJECT, ("train", "failed"), START - 1, LIMIT
    ),
    "what retention is about": lambda con: retention_store.groups(con, PROJECT),
    "how a kind has fared": lambda con: standing_reader.past(con, made_up(12_346)),
}


@pytest.mark.parametrize("do", WORK.values(), ids=WORK.keys())
def test_what_workers_and_sweeps_look_up_costs_what_it_finds(
    engine: Engine, do: Callable[[Connection], Any]
) -> None:
    assert cost(engine, do) <= bound(engine) // 3


@pytest.mark.parametrize("do", READS.values(), ids=READS.keys())
def test_what_is_looked_up_costs_what_it_finds(
    engine: Engine, do: Callable[[Connection], Any]
) -> None:
    assert cost(engine, do) <= bound(engine) // 3


def test_the_measure_itself_sees_a_full_pass(engine: Engine) -> None:
    """Else nothing here would be proved."""

    def pass_over_all(connection: Connection) -> None:
        connection.execute(text("SELECT id FROM tasks WHERE name = 'nobody'")).all()

    assert cost(engine, pass_over_all) > bound(engine)
