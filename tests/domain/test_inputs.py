"""A task that waits for others."""

import pytest

from farwork.domain.events import EventType
from farwork.domain.values import Fault, OnInputFailure, TaskState
from tests.domain.ledger import tell, told
from tests.domain.words import create, input_ended, report, submit

RUN, HOLD, CANCEL = OnInputFailure.RUN, OnInputFailure.HOLD, OnInputFailure.CANCEL
EARLY, LATER = 50, 500


def test_the_last_input_that_succeeds_unblocks_the_task() -> None:
    ledger = told(create(inputs=2), input_ended())
    assert (ledger.known.state, ledger.known.inputs_pending) == (TaskState.BLOCKED, 1)
    assert ledger.last.type is EventType.TASK_CREATED
    tell(ledger, input_ended())
    assert (ledger.known.state, ledger.known.inputs_pending) == (TaskState.QUEUED, 0)
    assert ledger.last.type is EventType.TASK_UNBLOCKED


def test_a_task_that_ran_before_its_inputs_ended_runs_on() -> None:
    ledger = told(create(inputs=1), input_ended(), report(EARLY, TaskState.RUNNING))
    assert ledger.known.state is TaskState.RUNNING


def test_an_input_that_fails_cancels_the_task() -> None:
    ledger = told(create(inputs=2), input_ended(succeeded=False))
    task = ledger.known
    assert (task.state, task.reason, task.error) == (
        TaskState.CANCELLED,
        "upstream",
        Fault("upstream", "input 'input-0' ended without success"),
    )
    assert ledger.last.type is EventType.TASK_EXPIRED


def test_a_task_that_was_cancelled_because_of_an_input_may_turn_out_to_run() -> None:
    ledger = told(create(inputs=1), input_ended(succeeded=False))
    assert tell(ledger, report(LATER, TaskState.RUNNING)).known.state is TaskState.RUNNING


def test_a_task_may_run_whatever_becomes_of_its_inputs() -> None:
    ledger = told(create(inputs=1, on_input_failure=RUN), input_ended(succeeded=False))
    assert ledger.known.state is TaskState.QUEUED


def test_a_held_task_waits_until_the_failed_input_is_mended() -> None:
    ledger = told(create(inputs=2, on_input_failure=HOLD), input_ended(succeeded=False))
    assert ledger.last.type is EventType.TASK_HELD
    tell(ledger, input_ended(succeeded=True))
    task = ledger.known
    assert (task.state, task.reason, task.inputs_pending) == (TaskState.BLOCKED, "upstream", 1)
    tell(ledger, input_ended(succeeded=False, reopened=True), input_ended())
    task = ledger.known
    assert (task.state, task.reason, task.inputs_pending) == (TaskState.QUEUED, None, 0)


def test_a_held_task_is_held_once() -> None:
    ledger = told(create(inputs=2, on_input_failure=HOLD))
    tell(ledger, input_ended(succeeded=False), input_ended(succeeded=False))
    assert [event.type for event in ledger.log] == [EventType.TASK_CREATED, EventType.TASK_HELD]


def test_a_report_from_before_the_hold_does_not_end_it() -> None:
    ledger = told(create(inputs=1, on_input_failure=HOLD), input_ended(succeeded=False))
    tell(ledger, report(EARLY, labels={"x": "1"}))
    assert (ledger.known.reason, ledger.known.labels) == ("upstream", {"x": "1"})


def test_a_report_that_a_held_task_runs_after_all_holds() -> None:
    ledger = told(create(inputs=1, on_input_failure=HOLD), report(EARLY, TaskState.RUNNING))
    tell(ledger, input_ended(succeeded=False))
    assert (ledger.known.state, ledger.known.reason) == (TaskState.RUNNING, None)
    late = told(create(inputs=1, on_input_failure=HOLD), input_ended(succeeded=False))
    tell(late, report(EARLY, TaskState.RUNNING))
    assert (late.known.state, late.known.reason) == (TaskState.RUNNING, None)


@pytest.mark.parametrize("policy", [CANCEL, HOLD])
def test_a_reopened_input_is_awaited_again_if_it_had_succeeded(policy: OnInputFailure) -> None:
    ledger = told(create(inputs=2, on_input_failure=policy), input_ended())
    tell(ledger, input_ended(reopened=True))
    assert ledger.known.inputs_pending == 2
    tell(ledger, input_ended(succeeded=False, reopened=True))
    assert ledger.known.inputs_pending == 2


def test_under_the_policy_run_any_reopened_input_is_awaited_again() -> None:
    ledger = told(create(inputs=2, on_input_failure=RUN), input_ended(succeeded=False))
    tell(ledger, input_ended(succeeded=False, reopened=True))
    assert ledger.known.inputs_pending == 2


def test_what_happens_to_inputs_leaves_a_task_alone_that_no_longer_waits() -> None:
    ledger = told(create(inputs=1), report(EARLY, TaskState.RUNNING))
    tell(ledger, input_ended(succeeded=False), input_ended())
    assert (ledger.known.state, ledger.known.inputs_pending) == (TaskState.RUNNING, 0)


def test_a_task_that_is_not_submitted_keeps_count_of_its_inputs() -> None:
    ledger = told(create(inputs=2, submit=False), input_ended(), input_ended(succeeded=False))
    assert (ledger.known.state, ledger.known.inputs_pending) == (TaskState.CREATED, 1)
    assert tell(ledger, submit()).known.state is TaskState.BLOCKED
    assert tell(ledger, input_ended(succeeded=False)).known.state is TaskState.CANCELLED


def test_more_inputs_cannot_end_than_are_pending() -> None:
    with pytest.raises(AssertionError):
        told(create(inputs=1), input_ended(), input_ended())
