"""Reports: each is taken once, in whatever company, and the order of arrival is no matter."""

from dataclasses import asdict
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farwork.domain import commands as c
from farwork.domain.errors import NothingToAdopt
from farwork.domain.values import OnInputFailure, TaskState
from farwork.protocol.reports import ReportIn, ResultIn
from farwork.storage import part_reader
from farwork.storage import tables as t
from farwork.storage.part_reader import ResultRow
from farwork.storage.store import Store
from farwork.storage.writes import Outcome
from tests.storage.conftest import PROJECTS
from tests.storage.desk import START, Desk, importing, report, said, shard


def verdicts(outcomes: list[Outcome]) -> list[str]:
    return [str(outcome.verdict) for outcome in outcomes]


def rows_of(desk: Desk, id_: str) -> list[ResultRow]:
    task = desk.task(id_)
    return desk.read(lambda con: part_reader.results(con, task))


# Each is taken once.


def test_a_report_makes_its_task_known(desk: Desk) -> None:
    (outcome,) = desk.report(said("new", "running", at=1, kind="train", labels={"a": "b"}))
    task = desk.task("new")
    assert (outcome.verdict, outcome.existed, outcome.state) == ("applied", False, "running")
    assert (task.kind, task.labels, task.version, task.creator) == ("train", {"a": "b"}, 1, "tests")
    assert desk.told() == [("registered", "new"), ("reported", "new")]


def test_a_project_may_refuse_reports_about_unknown_tasks(desk: Desk) -> None:
    (outcome,) = desk.give(report(said("new", "running", at=1), register=False))
    assert (outcome.verdict, outcome.task, outcome.event_id) == ("unknown_task", None, None)
    assert (desk.find("new"), desk.feed()) == (None, [])


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "several batches"])
def test_the_same_report_again_is_a_duplicate(desk: Desk, together: bool) -> None:  # noqa: FBT001 - a parameter
    same = [said("a", "running", at=1, message="m") for _ in range(3)]
    outcomes = desk.report(*same) if together else [desk.report(one)[0] for one in same]
    assert verdicts(outcomes) == ["applied", "duplicate", "duplicate"]
    assert desk.task("a").version == 1


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "several batches"])
def test_the_same_delivery_id_is_a_duplicate_whatever_it_says(desk: Desk, together: bool) -> None:  # noqa: FBT001 - a parameter
    same = [said("a", state, at=1, delivery_id="d") for state in ("running", "failed")]
    outcomes = desk.report(*same) if together else [desk.report(one)[0] for one in same]
    assert verdicts(outcomes) == ["applied", "duplicate"]
    assert desk.state("a") == "running"


def test_the_same_content_about_two_tasks_is_taken_twice(desk: Desk) -> None:
    assert verdicts(desk.report(*(said(id_, "running", at=1) for id_ in "ab"))) == ["applied"] * 2


def test_a_duplicate_is_recognised_after_the_task_was_imported_over(desk: Desk) -> None:
    desk.report(said("a", "running", at=1))
    desk.do(importing("a", state=TaskState.RUNNING))
    assert verdicts(desk.report(said("a", "running", at=1))) == ["duplicate"]


def test_every_report_is_kept_with_its_verdict_and_what_it_said(desk: Desk) -> None:
    desk.report(
        said("a", "succeeded", at=5, delivery_id="d", metadata={"k": 1}),
        said("a", "running", at=1, message="early"),
        said("a", "succeeded", at=5, delivery_id="d"),
    )
    _, *events = desk.events("a")
    assert [(e.verdict, e.report and e.report.get("message")) for e in events] == [
        ("applied", None),
        ("applied", "early"),
        ("duplicate", None),
    ]
    assert events[0].report["metadata"] == {"k": 1}
    assert desk.details("a").metadata == {"k": 1}


# The order of arrival is no matter.

