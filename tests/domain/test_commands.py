"""What operators, and the server itself, do to a task."""

from dataclasses import replace

import pytest

from farwork.domain import commands as c
from farwork.domain import errors as e
from farwork.domain.decide import decide
from farwork.domain.decision import Decision, Needs
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Cancelled, Inferred, Submitted
from farwork.domain.marks import command_mark
from farwork.domain.task import Task
from farwork.domain.values import Fault, SettledBy, TaskState
from tests.domain.ledger import Ledger, tell, told
from tests.domain.words import (
    SECOND,
    TASK,
    adopt,
    cancel,
    change,
    create,
    expire,
    report,
    retry,
    shard,
    submit,
)

RUNNING, SUCCEEDED, FAILED = TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.FAILED
CANCELLED = TaskState.CANCELLED
EARLY, LATER = 50, 500


def refusal(ledger: Ledger, command: c.Command) -> tuple[str, str]:
    outcome = ledger.give(command, 900 * SECOND)
    assert isinstance(outcome, e.DomainError)
    return outcome.code, outcome.detail


# Versions


def test_a_command_for_another_version_is_refused() -> None:
    assert refusal(told(create()), c.CancelTask(task_id=TASK, if_version=7)) == (
        "version_mismatch",
        "The task has version 1, not 7; read it again.",
    )


def test_a_command_for_the_present_version_is_carried_out() -> None:
    ledger = told(create(), c.CancelTask(task_id=TASK, if_version=1))
    assert (ledger.known.state, ledger.known.version) == (CANCELLED, 2)


@pytest.mark.parametrize(
    "command",
    [submit(), cancel(), retry(), change(), expire(), c.DeleteTask(task_id=TASK)],
    ids=lambda command: type(command).__name__,
)
def test_there_must_be_a_task(command: c.Command) -> None:
    assert refusal(Ledger(), command) == (
        "task_not_found",
        "There is no task 't' in this project.",
    )


# Submission


def test_a_created_task_is_submitted() -> None:
    ledger = told(create(submit=False), submit())
    assert (ledger.known.state, ledger.known.queued_at) == (TaskState.QUEUED, 101 * SECOND)
    assert ledger.last.fact == Submitted(101 * SECOND, command_mark(101 * SECOND))


def test_a_created_task_with_open_inputs_is_blocked_by_them() -> None:
    assert told(create(submit=False, inputs=1), submit()).known.state is TaskState.BLOCKED


def test_a_task_is_submitted_once() -> None:
    assert refusal(told(create()), submit()) == (
        "task_already_submitted",
        "The task is queued; only a created task is submitted.",
    )


def test_a_report_from_before_a_submission_is_folded_before_it() -> None:
    ledger = told(create(submit=False), submit(), report(EARLY, RUNNING))
    assert (ledger.known.state, ledger.known.queued_at) == (RUNNING, 101 * SECOND)


# Cancelling


def test_an_operator_cancels_a_task() -> None:
    ledger = told(create(), report(EARLY, RUNNING, percent=4.0, error=Fault("e")), cancel("why"))
    task = ledger.known
    assert (task.state, task.reason, task.percent, task.error) == (CANCELLED, "why", 4.0, None)
    assert (task.completed_at, task.settled_by) == (102 * SECOND, SettledBy.OPERATOR)
    assert ledger.last == Event(
        EventType.TASK_CANCELLED,
        102 * SECOND,
        before=RUNNING,
        after=CANCELLED,
        version=3,
        reason="why",
        fact=Cancelled(102 * SECOND, command_mark(102 * SECOND), "why"),
    )


def test_a_cancellation_answers_also_what_is_said_of_the_future() -> None:
    ledger = told(create(), report(LATER, RUNNING, percent=4.0), cancel())
    assert (ledger.known.state, ledger.known.percent) == (CANCELLED, 4.0)
    assert tell(ledger, report(LATER + 1, RUNNING, percent=5.0)).known.percent == 4.0


