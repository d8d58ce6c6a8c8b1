"""The feed: all see the same changes in one order, and a reader never passes a late commit."""

import sys
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import pairwise
from subprocess import PIPE, Popen
from typing import Any

from sqlalchemy import Connection, text

from farwork import clock
from farwork.domain import commands as c
from farwork.storage import event_reader
from farwork.storage import tables as t
from farwork.storage.batch import Batch
from farwork.storage.engine import open_engine
from farwork.storage.flush import Flush, take_positions
from farwork.storage.statements import Statements
from farwork.storage.store import Store
from farwork.storage.writes import Write
from tests.storage.desk import PATIENCE_S, Desk, creation, report, said
from tests.storage.recount import counted, recounted
from tests.support.waiting import until

REPORTS_EACH = 400


def test_the_feed_tells_what_happened_in_the_order_in_which_it_was_committed(desk: Desk) -> None:
    desk.create("a", kind="train", queue="gpu", job_id="j")
    desk.report(said("a", "running", at=1, message="m", delivery_id="d"))
    desk.do(c.CancelTask(task_id="a", actor="ada", reason="enough"))
    desk.do(c.ArchiveTask(task_id="a"))
    assert [
        (e.type, e.task_id, e.before, e.after, e.version, e.actor, e.source, e.verdict, e.reason)
        for e in desk.feed()
    ] == [
        ("task.created", "a", None, "queued", 1, None, None, None, None),
        ("task.reported", "a", "queued", "running", 2, "tests", "tests", "applied", None),
        ("task.cancelled", "a", "running", "cancelled", 3, "ada", None, None, "enough"),
        ("task.archived", "a", "cancelled", "cancelled", 4, None, None, None, "enough"),
    ]
    assert {(e.kind, e.queue, e.job_id) for e in desk.feed()} == {("train", "gpu", "j")}
    assert desk.feed()[1].report["delivery_id"] == "d"


def test_a_page_of_the_feed_goes_on_where_the_last_one_ended(desk: Desk) -> None:
    desk.create(*(f"task-{n}" for n in range(10)))
    whole = [event.position for event in desk.feed()]
    paged: list[int] = []
    while page := desk.feed(after=max(paged, default=0), limit=3):
        paged += [event.position for event in page]
    assert paged == whole
    assert all(a < b for a, b in pairwise(paged))


def test_a_project_sees_its_own_changes_only_and_the_whole_feed_has_all(desk: Desk) -> None:
    neighbour = Desk(desk.store, f"{desk.project}-neighbour")
    desk.create("mine")
    neighbour.create("theirs")
    assert [event.task_id for event in desk.feed()] == ["mine"]
    after = desk.feed()[0].position - 1
    whole = desk.read(lambda con: event_reader.feed(con, None, after=after, limit=2))
    assert [event.task_id for event in whole] == ["mine", "theirs"]


def test_the_head_is_the_last_position(own_desk: Desk) -> None:
    assert own_desk.read(event_reader.head) == 0
    own_desk.create("a", "b")
    assert own_desk.read(event_reader.head) == own_desk.feed()[-1].position == 2
    assert own_desk.read(event_reader.count) == 2


def test_an_event_about_a_task_that_is_gone_still_says_which_it_was(desk: Desk) -> None:
    desk.create("a", kind="train", queue="gpu", job_id="j")
    desk.do(c.DeleteTask(task_id="a"))
    (gone,) = desk.feed()
    assert (gone.type, gone.task_id, gone.kind, gone.queue) == ("task.deleted", "a", "train", "gpu")


def test_an_event_about_a_job_names_the_job(desk: Desk) -> None:
    def insert(connection: Connection, statements: Statements, _tick: Any) -> tuple[None, None]:
        event = {"project": desk.project, "type": "job.created", "at": 1, "subject": "j"}
        position = take_positions(connection, statements, 1)
        connection.execute(t.events.insert().values(position=position, **event))
        return None, None

    desk.store.work(insert).result(PATIENCE_S)
    (event,) = desk.feed()
    assert (event.task_id, event.job_id) == (None, "j")


# Several processes on one PostgreSQL.


@contextmanager
def another(url: str) -> Generator[Desk]:
    store = Store(url, clock.now)
    store.open()
    try:
        yield Desk(store, "default")
    finally:
        store.close()


@contextmanager
def held_open(url: str, *commands: c.Command) -> Generator[Callable[[], None]]:
    """A transaction that has written these commands and their events, and has not committed."""
    engine = open_engine(url)
    statements = Statements(engine.dialect)
    with engine.connect() as connection:
        transaction = connection.begin()
        batch = Batch(connection, statements, clock.now, iter(range(10**9, 10**9 + 10)))
        write = Write("default", list(commands))
        batch.load([write])
        batch.answer(write)
        Flush(connection, statements, clock.now()).write(batch.decided)
        yield transaction.commit
    engine.dispose()


WAITING = text("""
    SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database()
""")


def waits_for_a_lock(desk: Desk) -> bool:
    return desk.read(lambda con: con.execute(WAITING).scalar_one()) > 0


