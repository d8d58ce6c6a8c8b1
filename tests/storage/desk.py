"""A desk: the store as the tests use it, in one project of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from copy import deepcopy
from threading import Event
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.task import Task
from farwork.domain.values import Instant, TaskState, moment
from farwork.protocol.reports import ReportIn, ShardIn, take_in
from farwork.storage import event_reader, part_reader, task_reader
from farwork.storage import tables as t
from farwork.storage.event_reader import EventRecord
from farwork.storage.store import Store
from farwork.storage.writes import Answer, Idempotency, Outcome, Write

T = TypeVar("T")

PATIENCE_S = 30
START: Instant = 1_700_000_000_000_000
SECOND = 1_000_000


def new_task(id_: str, **fields: Any) -> Task:
    given: dict[str, Any] = {"project": "", "created_at": START, "updated_at": START} | fields
    return Task(id=id_, **given)


def creation(id_: str, *, submit: bool = True, details: Details | None = None, **fields: Any):
    task = new_task(id_, **fields)
    return c.CreateTask(task_id=id_, task=task, details=details or Details(), submit=submit)


IMPORT_PARTS = ("details", "results", "shards", "shard_results")


def importing(id_: str, **fields: Any) -> c.ImportTask:
    parts: dict[str, Any] = {"details": Details()}
    parts |= {name: fields.pop(name) for name in IMPORT_PARTS if name in fields}
    return c.ImportTask(task_id=id_, task=new_task(id_, **fields), **parts)


def said(id_: str, state: str | None = None, *, at: float | None = None, **fields: Any) -> ReportIn:
    """A report: about a task, maybe `at` so many seconds after the beginning."""
    return ReportIn(
        task_id=id_,
        state=None if state is None else TaskState(state),
        occurred_at=None if at is None else moment(START + round(at * SECOND)),
        **fields,
    )


def shard(index: int, state: str | None = None, **fields: Any) -> ShardIn:
    """What a report says of one shard."""
    return ShardIn(index, state=None if state is None else TaskState(state), **fields)


def report(one: ReportIn, *, register: bool = True) -> c.ReportTask:
    # Taking a report in takes its results out of it.
    taken, encoded = take_in(deepcopy(one), source="tests", received_at=START)
    return c.ReportTask(
        task_id=one.task_id, actor="tests", report=taken, register=register, encoded=encoded
    )


class Desk:
    """Gives commands to a store, and looks at what became of them."""

    def __init__(self, store: Store, project: str) -> None:
        self.store = store
        self.project = project

    # --- writing ---

    def hand(
        self,
        *commands: c.Command,
        atomic: bool = False,
        idempotency: Idempotency | None = None,
    ) -> "Future[Answer]":
        """Hand over commands as one write, and do not wait."""
        return self.store.write(Write(self.project, list(commands), atomic, idempotency))

    def give(self, *commands: c.Command, atomic: bool = False) -> list[Outcome]:
        return self.hand(*commands, atomic=atomic).result(PATIENCE_S).outcomes

    def do(self, command: c.Command) -> Outcome:
        """Give one command; raises its refusal."""
        return self.give(command, atomic=True)[0]

    def create(self, *ids: str, **fields: Any) -> None:
        self.give(*(creation(id_, **fields) for id_ in ids), atomic=True)

    def report(self, *reports: ReportIn) -> list[Outcome]:
        return self.give(*(report(one) for one in reports))

    def together(self, *writes: "Callable[[], Future[Any]]") -> "list[Future[Any]]":
        """Hand over all of these so that they wait together and share a transaction."""
        entered, gate = Event(), Event()

        def hold(_connection: Any, _statements: Any, _tick: Any) -> tuple[None, None]:
            entered.set()
            assert gate.wait(PATIENCE_S)
            return None, None

        holding = self.store.work(hold)
        assert entered.wait(PATIENCE_S)
        futures = [write() for write in writes]
        gate.set()
        holding.result(PATIENCE_S)
        for future in futures:
            future.exception(PATIENCE_S)
        return futures

    # --- reading ---

    def read(self, reading: Callable[[Connection], T]) -> T:
        return self.store.read(reading).result(PATIENCE_S)

    def find(self, id_: str) -> Task | None:
        return self.read(lambda con: task_reader.get(con, self.project, id_))

    def task(self, id_: str) -> Task:
        task = self.find(id_)
        assert task is not None, f"there is no task {id_}"
        return task

    def state(self, id_: str) -> str:
        return self.task(id_).state.value

    def details(self, id_: str) -> Details:
        key = self.task(id_).pk
        return self.read(lambda con: task_reader.get_details(con, key))

    def results(self, id_: str) -> dict[str, Any]:
        """The task's own results by name."""
        task = self.task(id_)
        rows = self.read(lambda con: part_reader.results(con, task))
        return {row.name: row.data for row in rows if not row.late and row.attempt == task.attempt}

    def events(self, id_: str) -> list[EventRecord]:
        key = self.task(id_).pk
        return self.read(lambda con: event_reader.of_task(con, key, after=0, limit=10_000))

    def feed(self, after: int = 0, limit: int = 100_000) -> list[EventRecord]:
        return self.read(lambda con: event_reader.feed(con, self.project, after=after, limit=limit))

    def told(self) -> list[tuple[str, str | None]]:
        """The feed in short: what happened to whom."""
        return [(event.type.removeprefix("task."), event.task_id) for event in self.feed()]

    def rows(self, table: Any) -> int:
        """How many rows a table has, whatever the project."""
        return self.read(
            lambda con: con.execute(select(func.count()).select_from(table)).scalar_one()
        )

    def leftovers(self, key: int) -> list[str]:
        """The tables in which something still hangs on a task of this key."""
        parts = (t.details, t.results, t.shards, t.shard_results, t.attempts, t.edges, t.labels)

        def look(connection: Connection) -> list[str]:
            return [
                table.name
                for table in (*parts, t.events)
                if connection.execute(select(table).where(table.c.task_pk == key)).first()
            ]

        return self.read(look)