def test_cancelling_again_changes_nothing() -> None:
    ledger = told(create(), cancel("first"), cancel("second"))
    assert (ledger.known.reason, len(ledger.log)) == ("first", 2)


def test_cancelling_makes_an_inferred_cancellation_final() -> None:
    ledger = told(create(), expire(CANCELLED), cancel(), report(LATER, RUNNING))
    assert ledger.answer == ("stale", "the attempt has ended", "cancelled")


@pytest.mark.parametrize("end", [report(EARLY, SUCCEEDED), report(EARLY, FAILED), expire()])
def test_a_task_that_has_ended_otherwise_is_not_cancelled(end: c.Command) -> None:
    code, detail = refusal(told(create(), end), cancel())
    assert (code, "only one that has not ended is cancelled" in detail) == ("task_is_final", True)


# Expiring


def test_the_server_infers_an_end() -> None:
    ledger = told(create(), report(EARLY, RUNNING, percent=9.0), expire(error=Fault("limit")))
    task = ledger.known
    assert (task.state, task.reason, task.error) == (FAILED, "timeout", Fault("limit"))
    assert (task.percent, task.completed_at) == (9.0, 102 * SECOND)
    assert task.settled_by is SettledBy.SERVER
    assert ledger.last.fact == Inferred(
        102 * SECOND, command_mark(102 * SECOND), FAILED, "timeout", Fault("limit")
    )


def test_a_sender_whose_clock_is_ahead_does_not_keep_its_task_alive() -> None:
    assert told(create(), report(10**6, RUNNING), expire()).known.state is FAILED


def test_a_task_that_was_updated_meanwhile_does_not_expire() -> None:
    ledger = told(create(), report(EARLY, RUNNING), expire(not_after=100 * SECOND))
    assert (ledger.known.state, len(ledger.log)) == (RUNNING, 2)
    assert tell(ledger, expire(not_after=101 * SECOND)).known.state is FAILED


def test_a_task_that_has_ended_does_not_expire() -> None:
    assert refusal(told(create(), cancel()), expire()) == (
        "task_is_final",
        "The task has cancelled.",
    )


# Archive, deletion, changes


def test_a_task_put_away_and_brought_back_is_as_it_was() -> None:
    ledger = told(create(), report(EARLY, SUCCEEDED))
    before = ledger.known
    tell(ledger, c.ArchiveTask(task_id=TASK))
    assert ledger.known == replace(before, archived_at=102 * SECOND, version=3)
    tell(ledger, c.RestoreTask(task_id=TASK))
    assert ledger.known == replace(before, version=4, restored_at=103 * SECOND)


def test_archiving_and_restoring_again_change_nothing() -> None:
    ledger = told(create(), c.RestoreTask(task_id=TASK))
    assert len(ledger.log) == 1
    tell(ledger, c.ArchiveTask(task_id=TASK), c.ArchiveTask(task_id=TASK))
    assert len(ledger.log) == 2


def test_a_deleted_task_is_gone() -> None:
    ledger = told(create(kind="k", queue="q", job_id="j"), c.DeleteTask(task_id=TASK))
    assert ledger.task is None
    assert ledger.last == Event(
        EventType.TASK_DELETED,
        101 * SECOND,
        before=TaskState.QUEUED,
        version=2,
        data={"kind": "k", "queue": "q", "job_id": "j"},
    )


@pytest.mark.parametrize("verb", [c.ArchiveTask, c.RestoreTask, c.DeleteTask])
@pytest.mark.parametrize("archived", [True, False])
def test_a_command_can_demand_where_the_task_is(
    verb: type[c.ArchiveTask | c.RestoreTask | c.DeleteTask], *, archived: bool
) -> None:
    place = c.ArchiveTask(task_id=TASK) if archived else c.RestoreTask(task_id=TASK)
    ledger = told(create(), place)
    assert refusal(ledger, verb(task_id=TASK, archived=not archived))[0] == "task_not_found"
    outcome = tell(ledger, verb(task_id=TASK, archived=archived)).steps[-1].outcome
    assert isinstance(outcome, Decision)