def test_a_reader_never_passes_a_transaction_that_commits_late(fresh_postgres_url: str) -> None:
    with another(fresh_postgres_url) as desk:
        with held_open(fresh_postgres_url, creation("early but late")) as commit:
            quick: Future[Any] = desk.hand(creation("late but quick"))
            until(lambda: waits_for_a_lock(desk), "the second transaction waits for the first")
            assert desk.feed() == []
            assert not quick.done()
            commit()
        quick.result(PATIENCE_S)
        assert [event.task_id for event in desk.feed()] == ["early but late", "late but quick"]


def test_the_test_would_notice_positions_given_out_too_early(fresh_postgres_url: str) -> None:
    """With a sequence, as one would write it at first, the reader misses the late one for good."""
    engine = open_engine(fresh_postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TEMPORARY SEQUENCE naive"))
    with engine.connect() as late, engine.connect() as quick, another(fresh_postgres_url) as desk:
        late_transaction = late.begin()
        event = {"project": "default", "type": "task.created", "at": 1}
        late.execute(t.events.insert().values(position=1, subject="late", **event))
        with quick.begin():
            quick.execute(t.events.insert().values(position=2, subject="quick", **event))
        seen = desk.feed()[-1].position
        late_transaction.commit()
        assert [event.task_id for event in desk.feed(after=seen)] == []
    engine.dispose()


def test_two_that_make_the_same_task_known_at_once_both_report_on_it(
    fresh_postgres_url: str,
) -> None:
    """The second finds the id taken when it commits, and starts again."""
    with another(fresh_postgres_url) as desk:
        first = report(said("a", "running", at=1))
        with held_open(fresh_postgres_url, first) as commit:
            second = desk.hand(report(said("a", at=2, progress=50.0)))
            until(lambda: waits_for_a_lock(desk), "the second insert waits for the first")
            commit()
        assert second.result(PATIENCE_S).outcomes[0].verdict == "applied"
        assert (desk.state("a"), desk.task("a").percent) == ("running", 50.0)
        assert [event.type for event in desk.feed()] == [
            "task.registered",
            "task.reported",
            "task.reported",
        ]


def test_a_cascade_that_meets_a_locked_task_begins_again_and_waits_for_it(
    fresh_postgres_url: str,
) -> None:
    with another(fresh_postgres_url) as desk:
        desk.create("a", "b")
        desk.create("c", inputs=("a", "b"))
        with held_open(fresh_postgres_url, report(said("a", "succeeded", at=1))) as commit:
            other = desk.hand(report(said("b", "succeeded", at=1)))
            until(lambda: waits_for_a_lock(desk), "the second end waits for the first")
            commit()
        other.result(PATIENCE_S)
        assert (desk.state("c"), desk.task("c").inputs_pending) == ("queued", 0)


WRITER = """
import sys
from farwork import clock
from farwork.storage.store import Store
from tests.storage.desk import Desk, report, said

url, name, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = Store(url, clock.now)
store.open()
desk = Desk(store, "default")
sys.stdin.readline()
order = range(count) if first == 0 else reversed(range(count))
waiting = [
    desk.hand(
        report(said(f"shared-{n % 40:02}", "running", at=n, delivery_id=f"{name}-{n}")),
        report(said(f"fresh-{n:03}", "running", at=n, delivery_id=f"{name}-{n}")),
        report(said(f"out-{n % 20:02}", at=n, message=name)),
        report(said(f"in-{n % 20:02}", "succeeded", at=n, message=name)),
    )
    for n in order
]
for future in waiting:
    assert [o.refusal for o in future.result(60).outcomes] == [None] * 4, future
store.close()
"""


def follow(desk: Desk, done: Callable[[], bool]) -> list[int]:
    """The positions that a reader of the feed comes by while others write."""
    seen: list[int] = []
    while True:
        over = done()
        page = desk.feed(after=seen[-1] if seen else 0, limit=50)
        seen += [event.position for event in page]
        if over and not page:
            return seen


def test_two_processes_at_full_speed_lose_nothing_and_a_follower_misses_nothing(
    fresh_postgres_url: str,
) -> None:
    """They make the same tasks known, and end inputs of the same tasks, in opposite orders.

    Each would have to wait for the other in some batches; no deadlock comes to light.
    """
    with another(fresh_postgres_url) as desk:
        desk.create(*(f"in-{n:02}" for n in range(20)))
        desk.give(
            *(
                creation(f"out-{n:02}", inputs=(f"in-{n:02}", f"in-{(n + 7) % 20:02}"))
                for n in range(20)
            )
        )
        writers = [
            Popen(
                [sys.executable, "-c", WRITER, fresh_postgres_url, name, str(n), str(REPORTS_EACH)],
                stdin=PIPE,
                stderr=PIPE,
                text=True,
            )
            for n, name in enumerate(("one", "two"))
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("\n")
            writer.stdin.flush()
        seen = follow(desk, lambda: all(writer.poll() is not None for writer in writers))
        for writer in writers:
            _, complaints = writer.communicate(timeout=PATIENCE_S)
            assert writer.returncode == 0, complaints
        assert seen == [event.position for event in desk.feed(limit=10**6)]
        reports = [event for event in desk.feed(limit=10**6) if event.type == "task.reported"]
        assert len(reports) == 8 * REPORTS_EACH
        assert {
            (desk.state(f"out-{n:02}"), desk.task(f"out-{n:02}").inputs_pending) for n in range(20)
        } == {("queued", 0)}
        assert desk.read(lambda con: counted(con, "default")) == desk.read(
            lambda con: recounted(con, "default")
        )
