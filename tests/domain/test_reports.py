"""What a report makes of its task."""

from dataclasses import replace

import pytest

from farwork.domain import commands as c
from farwork.domain.decide import decide
from farwork.domain.decision import Decision, ResultRecord
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Opened
from farwork.domain.task import LABELS_MAX, Task
from farwork.domain.values import Fault, Origin, Result, TaskState, Verdict
from tests.domain.ledger import tell, told
from tests.domain.words import (
    SECOND,
    TASK,
    cancel,
    change,
    create,
    expire,
    report,
    retry,
    shard,
)

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
SUCCEEDED, FAILED, CANCELLED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED

# Commands are given from second 100 on: what happened before and after is on both sides of it.
EARLY, LATER = 50, 500


# Registration


def test_a_report_about_an_unknown_task_makes_it_known() -> None:
    said = report(1, RUNNING, kind="train", queue="gpu", labels={"x": "1"}, job_id="j", source="s")
    said.actor = "key-1"
    ledger = told(said)
    assert ledger.task == Task(
        "",
        TASK,
        100 * SECOND,
        100 * SECOND,
        kind="train",
        queue="gpu",
        labels={"x": "1"},
        job_id="j",
        state=RUNNING,
        started_at=1 * SECOND,
        creator="key-1",
        mark=said.report.mark,
    )
    assert ledger.log == [
        Event(
            EventType.TASK_REGISTERED,
            100 * SECOND,
            after=TaskState.CREATED,
            actor="key-1",
            source="s",
            fact=Opened(TaskState.CREATED, 100 * SECOND),
        ),
        Event(
            EventType.TASK_REPORTED,
            100 * SECOND,
            before=TaskState.CREATED,
            after=RUNNING,
            version=1,
            actor="key-1",
            source="s",
            verdict=Verdict.APPLIED,
            dedup=said.report.dedup,
            fact=said.report,
        ),
    ]


def test_a_task_that_becomes_known_has_details_and_the_reports_metadata_in_them() -> None:
    ledger = told(report(1, RUNNING, metadata={"loss": 1}))
    decision = ledger.steps[0].outcome
    assert isinstance(decision, Decision)
    assert decision.details == c.Details()
    assert ledger.metadata == {"loss": 1}


def test_a_task_becomes_known_with_its_first_attempt_whatever_the_report_names() -> None:
    ledger = told(report(1, RUNNING, attempt=2))
    assert ledger.answer == ("conflict", "that attempt has not begun", "created")
    assert (ledger.known.attempt, ledger.known.version) == (1, 1)


def test_where_unknown_tasks_are_rejected_nothing_is_kept() -> None:
    decision = decide(None, replace(report(1), register=False), 1)
    assert decision == Decision(
        None,
        verdict=Verdict.UNKNOWN_TASK,
        reason="the project takes no reports about unknown tasks",
    )


# What a report says of the task


@pytest.mark.parametrize("state", TaskState)
def test_a_report_may_say_any_state(state: TaskState) -> None:
    assert told(create(), report(1, state)).answer == ("applied", None, state.value)


def test_what_a_report_does_not_say_stays_as_it_was() -> None:
    ledger = told(
        report(1, RUNNING, kind="train", name="n", queue="gpu", external_ref="r", job_id="j"),
        report(2, percent=5.0, origin=Origin("lab")),
        report(3, labels={"x": "1"}),
    )
    task = ledger.known
    assert task.origin == Origin("lab")
    assert (task.kind, task.name, task.queue, task.external_ref, task.job_id) == (
        "train",
        "n",
        "gpu",
        "r",
        "j",
    )


def test_the_latest_word_about_the_task_itself_holds_whichever_comes_first() -> None:
    said = [
        report(1, RUNNING, kind="a", labels={"x": "1", "y": "1"}, origin=Origin("lab", "1")),
        report(2, SUCCEEDED, kind="b", labels={"x": "2"}),
        report(3, RUNNING, origin=Origin("lab", "2")),
    ]
    for order in (said, said[::-1]):
        task = told(create(), *order).known
        assert (task.kind, task.labels, task.origin) == (
            "b",
            {"x": "2", "y": "1"},
            Origin("lab", "2"),
        )


