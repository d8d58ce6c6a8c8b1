"""Attempts: retries, adoption of late ends, and what is said across attempts."""

import pytest

from farwork.domain import commands as c
from farwork.domain import errors as e
from farwork.domain.decision import ClosedAttempt, Decision
from farwork.domain.events import EventType
from farwork.domain.facts import Adopted, Retried
from farwork.domain.marks import command_mark
from farwork.domain.timeline import attempts_of
from farwork.domain.values import Fault, SettledBy, TaskState
from tests.domain.ledger import tell, told
from tests.domain.words import (
    SECOND,
    adopt,
    cancel,
    change,
    create,
    expire,
    input_ended,
    report,
    retry,
    shard,
)

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
SUCCEEDED, FAILED, CANCELLED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED
EARLY, LATER = 50, 500

# Retry


def test_a_retry_begins_another_attempt_from_nothing() -> None:
    ledger = told(
        create(kind="train"),
        report(1, RUNNING, percent=40.0, message="m", labels={"x": "1"}, reported_status="R"),
        report(2, FAILED, error=Fault("oom"), reason="r", result=1),
    )
    failed = ledger.known
    tell(ledger, retry())
    task = ledger.known
    at = 103 * SECOND
    assert (task.attempt, task.attempts_max, task.attempt_opened_at) == (2, 2, at)
    assert (task.state, task.settled_by, task.percent) == (QUEUED, SettledBy.NOBODY, 0.0)
    assert (task.queued_at, task.started_at, task.completed_at) == (at, None, None)
    assert (task.reason, task.message, task.error, task.reported_status) == (None,) * 4
    assert (task.kind, task.labels, task.has_result) == ("train", {"x": "1"}, False)
    decision = ledger.steps[-1].outcome
    assert isinstance(decision, Decision)
    assert decision.closed == [ClosedAttempt(failed)]
    assert (ledger.last.type, ledger.last.attempt) == (EventType.TASK_RETRIED, 2)
    assert ledger.last.fact == Retried(at, command_mark(at))


def test_a_retry_of_an_imported_end_begins_from_nothing_too() -> None:
    task = create(state=FAILED, percent=40.0, reason="r", message="m", started_at=1).task
    ledger = told(c.ImportTask(task_id=task.id, task=task, details=c.Details()), retry())
    task = ledger.known
    assert (task.state, task.settled_by, task.percent) == (QUEUED, SettledBy.NOBODY, 0.0)
    assert (task.reason, task.message, task.started_at, task.mark) == (None, None, None, "")


def test_only_a_task_that_has_ended_is_retried() -> None:
    outcome = told(create(), retry()).steps[-1].outcome
    assert isinstance(outcome, e.TaskNotFinal)
    assert outcome.detail == "The task is queued; only a task that has ended is retried."


def test_a_retried_task_waits_for_its_inputs() -> None:
    ledger = told(create(inputs=1), input_ended(succeeded=False), retry())
    assert ledger.known.state is TaskState.BLOCKED


def test_attempts_max_grows_no_more_than_needed() -> None:
    assert told(create(attempts_max=5), cancel(), retry()).known.attempts_max == 5


def test_a_word_without_an_attempt_belongs_to_the_attempt_of_its_time() -> None:
    ledger = told(create(), cancel(), retry())
    assert tell(ledger, report(102, RUNNING)).known.state is RUNNING
    assert tell(ledger, report(101.9, FAILED)).answer[0] == "late"


def test_a_word_with_an_attempt_belongs_to_it_whatever_its_time() -> None:
    ledger = told(create(), cancel(), retry(), report(1, RUNNING, attempt=2))
    assert ledger.known.state is RUNNING


def test_what_was_known_before_a_retry_is_not_about_the_attempt_that_it_begins() -> None:
    ledger = told(create(), report(LATER, FAILED), retry())
    assert (ledger.known.attempt, ledger.known.state) == (2, QUEUED)
    assert tell(ledger, report(LATER + 1, RUNNING)).known.state is RUNNING


def test_what_was_said_of_an_attempt_before_it_began_counts_once_it_has() -> None:
    ledger = told(
        create(), report(1, RUNNING, attempt=2, percent=5.0), report(2, FAILED, attempt=1)
    )
    assert (ledger.known.attempt, ledger.known.state) == (1, FAILED)
    tell(ledger, retry())
    assert (ledger.known.attempt, ledger.known.state, ledger.known.percent) == (2, RUNNING, 5.0)


def test_what_an_attempt_that_is_over_says_of_the_task_itself_yields_to_the_present_one() -> None:
    ledger = told(create(), cancel(), retry(), report(LATER, RUNNING, kind="new"))
    tell(ledger, report(EARLY, kind="old", name="old"))
    assert (ledger.known.kind, ledger.known.name) == ("new", "old")


