"""Writes that are atomic or come again, and what they leave behind when they are refused."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update

from farwork import clock
from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.errors import IdempotencyKeyReused, InputNotFound, TaskExists
from farwork.domain.shards import Shard
from farwork.domain.values import Result, TaskState
from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from farwork.storage.flush import PROMISES_KEPT_US
from farwork.storage.store import Store
from farwork.storage.writes import Answer, Ask, Idempotency, Outcome, Write
from tests.storage.desk import PATIENCE_S, Desk, creation, importing, report, said, shard
from tests.support.waiting import until


def settled(future: "Future[Answer]") -> Answer:
    return future.result(PATIENCE_S)


# Atomic: whole or not at all.


def test_an_atomic_write_is_carried_out_whole(desk: Desk) -> None:
    outcomes = desk.give(creation("a"), creation("b", inputs=("a",)), atomic=True)
    assert [outcome.state for outcome in outcomes] == ["queued", "blocked"]


def test_an_atomic_write_that_is_refused_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(InputNotFound, match="names the input 'nobody'"):
        desk.give(
            creation("a", labels={"x": "1"}, job_id="j"),
            creation("b", inputs=("nobody",)),
            atomic=True,
        )
    assert desk.find("a") is None
    assert desk.feed() == []


def test_a_write_that_is_not_atomic_carries_out_what_it_can(desk: Desk) -> None:
    outcomes = desk.give(creation("a"), creation("a"), creation("b"))
    assert [type(outcome.refusal) for outcome in outcomes] == [type(None), TaskExists, type(None)]
    assert [desk.state(id_) for id_ in "ab"] == ["queued", "queued"]


def test_a_refused_atomic_write_changes_nothing_for_those_in_the_same_batch(desk: Desk) -> None:
    """Everything that a batch remembers is taken back: tasks, reports seen, shards, waits."""
    desk.create("known")
    first = report(said("known", "running", at=1))
    again = report(said("known", "running", at=1))
    futures = desk.together(
        lambda: desk.hand(creation("before")),
        lambda: desk.hand(
            first,
            report(said("known", at=2, shard=shard(0, "running"))),
            c.DeleteTask(task_id="before"),
            creation("waiting", inputs=("known",)),
            report(said("known", "succeeded", at=3)),
            creation("known"),
            atomic=True,
        ),
        lambda: desk.hand(again),
        lambda: desk.hand(report(said("known", "running", at=0.5))),
        lambda: desk.hand(report(said("known", at=4, shard=shard(0, "running")))),
    )
    assert isinstance(futures[1].exception(), TaskExists)
    assert [settled(futures[n]).outcomes[0].verdict for n in (2, 3, 4)] == ["applied"] * 3
    assert desk.state("before") == "queued"
    assert desk.find("waiting") is None
    task = desk.task("known")
    assert (task.state, task.shards and task.shards.total) == ("running", 1)
    assert [event.verdict for event in desk.events("known")[1:]] == ["applied"] * 3


def test_what_an_earlier_write_of_the_batch_did_survives_a_refused_one(desk: Desk) -> None:
    desk.create("a", "b")
    futures = desk.together(
        lambda: desk.hand(report(said("a", "running", at=1))),
        lambda: desk.hand(creation("c", inputs=("a",))),
        lambda: desk.hand(c.CancelTask(task_id="b"), creation("a"), atomic=True),
        lambda: desk.hand(report(said("a", "running", at=1))),
        lambda: desk.hand(report(said("a", "succeeded", at=2))),
    )
    assert isinstance(futures[2].exception(), TaskExists)
    assert settled(futures[3]).outcomes[0].verdict == "duplicate"
    assert {id_: desk.state(id_) for id_ in "abc"} == {
        "a": "succeeded",
        "b": "queued",
        "c": "queued",
    }


# Claims.


def test_a_claim_knows_what_was_said_just_before_it(desk: Desk) -> None:
    desk.create("old")
    ask = Ask("w", ["default"], tasks_max=2, lease_us=60_000_000)
    new = creation("new", details=Details({"x": 1}, {"by": "hand"}, {}))
    claim = desk.together(
        lambda: desk.hand(report(said("old", metadata={"checkpoint": 1}))),
        lambda: desk.hand(new),
        lambda: desk.hand(report(said("new", metadata={"checkpoint": 2}))),
        lambda: desk.store.write(Write(desk.project, [], claim=ask)),
    )[-1]
    claimed = {one.task_id: one.details for one in settled(claim).outcomes}
    assert claimed == {
        "old": Details({}, {"checkpoint": 1}, {}),
        "new": Details({"x": 1}, {"by": "hand", "checkpoint": 2}, {}),
    }


@pytest.mark.postgres
def test_a_lease_that_is_renewed_meanwhile_is_not_given_up(fresh_postgres_url: str) -> None:
    store = Store(fresh_postgres_url, clock.now)
    store.open()
    desk = Desk(store, "default")
    desk.create("t")
    ask = Ask("w", ["default"], tasks_max=1, lease_us=1)
    settled(store.write(Write("default", [], claim=ask)))
    other = open_engine(fresh_postgres_url)
    with other.begin() as renewing, other.connect() as watching:
        renewing.execute(update(t.leases).values(ends_at=clock.now() + 60_000_000))
        swept = desk.hand(c.ReapLease(task_id="t", lease_seq=1))
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        until(lambda: watching.execute(waiting).scalar_one(), "the sweep waits for the renewal")
    settled(swept)
    assert (desk.state("t"), desk.task("t").reason) == ("running", None)
    store.close()
    other.dispose()


# Idempotency: the same request again gets the answer of the first time.


@dataclass
class Request:
    """A request as HTTP hands it over: its key, its fingerprint, how its answer is written."""

    key: str
    fingerprint: bytes = b"same"
    rendered: list[list[Outcome]] = field(default_factory=list[list[Outcome]])

    def render(self, outcomes: list[Outcome]) -> tuple[int, bytes]:
        self.rendered.append(outcomes)
        told = [f"{o.task_id} {o.state} {o.event_id}" for o in outcomes]
        return 201, "; ".join(told).encode()

    @property
    def asked(self) -> Idempotency:
        return Idempotency(self.key, self.fingerprint, self.render)


def test_the_same_request_again_gets_the_stored_answer_and_does_nothing(desk: Desk) -> None:
    request = Request("k")
    first = settled(desk.hand(creation("a"), atomic=True, idempotency=request.asked))
    again = settled(desk.hand(creation("a"), atomic=True, idempotency=request.asked))
    assert first.stored is not None
    assert again.stored == first.stored
    assert (again.outcomes, len(request.rendered)) == ([], 1)
    assert len(desk.feed()) == 1


def test_a_stored_answer_names_the_events(desk: Desk) -> None:
    answer = settled(desk.hand(creation("a"), idempotency=Request("k").asked))
    (event,) = desk.feed()
    assert answer.stored is not None
    assert answer.stored.body == f"a queued {event.position}".encode()


def test_the_same_key_for_another_request_is_refused(desk: Desk) -> None:
    settled(desk.hand(creation("a"), idempotency=Request("k").asked))
    other = desk.hand(creation("b"), idempotency=Request("k", b"other").asked)
    with pytest.raises(IdempotencyKeyReused, match="use a new key"):
        settled(other)
    assert desk.find("b") is None


def test_stored_answers_are_dropped_after_a_day(desk: Desk) -> None:
    for id_ in ("a", "b"):
        settled(desk.hand(creation(id_), idempotency=Request(id_).asked))

    mine = t.idempotency.c.project == desk.project

    def age(connection: Connection, _statements: object, _tick: object) -> tuple[None, None]:
        i = t.idempotency
        old = i.c.created_at - PROMISES_KEPT_US
        connection.execute(update(i).where(mine, i.c.key == "a").values(created_at=old))
        return None, None

    desk.store.work(age).result(PATIENCE_S)
    settled(desk.hand(creation("c"), idempotency=Request("c").asked))
    kept = desk.read(lambda c: c.execute(select(t.idempotency.c.key).where(mine)).scalars().all())
    assert sorted(kept) == ["b", "c"]


def test_a_key_belongs_to_its_project(desk: Desk) -> None:
    neighbour = Desk(desk.store, f"{desk.project}-neighbour")
    settled(desk.hand(creation("a"), idempotency=Request("k").asked))
    settled(neighbour.hand(creation("b"), idempotency=Request("k", b"other").asked))
    assert neighbour.state("b") == "queued"


def test_the_same_request_several_times_in_one_batch_is_carried_out_once(desk: Desk) -> None:
    request = Request("k")
    same = [
        lambda: desk.hand(creation("a"), atomic=True, idempotency=request.asked) for _ in range(4)
    ]
    other = Request("k", b"other")
    *futures, refused = desk.together(
        *same, lambda: desk.hand(creation("b"), atomic=True, idempotency=other.asked)
    )
    answers = [settled(future).stored for future in futures]
    assert answers[0] is not None
    assert answers[0].body.startswith(b"a queued ")
    assert answers[1:] == answers[:1] * 3
    assert isinstance(refused.exception(), IdempotencyKeyReused)
    assert len(desk.feed()) == 1


def test_a_request_that_was_refused_may_be_made_again(desk: Desk) -> None:
    """Nothing was done, so there is nothing to repeat."""
    request = Request("k")
    refused = desk.hand(creation("a", inputs=("b",)), atomic=True, idempotency=request.asked)
    assert isinstance(refused.exception(PATIENCE_S), InputNotFound)
    desk.create("b")
    again = desk.hand(creation("a", inputs=("b",)), atomic=True, idempotency=request.asked)
    assert settled(again).outcomes[0].state == "blocked"


def test_a_request_that_changes_nothing_has_its_answer_stored_too(desk: Desk) -> None:
    desk.create("a")
    desk.do(c.CancelTask(task_id="a"))
    before = len(desk.feed())
    for _ in range(2):
        answer = settled(desk.hand(c.CancelTask(task_id="a"), idempotency=Request("k").asked))
        assert answer.stored is not None
        assert answer.stored.body == b"a cancelled None"
    assert len(desk.feed()) == before


# Deleting and replacing.


def full(id_: str, **more: Any) -> c.ImportTask:
    return importing(
        id_,
        **{
            "state": TaskState.RUNNING,
            "labels": {"team": "x"},
            "inputs": ("input",),
            "results": [c.KeptResult(Result(data={"loss": 0.1}))],
            "shards": [Shard(0), Shard(1)],
            "shard_results": {0: [1, 2]},
        }
        | more,
    )


def test_a_deleted_task_leaves_nothing_but_the_word_that_it_is_gone(desk: Desk) -> None:
    desk.create("input")
    desk.give(full("a"), report(said("a", "failed", at=1)), c.RetryTask(task_id="a"))
    key = desk.task("a").pk
    assert desk.leftovers(key) == [
        "details", "results", "shards", "shard_results", "attempts", "edges", "labels", "events",
    ]  # fmt: skip
    desk.do(c.DeleteTask(task_id="a"))
    assert desk.leftovers(key) == []
    assert desk.told() == [("created", "input"), ("deleted", "a")]


def test_a_task_that_comes_and_goes_within_a_batch_leaves_its_events_without_content(
    desk: Desk,
) -> None:
    desk.give(
        creation("a", labels={"x": "1"}, job_id="j"),
        report(said("a", "running", at=1, result={"secret": 1})),
        c.DeleteTask(task_id="a"),
    )
    events = desk.feed()
    assert [(e.type, e.task_id, e.report) for e in events] == [
        ("task.created", "a", None),
        ("task.reported", "a", None),
        ("task.deleted", "a", None),
    ]
    assert desk.find("a") is None


def test_a_task_may_be_deleted_and_made_anew_within_a_batch(desk: Desk) -> None:
    desk.create("a", labels={"x": "1", "y": "2"})
    old = desk.task("a").pk
    desk.give(
        report(said("a", "running", at=1, result=1)),
        c.DeleteTask(task_id="a"),
        creation("a", labels={"x": "1", "y": "2"}, details=c.Details({"second": True})),
        report(said("a", "running", at=1, metadata={"k": 1})),
    )
    task = desk.task("a")
    assert (task.state, task.pk > old) == ("running", True)
    assert desk.leftovers(old) == []
    assert desk.details("a") == c.Details({"second": True}, {"k": 1})
    assert desk.results("a") == {}
    assert "labels" in desk.leftovers(task.pk)


def test_an_import_replaces_all_that_hung_on_a_task_and_keeps_its_key_and_log(desk: Desk) -> None:
    desk.create("input")
    desk.give(full("a"), report(said("a", at=1, metadata={"old": 1})))
    key = desk.task("a").pk
    desk.do(
        importing(
            "a",
            state=TaskState.SUCCEEDED,
            labels={"team": "y"},
            results=[c.KeptResult(Result(name="new", data=2))],
            details=c.Details({"p": 1}, {"m": 2}),
        )
    )
    task = desk.task("a")
    assert (task.pk, task.labels, task.inputs) == (key, {"team": "y"}, ())
    assert desk.results("a") == {"new": 2}
    assert desk.details("a") == c.Details({"p": 1}, {"m": 2})
    assert desk.leftovers(key) == ["details", "results", "labels", "events"]
    assert desk.told()[1:] == [("imported", "a"), ("reported", "a"), ("imported", "a")]


def test_what_came_before_an_import_within_a_batch_is_replaced_too(desk: Desk) -> None:
    desk.give(
        creation("a", labels={"x": "1"}),
        report(said("a", "running", at=1, result="old", metadata={"old": 1})),
        report(said("a", at=2, shard=shard(0, "running", result=1))),
        importing(
            "a",
            results=[c.KeptResult(Result(name="new", data=2))],
            details=c.Details({}, {"new": 1}),
        ),
        report(said("a", at=3, metadata={"after": 1})),
    )
    assert desk.results("a") == {"new": 2}
    assert desk.details("a").metadata == {"new": 1, "after": 1}
    assert desk.leftovers(desk.task("a").pk) == ["details", "results", "events"]


def test_labels_follow_the_task(desk: Desk) -> None:
    desk.create("a", labels={"x": "1"})
    desk.do(c.ChangeTask(task_id="a", fields={"labels": {"x": "2", "y": "3"}}))
    desk.do(c.ChangeTask(task_id="a", fields={"priority": 3}))
    key = desk.task("a").pk

    def labels(connection: Any) -> list[Any]:
        label = t.labels.c
        rows = connection.execute(t.labels.select().where(label.task_pk == key))
        return sorted((row.key, row.value) for row in rows)

    assert desk.read(labels) == [("x", "2"), ("y", "3")]
    desk.do(c.ChangeTask(task_id="a", fields={"labels": {}}))
    assert desk.read(labels) == []


def test_the_wide_part_is_changed_key_by_key_and_otherwise_replaced(desk: Desk) -> None:
    desk.create("a", details=c.Details({"p": 1}, {"m": 1, "n": 2}, {"uniqc": {"shots": 1}}))
    desk.do(c.ChangeTask(task_id="a", metadata={"m": None, "o": 3}))
    assert desk.details("a") == c.Details({"p": 1}, {"n": 2, "o": 3}, {"uniqc": {"shots": 1}})
    desk.do(c.ChangeTask(task_id="a", params={"q": 2}, extensions={"sartiq": {"z": 1}}))
    assert desk.details("a") == c.Details(
        {"q": 2}, {"n": 2, "o": 3}, {"uniqc": {"shots": 1}, "sartiq": {"z": 1}}
    )