def test_what_an_operator_changed_is_pinned() -> None:
    ledger = told(create(), change(kind="mine", labels={"x": "mine"}, priority=3))
    tell(ledger, report(LATER, RUNNING, kind="theirs", labels={"x": "2"}, queue="gpu"))
    tell(ledger, report(EARLY, QUEUED, kind="theirs"))
    task = ledger.known
    assert (task.kind, task.labels, task.queue) == ("mine", {"x": "mine"}, "gpu")
    assert task.pinned == {"kind", "labels"}


def test_labels_beyond_the_limit_leave_the_labels_as_they_are() -> None:
    full = {str(n): "" for n in range(LABELS_MAX)}
    ledger = told(
        report(1, labels=full), report(2, labels={"more": ""}), report(3, labels={"1": "2"})
    )
    assert ledger.known.labels == {**full, "1": "2"}


# Progress, words and times


def test_a_success_ends_at_100_percent() -> None:
    assert told(create(), report(1, SUCCEEDED, percent=40.0)).known.percent == 100.0


@pytest.mark.parametrize("end", [FAILED, CANCELLED])
def test_another_end_keeps_the_last_progress(end: TaskState) -> None:
    ledger = told(create(), report(1, percent=40.0), report(2, end, percent=0.0))
    assert ledger.known.percent == 40.0


def test_an_end_gives_the_progress_where_nothing_else_did() -> None:
    assert told(create(), report(2, FAILED, percent=30.0)).known.percent == 30.0


def test_an_overruled_success_leaves_no_trace_in_the_progress() -> None:
    ledger = told(create(), report(1, percent=40.0), report(2, SUCCEEDED), report(3, FAILED))
    assert ledger.known.percent == 40.0


def test_what_was_said_between_two_ends_counts_once_the_second_is_known() -> None:
    ledger = told(create(), report(1, FAILED), report(2, RUNNING, percent=70.0))
    assert ledger.known.percent == 0.0
    tell(ledger, report(3, FAILED))
    assert (ledger.known.percent, ledger.known.started_at) == (70.0, 2 * SECOND)


def test_reason_message_and_error_are_those_of_the_word_that_holds() -> None:
    ledger = told(
        create(),
        report(1, RUNNING, reason="lost", message="m1", error=Fault("e"), reported_status="TRAIN"),
    )
    task = ledger.known
    assert (task.reason, task.message, task.error) == ("lost", "m1", Fault("e"))
    task = tell(ledger, report(2, percent=5.0)).known
    assert (task.reason, task.message, task.error) == (None, None, None)
    assert task.reported_status == "TRAIN"


def test_a_task_started_at_the_earliest_time_of_which_anybody_knows() -> None:
    ledger = told(create(), report(5, RUNNING))
    assert ledger.known.started_at == 5 * SECOND
    assert tell(ledger, report(4, RUNNING)).known.started_at == 4 * SECOND
    assert tell(ledger, report(6, SUCCEEDED, started_at=3 * SECOND)).known.started_at == 3 * SECOND
    assert tell(ledger, report(9, started_at=2 * SECOND)).known.started_at == 2 * SECOND


def test_a_task_was_queued_at_the_earliest_time_of_which_anybody_knows() -> None:
    ledger = told(report(5, QUEUED), report(4, QUEUED))
    assert ledger.known.queued_at == 4 * SECOND


def test_a_task_ended_when_the_end_says_or_else_when_it_was_reported() -> None:
    assert told(report(5, SUCCEEDED)).known.completed_at == 5 * SECOND
    assert told(report(5, SUCCEEDED, completed_at=0)).known.completed_at == 0


def test_a_corrected_end_has_no_time() -> None:
    task = told(create(), expire(), report(LATER, QUEUED)).known
    assert (task.state, task.completed_at) == (QUEUED, None)


# Results


def test_results_are_kept_under_the_attempt_and_in_the_order_of_the_fold() -> None:
    said = report(1, RUNNING, result=1)
    ledger = told(create(), said)
    assert ledger.known.has_result
    decision = ledger.steps[-1].outcome
    assert isinstance(decision, Decision)
    assert decision.results == [
        ResultRecord(1, f"0{said.report.mark}", late=False, result=Result(data=1))
    ]