def test_a_change_by_an_operator_survives_the_retry() -> None:
    ledger = told(create(kind="k"), change(kind="mine"), cancel(), retry())
    assert tell(ledger, report(EARLY, kind="theirs")).known.kind == "mine"


# Retry with shards


def test_a_retry_reopens_the_shards_that_ended_without_success() -> None:
    ledger = told(
        create(shards=3),
        report(1, shard=shard(0, SUCCEEDED)),
        report(2, shard=shard(1, FAILED, reason="r", error=Fault("oom"), external_ref="p1")),
        report(3, shard=shard(2, CANCELLED)),
        retry(),
    )
    assert [ledger.shards[n].state for n in range(3)] == [SUCCEEDED, QUEUED, QUEUED]
    reopened = ledger.shards[1]
    assert (reopened.reason, reopened.error, reopened.external_ref) == (None, None, "p1")
    assert reopened.updated_at == 104 * SECOND
    assert (ledger.known.state, ledger.known.percent) == (QUEUED, 100 / 3)


def test_a_retry_leaves_a_shard_alone_of_which_nothing_is_said() -> None:
    ledger = told(create(shards=2), report(1, shard=shard(5, RUNNING)), cancel())
    before = dict(ledger.shards)
    assert tell(ledger, retry()).shards == before
    assert [before[n].item_offset for n in (0, 1)] == [0, 1]
    assert before[5].created_at == 101 * SECOND


def test_a_retried_task_follows_what_is_said_of_its_shards_from_then_on() -> None:
    ledger = told(create(shards=2), report(1, shard=shard(0, SUCCEEDED)))
    tell(ledger, report(2, shard=shard(1, FAILED)), retry())
    tell(ledger, report(LATER, shard=shard(1, RUNNING)))
    assert (ledger.known.state, ledger.known.started_at) == (RUNNING, LATER * SECOND)
    tell(ledger, report(LATER + 1, shard=shard(1, SUCCEEDED)))
    assert (ledger.known.state, ledger.known.completed_at) == (SUCCEEDED, (LATER + 1) * SECOND)


def test_an_end_of_a_shard_from_before_the_retry_is_of_the_attempt_that_is_over() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, FAILED)), retry())
    tell(ledger, report(2, shard=shard(0, FAILED)))
    assert ledger.answer == ("stale", "that attempt is over", "queued")
    assert ledger.shards[0].state is QUEUED


def test_a_success_of_a_shard_that_becomes_known_after_the_retry_is_kept() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, FAILED)), retry())
    tell(ledger, report(2, shard=shard(0, SUCCEEDED, result="r")))
    assert ledger.answer == ("applied", "that attempt is over; the rest was taken", "succeeded")
    assert (ledger.shards[0].state, ledger.shards[0].has_result) == (SUCCEEDED, True)
    assert ledger.shard_results[0][1] == "r"


def test_a_label_from_an_attempt_that_is_over_leaves_the_shards_as_they_are() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, FAILED)), retry())
    before = ledger.known.shards
    tell(ledger, report(2, labels={"x": "1"}))
    assert (ledger.known.labels, ledger.known.shards) == ({"x": "1"}, before)


def test_a_later_failure_of_a_shard_undoes_a_success_also_across_a_retry() -> None:
    ledger = told(create(shards=1), report(2, shard=shard(0, SUCCEEDED)), report(3, FAILED))
    tell(ledger, retry())
    assert ledger.known.state is SUCCEEDED
    tell(ledger, report(2.5, shard=shard(0, FAILED)))
    assert (ledger.known.state, ledger.shards[0].state) == (QUEUED, QUEUED)


def test_a_shard_of_an_attempt_to_come_begins_with_it() -> None:
    ledger = told(create(), report(1, attempt=2, shard=shard(0, RUNNING)), cancel())
    assert ledger.shards == {}
    tell(ledger, retry())
    assert (ledger.shards[0].state, ledger.known.state) == (RUNNING, RUNNING)


def test_an_open_shard_stays_as_it_is_when_the_task_is_retried() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, RUNNING)), cancel(), retry())
    assert (ledger.shards[0].state, ledger.known.state) == (RUNNING, RUNNING)


# Adoption


