"""The committer: what waits is committed together, and one guilty write fails alone."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.errors import TaskNotFound
from farwork.storage import committer as limits
from farwork.storage import tables as t
from farwork.storage.batch import Batch
from farwork.storage.committer import Committer, ThreadMailbox
from farwork.storage.engine import open_engine
from farwork.storage.errors import NotStorable, Overloaded, StorageUnavailable
from farwork.storage.store import Store
from farwork.storage.writes import Idempotency, Write
from tests.storage.desk import PATIENCE_S, Desk, creation, report, said

BEYOND_BIGINT = 2**63


@pytest.fixture
def heads() -> list[int]:
    """The feed's head at each commit that wrote events."""
    return []


@pytest.fixture
def watched(fresh_url: str, heads: list[int]) -> Iterator[Desk]:
    store = Store(fresh_url, clock.now, on_commit=heads.append)
    store.open()
    yield Desk(store, "default")
    store.close()


def hand(desk: Desk, id_: str, **fields: Any) -> Callable[[], Future[Any]]:
    return lambda: desk.hand(creation(id_, **fields), atomic=True)


def test_a_lone_write_is_committed_at_once(desk: Desk) -> None:
    outcome = desk.do(creation("alone", submit=False))
    assert (outcome.state, outcome.existed) == ("created", False)
    assert desk.state("alone") == "created"


def test_writes_that_wait_together_share_one_transaction(watched: Desk, heads: list[int]) -> None:
    futures = watched.together(*(hand(watched, f"task-{n}") for n in range(10)))
    assert [future.result().outcomes[0].task_id for future in futures] == [
        f"task-{n}" for n in range(10)
    ]
    assert heads == [10]


def test_a_transaction_leaves_nothing_for_the_garbage_collector(watched: Desk) -> None:
    gc.collect()
    gc.disable()
    try:
        watched.do(creation("one"))
        watched.do(report(said("one", "running")))
        watched.store.committer.close()
        assert [kept for kept in gc.get_objects() if isinstance(kept, Batch)] == []
    finally:
        gc.enable()


def test_positions_and_keys_follow_the_order_of_arrival(watched: Desk) -> None:
    watched.together(*(hand(watched, id_) for id_ in "cab"))
    assert [event.task_id for event in watched.feed()] == ["c", "a", "b"]
    assert watched.task("c").pk < watched.task("a").pk < watched.task("b").pk


def test_commands_that_wait_together_see_what_those_before_them_did(watched: Desk) -> None:
    futures = watched.together(
        hand(watched, "one"),
        lambda: watched.hand(report(said("one", "running", at=1))),
        lambda: watched.hand(report(said("one", "succeeded", at=2))),
        hand(watched, "one"),
    )
    assert [future.exception() is None for future in futures] == [True, True, True, False]
    assert (watched.state("one"), watched.task("one").version) == ("succeeded", 3)


@pytest.mark.parametrize("bad", [(0,), (3,), (7,), (2, 5), tuple(range(8))])
def test_only_the_guilty_writes_of_a_batch_fail(watched: Desk, bad: tuple[int, ...]) -> None:
    futures = watched.together(
        *(hand(watched, f"task-{n}", percent=150.0 if n in bad else 50.0) for n in range(8))
    )
    failed = {n for n, future in enumerate(futures) if future.exception() is not None}
    assert failed == set(bad)
    assert {type(futures[n].exception()) for n in bad} == {NotStorable}
    assert {n for n in range(8) if watched.find(f"task-{n}") is None} == set(bad)
    assert len(watched.feed()) == 8 - len(bad)


def test_a_number_beyond_the_columns_fails_only_the_write_that_has_it(watched: Desk) -> None:
    futures = watched.together(
        hand(watched, "before"),
        hand(watched, "huge", started_at=BEYOND_BIGINT),
        hand(watched, "after"),
    )
    assert [future.exception() is None for future in futures] == [True, False, True]
    with pytest.raises(NotStorable, match="The database does not take this"):
        futures[1].result()


def test_text_that_is_no_unicode_fails_only_the_write_that_has_it(watched: Desk) -> None:
    futures = watched.together(hand(watched, "fine"), hand(watched, "odd", name="\ud800"))
    assert futures[0].exception() is None
    assert isinstance(futures[1].exception(), NotStorable)