STORY = [
    said("a", "queued", at=1, queue="gpu", labels={"x": "1"}),
    said("a", "running", at=2, progress=10.0, metadata={"k": 1, "l": 1}, kind="train"),
    said("a", at=3, progress=60.0, message="halfway", metadata={"k": 2}),
    said("a", "failed", at=4, reason="oom", result={"loss": 1}),
    said("a", "succeeded", at=5, result={"loss": 2}, metadata={"m": 1}),
    said("a", at=6, message="after the end", labels={"y": "2"}),
]


def everything(desk: Desk) -> dict[str, Any]:
    """All that readers can know of a task but for what tells of its arrival here."""
    task = desk.task("a")
    arrival = ("pk", "project", "version", "created_at", "updated_at")
    found: dict[str, Any] = {k: v for k, v in asdict(task).items() if k not in arrival}
    return found | {"details": asdict(desk.details("a")), "results": desk.results("a")}


def split(reports: list[ReportIn], cuts: list[int]) -> list[list[ReportIn]]:
    places = sorted({0, *cuts, len(reports)})
    return [reports[a:b] for a, b in pairwise(places)]


def told_in_order(store: Store) -> dict[str, Any]:
    desk = Desk(store, f"project-{next(PROJECTS)}")
    for one in STORY:
        desk.report(one)
    return everything(desk)


@settings(max_examples=25)
@given(data=st.data())
def test_any_order_any_repetition_and_any_batches_end_in_the_same_task(
    shared_store: Store, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(STORY + data.draw(st.lists(st.sampled_from(STORY)))))
    cuts = data.draw(st.lists(st.integers(0, len(order))))
    desk = Desk(shared_store, f"project-{next(PROJECTS)}")
    for batch in split(order, cuts):
        desk.report(*batch)
    assert everything(desk) == told_in_order(shared_store)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_out_of_order_across_batches_equals_in_order(desk: Desk, order: tuple[int, ...]) -> None:
    reports = [
        said("a", "running", at=1, progress=5.0),
        said("a", at=2, progress=50.0),
        said("a", "succeeded", at=3),
    ]
    for place in order:
        desk.report(reports[place])
    task = desk.task("a")
    assert (task.state, task.percent, task.started_at, task.completed_at) == (
        "succeeded",
        100.0,
        START + 1_000_000,
        START + 3_000_000,
    )


def test_a_report_from_before_an_import_is_folded_behind_it(desk: Desk) -> None:
    desk.report(said("a", "running", at=1))
    desk.do(importing("a", state=TaskState.SUCCEEDED, updated_at=START + 10_000_000))
    assert verdicts(desk.report(said("a", "failed", at=2))) == ["conflict"]
    assert desk.state("a") == "succeeded"


def test_commands_have_their_place_in_the_timeline_across_batches_and_within_one(
    desk: Desk,
) -> None:
    for id_, together in (("a", True), ("b", False)):
        commands: list[c.Command] = [
            report(said(id_, "running", at=2)),
            c.CancelTask(task_id=id_, reason="enough"),
            report(said(id_, at=1, progress=40.0)),
            c.RetryTask(task_id=id_),
            report(said(id_, "running", attempt=2)),
            report(said(id_, "succeeded", attempt=1, at=3)),
        ]
        for batch in [commands] if together else [[command] for command in commands]:
            desk.give(*batch)
    assert [(e.type, e.verdict, e.attempt) for e in desk.events("a")] == [
        (e.type, e.verdict, e.attempt) for e in desk.events("b")
    ]
    tasks = [desk.task(id_) for id_ in "ab"]
    assert [(task.state, task.attempt) for task in tasks] == [("running", 2)] * 2
    assert [event.verdict for event in desk.events("a")][-1] == "late"