def test_the_result_of_the_end_holds_against_later_ones_of_its_name() -> None:
    ledger = told(create(), report(1, SUCCEEDED, result="end"), report(2, RUNNING, result="after"))
    assert [kept.data for _, kept in ledger.results.values()] == ["end"]


def test_a_late_result_stands_beside_the_tasks_own() -> None:
    ledger = told(create(), cancel(), report(LATER, SUCCEEDED, result="late"))
    assert not ledger.known.has_result
    [(attempt, name, late_mark)] = ledger.results
    assert (attempt, name, late_mark != "") == (1, "result", True)


def test_the_result_of_an_attempt_that_is_over_stands_beside_those_of_the_next() -> None:
    ledger = told(create(), cancel(), retry(), report(EARLY, RUNNING, result="late"))
    assert not ledger.known.has_result
    assert [(attempt, late != "") for attempt, _, late in ledger.results] == [(1, True)]


def test_results_that_come_before_their_attempt_are_its_own() -> None:
    ledger = told(create(), report(1, RUNNING, attempt=2, result="early"), cancel(), retry())
    assert ledger.known.has_result
    assert list(ledger.results) == [(2, "result", "")]


def test_a_result_among_the_tasks_own_is_a_change_and_a_late_one_is_not() -> None:
    ledger = told(create(), report(1, RUNNING, result=1), report(3, RUNNING))
    version = ledger.known.version
    tell(ledger, report(2, RUNNING, result=2))
    assert ledger.known.version == version + 1
    tell(ledger, cancel(), report(4, SUCCEEDED, result=3))
    assert ledger.known.version == version + 2
    tell(ledger, retry(), report(5, RUNNING, result=4))
    assert ledger.known.version == version + 3


# Metadata


def test_metadata_is_taken_whatever_becomes_of_the_report() -> None:
    ledger = told(create(details=c.Details(metadata={"a": 0, "b": 0})), cancel(), retry(), cancel())
    said = {
        "late": report(EARLY, SUCCEEDED, attempt=2, metadata={"a": 1}),
        "stale": report(EARLY + 1, RUNNING, attempt=1, metadata={"b": 2}),
        "conflict": report(EARLY + 2, RUNNING, attempt=3, metadata={"c": 3}),
    }
    version = ledger.known.version
    tell(ledger, *said.values())
    assert ledger.metadata == {"a": 1, "b": 2, "c": 3}
    assert ledger.known.version == version + 3


# The log


def test_a_duplicate_is_noted_once_more_and_not_kept_again() -> None:
    said = report(1, RUNNING, source="s")
    ledger = told(create(), said, said)
    assert ledger.last == Event(
        EventType.TASK_REPORTED,
        102 * SECOND,
        before=RUNNING,
        after=RUNNING,
        version=2,
        source="s",
        verdict=Verdict.DUPLICATE,
        reason="the same report came before",
    )


def test_a_duplicate_is_logged_under_its_attempt() -> None:
    ledger = told(create(), said := report(EARLY, FAILED), retry(), said)
    assert (ledger.last.verdict, ledger.last.attempt) == (Verdict.DUPLICATE, 1)


def test_a_report_that_changes_nothing_leaves_version_and_update_time() -> None:
    ledger = told(create(), report(2, SUCCEEDED))
    before = ledger.known
    tell(ledger, report(3))
    assert replace(ledger.known, mark=before.mark) == before


def test_a_report_about_another_attempt_is_logged_under_it() -> None:
    ledger = told(create(), cancel(), retry(), cancel(), retry())
    for said, attempt in (
        (report(EARLY, FAILED), 1),
        (report(103.5, FAILED), 2),
        (report(LATER, FAILED, attempt=7), 7),
    ):
        assert tell(ledger, said).last.attempt == attempt


# Shards: see also test_sharded_tasks


def test_a_word_about_a_shard_leaves_the_words_about_the_task() -> None:
    ledger = told(create(shards=2), report(1, RUNNING, message="started"))
    tell(ledger, report(2, shard=shard(0, SUCCEEDED)))
    assert ledger.known.message == "started"