def test_a_mistake_in_one_write_of_ours_reaches_only_the_one_who_waits_for_it(
    watched: Desk,
) -> None:
    def stumble(_outcomes: Any) -> tuple[int, bytes]:
        raise ZeroDivisionError("a mistake")

    futures = watched.together(
        hand(watched, "before"),
        lambda: watched.hand(creation("odd"), idempotency=Idempotency("key", b"", stumble)),
        hand(watched, "after"),
    )
    assert [type(future.exception()) for future in futures] == [
        type(None),
        ZeroDivisionError,
        type(None),
    ]
    assert [watched.find(id_) is None for id_ in ("before", "odd", "after")] == [False, True, False]


def test_keys_of_a_failed_transaction_are_not_wasted_and_never_shared(watched: Desk) -> None:
    watched.together(hand(watched, "a"), hand(watched, "b", percent=150.0), hand(watched, "c"))
    watched.create("d")
    keys = [watched.task(id_).pk for id_ in "acd"]
    assert keys == list(range(keys[0], keys[0] + 3))


def test_a_write_larger_than_a_batch_is_taken_whole(own_desk: Desk) -> None:
    ids = [f"task-{n}" for n in range(limits.BATCH_COMMANDS_MAX + 200)]
    outcomes = own_desk.give(*(report(said(id_, "running", at=1)) for id_ in ids))
    assert [outcome.task_id for outcome in outcomes] == ids
    assert own_desk.rows(t.tasks) == len(ids)


def test_more_than_a_batch_takes_several_transactions(watched: Desk, heads: list[int]) -> None:
    many = limits.BATCH_COMMANDS_MAX // 2 + 1
    writes = [
        [report(said(f"task-{n}-{m}", "running", at=1)) for m in range(many)] for n in range(3)
    ]
    watched.together(*(partial(watched.hand, *write) for write in writes))
    # A registration and a report each.
    assert heads == [2 * many, 4 * many, 6 * many]


