"""How a task comes into being: created, or imported as it stands."""

import pytest

from farwork.domain import commands as c
from farwork.domain import errors as e
from farwork.domain.decision import Decision, ResultRecord
from farwork.domain.events import Event, EventType
from farwork.domain.facts import Opened
from farwork.domain.marks import command_mark
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Fault, Result, SettledBy, TaskState
from tests.domain.ledger import tell, told
from tests.domain.words import (
    SECOND,
    TASK,
    create,
    report,
)

RUNNING, SUCCEEDED, FAILED = TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.FAILED
EARLY, LATER = 50, 500


# Creation


@pytest.mark.parametrize(
    ("command", "state", "queued_at"),
    [
        (create(), "queued", 100 * SECOND),
        (create(submit=False), "created", None),
        (create(inputs=1), "blocked", 100 * SECOND),
        (create(inputs=1, submit=False), "created", None),
        (create(shards=2), "queued", 100 * SECOND),
    ],
)
def test_a_created_task_waits_or_is_queued(
    command: c.CreateTask, state: str, queued_at: int | None
) -> None:
    task = told(command).known
    assert (task.state.value, task.queued_at) == (state, queued_at)


def test_creation_writes_the_task_its_details_and_its_shards() -> None:
    command = create(shards=1, inputs=1, kind="train", details=c.Details(params={"lr": 1}))
    command.actor = "key-1"
    decision = told(command).steps[0].outcome
    assert isinstance(decision, Decision)
    assert decision.task is not command.task
    assert (decision.details, decision.shards, decision.inputs) == (
        c.Details(params={"lr": 1}),
        [Shard(0)],
        ("input-0",),
    )
    assert decision.events == [
        Event(
            EventType.TASK_CREATED,
            100 * SECOND,
            after=TaskState.BLOCKED,
            version=1,
            actor="key-1",
            fact=Opened(
                TaskState.BLOCKED,
                100 * SECOND,
                kind="train",
                queued_at=100 * SECOND,
                shards=[Shard(0)],
            ),
        )
    ]


def test_a_task_is_created_once() -> None:
    outcome = told(create(), create()).steps[-1].outcome
    assert isinstance(outcome, e.TaskExists)
    assert outcome.detail == "A task 't' exists in this project."


# Import


def imported(**said: object) -> c.ImportTask:
    task = Task("default", TASK, 1 * SECOND, 60 * SECOND, **said)  # pyright: ignore[reportArgumentType] - any field of a task
    return c.ImportTask(task_id=TASK, task=task, details=c.Details())


def test_an_import_takes_a_task_over_as_it_stands() -> None:
    task = told(imported(state=RUNNING, percent=30.0, message="m", attempt=2)).known
    assert task == Task(
        "default",
        TASK,
        1 * SECOND,
        60 * SECOND,
        state=RUNNING,
        percent=30.0,
        message="m",
        attempt=2,
        mark=command_mark(60 * SECOND),
    )


def test_an_import_writes_the_details_and_keeps_the_key_of_the_task_it_replaces() -> None:
    ledger = told(create())
    ledger.known.pk = 7
    command = imported(attempt_opened_at=9, pk=3)
    command.details = c.Details(params={"lr": 1})
    decision = tell(ledger, command).steps[-1].outcome
    assert isinstance(decision, Decision)
    assert (decision.details, decision.replaces) == (command.details, True)
    # What an attempt's opening divides is summed up in the import.
    assert (ledger.known.pk, ledger.known.attempt_opened_at) == (7, None)


def test_an_imported_end_stands_like_a_reported_one() -> None:
    task = told(imported(state=SUCCEEDED)).known
    assert (task.settled_by, task.percent, task.completed_at) == (
        SettledBy.REPORT,
        100.0,
        60 * SECOND,
    )
    assert told(imported(state=FAILED, completed_at=9)).known.completed_at == 9
    assert told(imported(state=RUNNING, completed_at=9)).known.completed_at is None


def test_what_happened_before_an_import_is_summed_up_in_it() -> None:
    ledger = told(imported(state=RUNNING, percent=30.0), report(EARLY, percent=20.0, kind="x"))
    assert ledger.answer == ("stale", "something later was known", "running")
    assert ledger.known.kind == ""


def test_an_end_from_before_an_import_of_a_running_task_is_taken() -> None:
    ledger = told(imported(state=RUNNING, percent=30.0), report(EARLY, FAILED))
    assert (ledger.known.state, ledger.known.percent) == (FAILED, 30.0)
    assert ledger.answer == ("applied", None, "failed")