def test_every_kind_of_fact_comes_back_from_the_log(desk: Desk) -> None:
    """A report out of order makes the task be folded from its whole log."""
    desk.create("input", "other")
    desk.create("a", inputs=("input",), submit=False)
    desk.create("b", inputs=("other",), on_input_failure=OnInputFailure.HOLD)
    desk.give(
        c.SubmitTask(task_id="a"),
        report(said("input", "succeeded", at=1)),
        report(said("a", "running", at=5)),
        c.ExpireTask(task_id="a", state=TaskState.FAILED, reason="timeout"),
        report(said("other", "failed", at=1)),
    )
    desk.report(said("a", at=4, progress=10.0), said("b", at=4, message="m"))
    assert (desk.state("a"), desk.task("a").reason) == ("failed", "timeout")
    assert (desk.state("b"), desk.task("b").reason) == ("blocked", "upstream")
    desk.give(c.RetryTask(task_id="a"), report(said("a", "failed", attempt=2)))
    desk.give(c.RetryTask(task_id="a"), report(said("a", "succeeded", attempt=2)))
    desk.give(c.CancelTask(task_id="a"), c.AdoptReport(task_id="a"))
    desk.report(said("a", attempt=3, at=1, message="old"))
    assert (desk.state("a"), desk.task("a").reason) == ("succeeded", "adopted")


# Results.


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "several batches"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_two_results_of_one_name_the_final_one_and_then_the_later_holds(
    desk: Desk,
    order: tuple[int, ...],
    together: bool,  # noqa: FBT001 - a parameter
) -> None:
    reports = [
        said("a", "running", at=9, result="while it ran"),
        said("a", "succeeded", at=2, result="first end"),
        said("a", "succeeded", at=3, result="second end"),
    ]
    chosen = [reports[place] for place in order]
    for batch in [chosen] if together else [[one] for one in chosen]:
        desk.report(*batch)
    assert desk.results("a") == {"result": "second end"}


def test_results_of_different_names_stand_beside_each_other(desk: Desk) -> None:
    several = [ResultIn(name="x", data=1), ResultIn(name="y", type="image", files=[{"url": "u"}])]
    desk.report(said("a", "succeeded", at=1, results=several, result=[3]))
    rows = {row.name: (row.type, row.data, row.files) for row in rows_of(desk, "a")}
    assert rows == {
        "result": (None, [3], []),
        "x": (None, 1, []),
        "y": ("image", None, [{"url": "u"}]),
    }
    assert desk.task("a").has_result


def test_a_late_result_is_kept_beside_the_tasks_own_and_can_be_adopted(desk: Desk) -> None:
    desk.report(said("a", "running", at=1, result="early"))
    desk.do(c.CancelTask(task_id="a"))
    (late,) = desk.report(said("a", "succeeded", at=2, result="late", message="done"))
    assert late.verdict == "late"
    assert [(row.data, row.late) for row in rows_of(desk, "a")] == [
        ("early", False),
        ("late", True),
    ]
    outcome = desk.do(c.AdoptReport(task_id="a"))
    assert (outcome.state, desk.results("a")) == ("succeeded", {"result": "late"})
    adopted = desk.events("a")[-1]
    assert adopted.data == {"adopted_event_id": late.event_id}


def test_a_certain_late_end_can_be_adopted_and_no_other(desk: Desk) -> None:
    desk.create("a")
    desk.do(c.CancelTask(task_id="a"))
    first, second = desk.report(
        said("a", "succeeded", at=1, result=1), said("a", "failed", at=2, message="broken")
    )
    with pytest.raises(NothingToAdopt):
        desk.do(c.AdoptReport(task_id="a", event_id=2**40))
    assert desk.do(c.AdoptReport(task_id="a", event_id=first.event_id)).state == "succeeded"
    assert second.verdict == "late"


def test_a_late_report_can_be_adopted_by_a_command_that_waits_right_behind_it(desk: Desk) -> None:
    desk.create("a")
    desk.do(c.CancelTask(task_id="a"))
    late, adopting = desk.together(
        lambda: desk.hand(report(said("a", "succeeded", at=1, result="late"))),
        lambda: desk.hand(c.AdoptReport(task_id="a"), atomic=True),
    )
    assert late.result().outcomes[0].verdict == "late"
    assert adopting.result().outcomes[0].state == "succeeded"