def test_an_operator_adopts_a_late_end() -> None:
    ledger = told(create(), cancel("why"))
    tell(ledger, report(EARLY, SUCCEEDED, message="done", result=1), adopt())
    task = ledger.known
    assert (task.state, task.reason, task.percent) == (SUCCEEDED, "adopted", 100.0)
    assert (task.message, task.completed_at) == ("done", EARLY * SECOND)
    assert (task.settled_by, task.has_result) == (SettledBy.OPERATOR, True)
    assert ledger.last.data == {"adopted_event_id": 2}
    assert ledger.last.fact == Adopted(
        103 * SECOND,
        command_mark(103 * SECOND),
        SUCCEEDED,
        message="done",
        completed_at=EARLY * SECOND,
    )


def test_an_adopted_failure_keeps_progress_and_error() -> None:
    ledger = told(create(), report(1, RUNNING, percent=9.0), cancel())
    tell(ledger, report(EARLY, FAILED, error=Fault("oom"), completed_at=7), adopt())
    task = ledger.known
    assert (task.state, task.percent, task.error, task.completed_at) == (
        FAILED,
        9.0,
        Fault("oom"),
        7,
    )


def test_the_latest_late_end_is_adopted_or_the_one_that_is_named() -> None:
    ledger = told(create(), cancel(), report(1, SUCCEEDED), report(2, FAILED))
    assert tell(ledger, adopt()).known.state is FAILED
    assert tell(ledger, adopt(event_id=2)).known.state is SUCCEEDED


def test_the_end_of_an_attempt_that_is_over_can_be_adopted() -> None:
    ledger = told(create(), cancel(), retry(), report(EARLY, SUCCEEDED), adopt())
    assert (ledger.known.attempt, ledger.known.state) == (2, SUCCEEDED)
    assert ledger.known.settled_by is SettledBy.OPERATOR
    decision = ledger.steps[-1].outcome
    assert isinstance(decision, Decision)
    assert decision.adopted is not None
    assert (decision.adopted.event_id, decision.adopted.attempt) == (3, 1)


def test_adoption_sets_a_reported_end_aside() -> None:
    ledger = told(create(), cancel(), retry(), report(EARLY, SUCCEEDED, attempt=1))
    tell(ledger, report(200, RUNNING, percent=9.0), report(201, FAILED, reported_status="BAD"))
    tell(ledger, report(202, RUNNING, percent=12.0, reported_status="ON"), adopt())
    task = ledger.known
    assert (task.state, task.percent, task.reported_status) == (SUCCEEDED, 100.0, "ON")


def test_an_adopted_success_leaves_no_trace_when_another_end_is_adopted() -> None:
    ledger = told(create(), report(1, RUNNING, percent=9.0), cancel(), report(2, FAILED))
    tell(ledger, report(3, SUCCEEDED), adopt(), adopt(event_id=3))
    assert (ledger.known.state, ledger.known.percent) == (FAILED, 9.0)


@pytest.mark.parametrize("known", [[], [cancel()], [cancel(), report(LATER, RUNNING)]])
def test_without_a_late_end_there_is_nothing_to_adopt(known: list[c.Command]) -> None:
    outcome = told(create(), *known, adopt()).steps[-1].outcome
    assert isinstance(outcome, e.NothingToAdopt)


def test_a_report_that_ends_nothing_is_not_adopted() -> None:
    ledger = told(create(), cancel(), report(EARLY, SUCCEEDED), adopt(event_id=0))
    assert isinstance(ledger.steps[-1].outcome, e.NothingToAdopt)


# The log taken apart


def test_the_log_is_taken_apart_by_attempt() -> None:
    said = {
        "first": report(1, FAILED),
        "ahead": report(2, RUNNING, attempt=3),
        "second": report(200, FAILED),
        "late": report(3, RUNNING),
        "prompt": report(102, RUNNING),
        "numbered": report(300, RUNNING, attempt=1),
    }
    names = {one.report.mark: name for name, one in said.items()}
    ledger = told(create(), said["first"], retry(), said["ahead"], said["second"], retry())
    tell(ledger, said["late"], said["numbered"], said["prompt"])
    assert [
        (attempt.number, [names[report.mark] for report in attempt.reports])
        for attempt in attempts_of(ledger.facts)
    ] == [(1, ["first", "late", "numbered"]), (2, ["second", "prompt"]), (3, ["ahead"])]


def test_what_is_said_of_attempts_before_an_import_is_summed_up_in_it() -> None:
    task = create().task
    task.attempt = 2
    imported = c.ImportTask(task_id=task.id, task=task, details=c.Details())
    ledger = told(imported, report(LATER, RUNNING, attempt=1, kind="x"))
    assert ledger.answer == ("stale", "that attempt is over", "created")
    assert [a.reports for a in attempts_of(ledger.facts)] == [[]]


def test_an_expired_attempt_can_be_retried_and_expire_again() -> None:
    ledger = told(create(), expire(), retry(), expire())
    assert (ledger.known.attempt, ledger.known.state) == (2, FAILED)