def test_an_end_from_before_an_imported_end_is_outdated() -> None:
    ledger = told(imported(state=SUCCEEDED), report(EARLY, FAILED))
    assert ledger.answer == (
        "conflict",
        "another end is reported for a later time",
        "succeeded",
    )


def test_an_end_from_after_an_imported_end_overrules_it() -> None:
    ledger = told(imported(state=SUCCEEDED), report(LATER, FAILED))
    assert ledger.answer == (
        "applied",
        "overrules an end reported for an earlier time",
        "failed",
    )


def test_an_import_is_never_from_the_future() -> None:
    command = imported(state=RUNNING)
    command.task.updated_at = 10**15
    command.shards = [Shard(0, RUNNING, updated_at=10**15), Shard(1, updated_at=7)]
    ledger = told(command)
    now = 100 * SECOND
    assert (ledger.known.updated_at, ledger.known.mark) == (now, command_mark(now))
    assert [(s.updated_at, s.mark) for s in ledger.shards.values()] == [
        (now, command_mark(now)),
        (7, command_mark(7)),
    ]


def test_an_import_replaces_the_task_that_has_its_id() -> None:
    ledger = told(
        report(LATER, SUCCEEDED, kind="old", metadata={"old": 1}), imported(state=RUNNING)
    )
    task = ledger.known
    assert (task.kind, task.state, task.version, ledger.metadata) == ("", RUNNING, 2, {})
    assert ledger.last.before is SUCCEEDED
    tell(ledger, report(70, labels={"x": "1"}))
    assert (ledger.known.kind, ledger.known.state) == ("", RUNNING)


def test_an_import_keeps_results_of_the_task_and_of_its_shards() -> None:
    command = imported(state=SUCCEEDED)
    command.results = [c.KeptResult(Result(data=1))]
    command.shards = [Shard(0, SUCCEEDED, updated_at=7), Shard(1, SUCCEEDED, updated_at=8)]
    command.shard_results = {1: "r"}
    ledger = told(command)
    assert ledger.known.has_result
    assert ledger.results == {(1, "result", ""): (f"1{command_mark(60 * SECOND)}", Result(data=1))}
    assert ledger.shard_results == {1: (f"1{command_mark(8)}", "r")}


def test_an_import_keeps_how_earlier_attempts_ended_and_what_they_brought() -> None:
    command = imported(state=RUNNING, attempt=2)
    command.attempts = [Task("default", TASK, 1, 2, state=FAILED)]
    command.results = [
        c.KeptResult(Result(data="first"), attempt=1, id="r1", created_at=5),
        c.KeptResult(Result(data="late"), attempt=1, late=True, id="r2", created_at=6),
        c.KeptResult(Result(data="own")),
    ]
    ledger = told(command)
    assert ledger.known.has_result
    assert ledger.closed == command.attempts
    decision = ledger.steps[0].outcome
    assert isinstance(decision, Decision)
    own, late = command_mark(60 * SECOND), f"{command_mark(6)}r2"
    assert decision.results == [
        ResultRecord(1, f"1{own}", late=False, result=Result(data="first"), id="r1", created_at=5),
        ResultRecord(1, f"1{late}", late=True, result=Result(data="late"), id="r2", created_at=6),
        ResultRecord(2, f"0{own}", late=False, result=Result(data="own")),
    ]


@pytest.mark.parametrize(
    "kept",
    [c.KeptResult(Result(), late=True), c.KeptResult(Result(), attempt=1)],
    ids=["late", "of an earlier attempt"],
)
def test_a_result_that_stands_beside_is_not_the_imported_tasks_own(kept: c.KeptResult) -> None:
    command = imported(attempt=2)
    command.results = [kept]
    assert not told(command).known.has_result


def test_an_imported_task_does_not_wait_for_inputs_that_have_ended() -> None:
    blocked = imported(state=TaskState.BLOCKED)
    task = told(blocked).known
    assert (task.state, task.queued_at) == (TaskState.QUEUED, 100 * SECOND)
    assert told(imported(state=TaskState.BLOCKED, queued_at=7)).known.queued_at == 7
    assert told(imported(state=TaskState.BLOCKED, inputs_pending=1)).known.state == "blocked"


def test_a_running_import_follows_its_shards() -> None:
    command = imported(state=RUNNING)
    command.shards = [Shard(0, SUCCEEDED, updated_at=7), Shard(1, FAILED, updated_at=8)]
    task = told(command).known
    assert (task.state, task.reason, task.completed_at) == (FAILED, "shards", 8)
    assert task.error == Fault("shards", "shard 1: failed")