def test_nothing_can_be_adopted_where_nothing_came_late(desk: Desk) -> None:
    desk.report(said("a", "running", at=1))
    with pytest.raises(NothingToAdopt):
        desk.do(c.AdoptReport(task_id="a"))


def test_a_result_of_an_attempt_that_is_over_is_kept_as_that_attempts(desk: Desk) -> None:
    desk.report(said("a", "failed", at=1))
    desk.do(c.RetryTask(task_id="a"))
    (late,) = desk.report(said("a", "succeeded", attempt=1, at=2, result="of the first"))
    desk.report(said("a", "succeeded", attempt=2, result="of the second"))
    assert late.verdict == "late"
    assert [(row.attempt, row.data, row.late) for row in rows_of(desk, "a")] == [
        (2, "of the second", False),
        (1, "of the first", True),
    ]
    key = desk.task("a").pk
    (first,) = desk.read(lambda con: part_reader.attempts(con, key))
    assert (first["number"], first["state"]) == (1, "failed")


# Shards.


def test_a_task_follows_its_shards_and_puts_their_results_together(desk: Desk) -> None:
    desk.report(
        said("a", at=1, shard=shard(1, "running", item_count=2, item_offset=1)),
        said("a", at=2, shard=shard(0, "succeeded", result="first")),
        said("a", at=3, shard=shard(1, "succeeded", result=["second", "third"])),
    )
    assert desk.state("a") == "succeeded"
    (row,) = rows_of(desk, "a")
    assert row.data == ["first", "second", "third"]
    assert row.created_at == START + 3_000_000


def test_shards_change_alike_within_a_batch_and_across_batches(desk: Desk) -> None:
    reports: list[tuple[str, dict[str, Any]]] = [
        ("queued", {}),
        ("running", {"external_ref": "job-7"}),
        ("failed", {"result": {"partial": 1}}),
        ("succeeded", {"result": {"whole": 1}}),
    ]
    for id_, together in (("a", True), ("b", False)):
        story = [
            said(id_, at=n, shard=shard(0, state, **more))
            for n, (state, more) in enumerate(reports)
        ]
        for batch in [story] if together else [[one] for one in story]:
            desk.report(*batch)
        key = desk.task(id_).pk
        (known,) = desk.read(lambda con, key=key: part_reader.shards(con, key))
        kept = desk.read(lambda con, key=key: part_reader.shard_results(con, key))
        assert (known.state, known.external_ref) == ("succeeded", "job-7")
        assert kept == {0: {"whole": 1}}


def test_a_shard_result_that_comes_late_does_not_replace_a_later_one(desk: Desk) -> None:
    desk.report(said("a", at=5, shard=shard(0, "succeeded", result="later")))
    desk.report(said("a", at=4, shard=shard(0, "succeeded", result="earlier")))
    key = desk.task("a").pk
    assert desk.read(lambda con: part_reader.shard_results(con, key)) == {0: "later"}


def test_a_task_that_succeeded_through_shards_without_results_has_none(desk: Desk) -> None:
    desk.report(said("a", at=1, shard=shard(0, "succeeded")))
    assert (desk.state("a"), rows_of(desk, "a")) == ("succeeded", [])


def test_a_result_of_its_own_goes_before_that_of_its_shards(desk: Desk) -> None:
    desk.report(
        said("a", at=1, shard=shard(0, "succeeded", result="of the shard")),
        said("a", "succeeded", at=2, result="of the task"),
    )
    assert [row.data for row in rows_of(desk, "a")] == ["of the task"]


def test_retrying_reopens_the_shards_that_failed(desk: Desk) -> None:
    desk.report(
        said("a", at=1, shard=shard(0, "succeeded")), said("a", at=2, shard=shard(1, "failed"))
    )
    desk.do(c.RetryTask(task_id="a"))
    key = desk.task("a").pk
    assert [s.state for s in desk.read(lambda con: part_reader.shards(con, key))] == [
        "succeeded",
        "queued",
    ]
    assert desk.task("a").attempt == 2
    assert desk.rows(t.attempts) >= 1