def test_a_batch_is_bounded_by_bytes_too(
    watched: Desk, heads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BATCH_BYTES_MAX", 1_000)
    writes = [report(said(f"task-{n}", at=1, metadata={"text": "x" * 600})) for n in range(3)]
    watched.together(*(partial(watched.hand, write) for write in writes))
    assert heads == [2, 4, 6]


class Held:
    """A committer that is busy until it is released."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._entered, self._gate = Event(), Event()

    def __enter__(self) -> Desk:
        self.working: Future[Any] = self._desk.store.work(self._hold)
        assert self._entered.wait(PATIENCE_S)
        return self._desk

    def __exit__(self, *_: object) -> None:
        self._gate.set()
        self.working.result(PATIENCE_S)

    def _hold(self, _connection: Any, _statements: Any, _tick: Any) -> tuple[None, None]:
        self._entered.set()
        assert self._gate.wait(PATIENCE_S)
        return None, None


def test_a_full_queue_refuses_what_does_not_fit_and_keeps_what_it_took(
    own_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING_COMMANDS_MAX", 5)
    with Held(own_desk) as desk:
        taken = [desk.hand(creation(f"task-{n}")) for n in range(5)]
        assert desk.store.committer.waiting == 5
        with pytest.raises(Overloaded, match="try again shortly"):
            desk.hand(creation("one too many"))
    assert [future.result(PATIENCE_S).outcomes[0].refusal for future in taken] == [None] * 5
    assert own_desk.find("one too many") is None
    own_desk.create("one too many")


def test_a_queue_full_of_bytes_refuses_too(own_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_BYTES_MAX", 1_000)
    with Held(own_desk) as desk:
        first = desk.hand(report(said("large", at=1, metadata={"text": "x" * 2_000})))
        with pytest.raises(Overloaded):
            desk.hand(report(said("small", at=1)))
    assert first.result(PATIENCE_S).outcomes[0].verdict == "applied"


def test_a_write_larger_than_the_queue_is_taken_when_nothing_waits(
    own_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING_COMMANDS_MAX", 5)
    outcomes = own_desk.give(*(creation(f"task-{n}") for n in range(9)))
    assert [outcome.refusal for outcome in outcomes] == [None] * 9


def test_what_nobody_waits_for_any_more_is_not_carried_out(own_desk: Desk) -> None:
    with Held(own_desk) as desk:
        given_up = [desk.hand(creation(f"given-up-{n}")) for n in range(2)]
        kept = desk.hand(creation("kept"))
        assert [future.cancel() for future in given_up] == [True, True]
    kept.result(PATIENCE_S)
    with Held(own_desk) as desk:
        assert desk.hand(creation("alone")).cancel()
    assert [event.task_id for event in own_desk.feed()] == ["kept"]


def test_closing_writes_what_waits_and_takes_nothing_more(fresh_url: str) -> None:
    store = Store(fresh_url, clock.now)
    store.open()
    waiting = [Desk(store, "default").hand(creation(f"task-{n}")) for n in range(20)]
    store.close()
    assert [future.result(0).outcomes[0].state for future in waiting] == ["queued"] * 20
    with pytest.raises(StorageUnavailable, match="stopping"):
        Desk(store, "default").hand(creation("late"))


def test_a_store_that_never_opened_can_be_closed(fresh_url: str) -> None:
    Store(fresh_url, clock.now).close()


def test_those_who_follow_the_feed_may_fail_without_harm(fresh_url: str) -> None:
    def stumble(_head: int) -> None:
        raise ZeroDivisionError("a mistake")

    store = Store(fresh_url, clock.now, on_commit=stumble)
    store.open()
    desk = Desk(store, "default")
    desk.create("one")
    desk.create("two")
    store.close()
    assert store.committer.trouble is None


def test_a_mailbox_that_breaks_does_not_stop_the_committer(own_desk: Desk) -> None:
    class Broken(ThreadMailbox):
        def deliver(self, answers: list[tuple[Any, Any]]) -> None:
            super().deliver(answers[:0])
            raise ZeroDivisionError(len(answers))

    write = Write("default", [creation("unheard")])
    unheard = own_desk.store.committer.submit(write, Broken())
    own_desk.create("heard")
    assert not unheard.done()
    assert [event.task_id for event in own_desk.feed()] == ["unheard", "heard"]


# Work: a function of its own transaction.


def working(do: Callable[[Connection], Any], head: int | None = None) -> Callable[..., Any]:
    def work(connection: Connection, _statements: Any, _tick: Any) -> tuple[Any, int | None]:
        return do(connection), head

    return work


def test_work_runs_alone_between_the_writes_around_it(watched: Desk, heads: list[int]) -> None:
    def count(connection: Connection) -> int:
        return len(connection.execute(t.tasks.select()).all())

    futures = watched.together(
        hand(watched, "one"),
        lambda: watched.store.work(working(count)),
        hand(watched, "two"),
        hand(watched, "three"),
    )
    assert futures[1].result() == 1
    assert heads == [1, 3]


def test_work_that_wrote_events_wakes_those_who_follow(watched: Desk, heads: list[int]) -> None:
    watched.store.work(working(lambda _connection: None, head=77)).result(PATIENCE_S)
    assert heads == [77]


def test_work_that_fails_is_taken_back_and_the_next_runs(own_desk: Desk) -> None:
    def insert_and(error: Exception) -> Callable[[Connection], None]:
        def do(connection: Connection) -> None:
            connection.execute(t.heads.insert().values(name="mine", value=1))
            raise error

        return do

    def break_a_rule(connection: Connection) -> None:
        connection.execute(t.heads.insert().values(name="feed", value=1))

    refused = own_desk.store.work(working(insert_and(TaskNotFound.of("x"))))
    mistaken = own_desk.store.work(working(insert_and(ZeroDivisionError())))
    broken = own_desk.store.work(working(break_a_rule))
    assert [type(f.exception(PATIENCE_S)) for f in (refused, mistaken, broken)] == [
        TaskNotFound,
        ZeroDivisionError,
        NotStorable,
    ]
    assert own_desk.rows(t.heads) == 2


# Trouble with the database itself.


def test_a_database_that_is_away_fails_all_alike_until_it_is_back(fresh_url: str) -> None:
    engine = open_engine(fresh_url)
    committer = Committer(engine, clock.now)
    committer.start()
    desk_of = [Write("default", [creation(f"task-{n}")]) for n in range(3)]

    def unplugged(*_: object, **__: object) -> Any:
        raise StorageUnavailable("unplugged")

    connect, engine.connect = engine.connect, unplugged
    futures = [committer.submit(write) for write in desk_of]
    for future in futures:
        with pytest.raises(StorageUnavailable, match="unplugged"):
            future.result(PATIENCE_S)
    assert committer.trouble == "unplugged"
    engine.connect = connect
    assert committer.submit(desk_of[0]).result(PATIENCE_S).outcomes[0].state == "queued"
    assert committer.trouble is None
    committer.close()
    engine.dispose()