def test_a_change_is_logged_with_what_it_says() -> None:
    command = change(priority=5, name=None)
    command.params = {"lr": 2}
    ledger = told(create(), command)
    assert ledger.known.priority == 5
    assert (ledger.last.type, ledger.last.data) == (
        EventType.TASK_CHANGED,
        {"changes": {"priority": 5, "name": None, "params": {"lr": 2}}},
    )
    decision = ledger.steps[-1].outcome
    assert isinstance(decision, Decision)
    assert decision.change is command


def test_only_what_no_fact_decides_can_be_changed() -> None:
    with pytest.raises(AssertionError):
        told(create(), change(state=RUNNING))


def test_nobody_infers_a_success() -> None:
    with pytest.raises(AssertionError):
        told(create(), expire(SUCCEEDED))


# What a decision needs


@pytest.mark.parametrize(
    "command",
    [
        report(LATER, RUNNING),
        report(LATER, FAILED),
        report(LATER),
        cancel(),
        expire(),
        change(priority=1),
    ],
    ids=["running", "failed", "nothing", "cancel", "expire", "change"],
)
def test_what_comes_in_order_needs_no_history(command: c.Command) -> None:
    task = told(create(), report(EARLY, RUNNING)).known
    assert isinstance(decide(task, command, 900 * SECOND), Decision)


@pytest.mark.parametrize("said", [report(EARLY, FAILED), report(EARLY, RUNNING, attempt=1)])
def test_what_is_said_of_an_attempt_that_is_over_alone_needs_no_history(
    said: c.ReportTask,
) -> None:
    task = told(create(), cancel(), retry()).known
    assert isinstance(decide(task, said, 900 * SECOND), Decision)


@pytest.mark.parametrize(
    ("known", "command", "needs"),
    [
        ([report(EARLY, RUNNING)], report(EARLY - 1, RUNNING), "TIMELINE"),
        ([report(EARLY, FAILED)], report(LATER, SUCCEEDED), "TIMELINE"),
        ([cancel()], retry(), "TIMELINE"),
        ([], report(1, shard=shard(0)), "SHARDS"),
        ([], adopt(), "LATE_REPORT"),
    ],
)
def test_what_needs_history_says_which(
    known: list[c.Command], command: c.Command, needs: str
) -> None:
    task = told(create(), *known).known
    assert decide(task, command, 900 * SECOND) is Needs[needs]


# Legal holds


def test_a_task_under_a_legal_hold_is_not_deleted_and_not_replaced() -> None:
    ledger = told(create(), report(EARLY, SUCCEEDED))
    before = ledger.known
    tell(ledger, c.HoldTask(task_id=TASK, reason="case 17"))
    assert ledger.known == replace(before, legal_hold="case 17", version=3)
    assert (ledger.last.type, ledger.last.reason) == ("task.hold_placed", "case 17")
    replacing = c.ImportTask(task_id=TASK, task=Task("default", TASK, 0, 0), details=c.Details())
    for command in (c.DeleteTask(task_id=TASK), replacing):
        tell(ledger, command)
        assert isinstance(ledger.steps[-1].outcome, e.TaskUnderHold)
    tell(ledger, c.HoldTask(task_id=TASK, reason="case 17"), c.ReleaseTask(task_id=TASK))
    assert (ledger.known, ledger.last.type) == (replace(before, version=4), "task.hold_lifted")
    assert tell(ledger, c.DeleteTask(task_id=TASK)).task is None


def test_a_hold_of_retention_holds_too() -> None:
    ledger = told(create())
    ledger.hold = "all trainings"
    tell(ledger, c.DeleteTask(task_id=TASK))
    refusal = ledger.steps[-1].outcome
    assert isinstance(refusal, e.TaskUnderHold)
    assert "all trainings" in refusal.detail
