"""Tasks that wait for others: they are told what becomes of those, however far the news travels."""

from typing import Any

import pytest

from farwork.domain import commands as c
from farwork.domain.values import OnInputFailure, TaskState
from farwork.storage import tables as t
from farwork.storage.bulk import Chunk, delete_chunk
from tests.storage.desk import PATIENCE_S, Desk, creation, importing, report, said

CHAIN_LENGTH = 1_500
# Seconds after the beginning of the tests' time; commands are given at the real time, long before.
IN_THE_FUTURE = 1_000_000_000


def waits(desk: Desk, *ids: str) -> dict[str, tuple[str, int]]:
    """How tasks stand, and for how many inputs they wait."""
    return {id_: (desk.state(id_), desk.task(id_).inputs_pending) for id_ in ids}


def test_a_task_waits_until_its_last_input_has_succeeded(desk: Desk) -> None:
    desk.create("a", "b")
    desk.create("c", inputs=("a", "b"))
    assert waits(desk, "c") == {"c": ("blocked", 2)}
    desk.report(said("a", "succeeded", at=1))
    assert waits(desk, "c") == {"c": ("blocked", 1)}
    desk.report(said("b", "succeeded", at=1))
    assert waits(desk, "c") == {"c": ("queued", 0)}
    assert desk.told()[-2:] == [("reported", "b"), ("unblocked", "c")]


def test_inputs_that_have_succeeded_already_are_not_waited_for(desk: Desk) -> None:
    desk.report(said("a", "succeeded", at=1))
    desk.create("b", inputs=("a",))
    assert waits(desk, "b") == {"b": ("queued", 0)}


def test_a_whole_story_of_inputs_may_happen_in_one_batch(desk: Desk) -> None:
    outcomes = desk.give(
        creation("a"),
        creation("b", inputs=("a",)),
        creation("c", inputs=("a", "b")),
        report(said("a", "succeeded", at=1)),
        report(said("b", "succeeded", at=2)),
        creation("d", inputs=("c",)),
        c.CancelTask(task_id="c"),
    )
    assert [outcome.refusal for outcome in outcomes] == [None] * 7
    assert waits(desk, *"abcd") == {
        "a": ("succeeded", 0),
        "b": ("succeeded", 0),
        "c": ("cancelled", 0),
        "d": ("cancelled", 1),
    }
    assert desk.task("d").reason == "upstream"


@pytest.mark.parametrize(
    ("policy", "stands"),
    [
        (OnInputFailure.CANCEL, ("cancelled", "upstream", 1)),
        (OnInputFailure.HOLD, ("blocked", "upstream", 1)),
        (OnInputFailure.RUN, ("queued", None, 0)),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_an_input_that_failed_means_is_the_tasks_own_choice(
    desk: Desk, policy: OnInputFailure, stands: tuple[str, str | None, int], when: str
) -> None:
    """Whether it fails before or after the task begins to wait."""
    desk.create("a")
    steps = [
        lambda: desk.report(said("a", "failed", at=1)),
        lambda: desk.create("b", inputs=("a",), on_input_failure=policy),
    ]
    for step in steps if when == "before" else reversed(steps):
        step()
    task = desk.task("b")
    assert (task.state, task.reason, task.inputs_pending) == stands


def test_whoever_creates_a_task_that_cannot_run_hears_of_it_at_once(desk: Desk) -> None:
    desk.report(said("a", "failed", at=1))
    outcome = desk.do(creation("b", inputs=("a",)))
    assert (outcome.state, outcome.task and outcome.task.reason) == ("cancelled", "upstream")


def test_a_task_submitted_later_hears_then_what_became_of_its_inputs(desk: Desk) -> None:
    desk.create("a")
    desk.create("b", inputs=("a",), submit=False)
    desk.report(said("a", "failed", at=1))
    assert waits(desk, "b") == {"b": ("created", 1)}
    desk.do(c.SubmitTask(task_id="b"))
    assert waits(desk, "b") == {"b": ("cancelled", 1)}


def test_a_held_task_goes_on_once_the_input_is_mended(desk: Desk) -> None:
    desk.create("a")
    desk.create("b", inputs=("a",), on_input_failure=OnInputFailure.HOLD)
    desk.give(report(said("a", "failed", at=1)), c.RetryTask(task_id="a"))
    assert waits(desk, "b") == {"b": ("blocked", 1)}
    desk.report(said("a", "succeeded", attempt=2))
    assert waits(desk, "b") == {"b": ("queued", 0)}


def test_an_end_that_is_overruled_is_told_anew(desk: Desk) -> None:
    desk.create("a", "other")
    desk.create("b", inputs=("a", "other"))
    desk.report(said("a", "succeeded", at=1))
    assert waits(desk, "b") == {"b": ("blocked", 1)}
    desk.report(said("a", "failed", at=2))
    assert waits(desk, "b") == {"b": ("cancelled", 2)}
    desk.report(said("a", "succeeded", at=3))
    assert waits(desk, "b") == {"b": ("cancelled", 1)}


def test_an_inferred_end_that_is_corrected_is_waited_for_again(desk: Desk) -> None:
    desk.create("a", "other")
    desk.create("b", inputs=("a", "other"), on_input_failure=OnInputFailure.RUN)
    desk.do(c.ExpireTask(task_id="a", state=TaskState.FAILED, reason="timeout"))
    assert waits(desk, "b") == {"b": ("blocked", 1)}
    desk.report(said("a", "running", at=IN_THE_FUTURE))
    assert waits(desk, "b") == {"b": ("blocked", 2)}


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "several batches"])
def test_news_travels_down_a_long_chain(desk: Desk, together: bool) -> None:  # noqa: FBT001 - a parameter
    ids = [f"link-{n}" for n in range(CHAIN_LENGTH if together else 40)]
    links: list[c.Command] = [
        creation(id_, inputs=() if n == 0 else (ids[n - 1],)) for n, id_ in enumerate(ids)
    ]
    cancel = c.CancelTask(task_id=ids[0])
    if together:
        desk.give(*links, cancel)
    else:
        desk.give(*links)
        desk.do(cancel)
    assert desk.state(ids[-1]) == "cancelled"
    assert [told[0] for told in desk.told()[-len(ids) + 1 :]] == ["expired"] * (len(ids) - 1)


def test_news_reaches_many_at_once(desk: Desk) -> None:
    desk.create("a")
    desk.create(*(f"fan-{n}" for n in range(50)), inputs=("a",))
    desk.report(said("a", "succeeded", at=1))
    assert [told for told in desk.told() if told[0] == "unblocked"] == [
        ("unblocked", f"fan-{n}") for n in range(50)
    ]


def test_a_task_that_names_an_input_through_two_ways_is_told_once(desk: Desk) -> None:
    """It was created, deleted and created again while the batch was decided."""
    desk.give(
        creation("a"),
        creation("b", inputs=("a",)),
        c.DeleteTask(task_id="b"),
        creation("b", inputs=("a",)),
        report(said("a", "succeeded", at=1)),
    )
    assert waits(desk, "b") == {"b": ("queued", 0)}


def test_a_task_that_no_longer_names_an_input_is_not_told_of_it(desk: Desk) -> None:
    desk.create("a")
    desk.create("b", inputs=("a",))
    desk.give(c.DeleteTask(task_id="b"), creation("b"), report(said("a", "succeeded", at=1)))
    assert waits(desk, "b") == {"b": ("queued", 0)}


def test_a_task_that_is_gone_is_not_told(desk: Desk) -> None:
    desk.create("a")
    desk.create("b", inputs=("a",))
    desk.give(c.DeleteTask(task_id="b"), report(said("a", "succeeded", at=1)))
    assert desk.find("b") is None


# Inputs that vanish.


def remove(desk: Desk, id_: str, *, many: bool) -> None:
    if many:
        desk.store.work(delete_chunk(Chunk(desk.project, [id_]))).result(PATIENCE_S)
    else:
        desk.do(c.DeleteTask(task_id=id_))


@pytest.mark.parametrize("many", [False, True], ids=["by command", "in bulk"])
def test_an_open_input_that_is_deleted_has_failed_those_who_wait(desk: Desk, many: bool) -> None:  # noqa: FBT001 - a parameter
    desk.create("a")
    desk.create("b", inputs=("a",))
    remove(desk, "a", many=many)
    assert waits(desk, "b") == {"b": ("cancelled", 1)}


@pytest.mark.parametrize("many", [False, True], ids=["by command", "in bulk"])
def test_an_input_that_had_succeeded_may_go_without_harm(desk: Desk, many: bool) -> None:  # noqa: FBT001 - a parameter
    desk.create("a", "other")
    desk.create("b", inputs=("a", "other"))
    desk.report(said("a", "succeeded", at=1))
    remove(desk, "a", many=many)
    assert waits(desk, "b") == {"b": ("blocked", 1)}
    # Another task of that id is not the input that it waited for.
    desk.report(said("a", "failed", at=2))
    desk.report(said("a", "succeeded", at=3))
    desk.report(said("other", "succeeded", at=1))
    assert waits(desk, "b") == {"b": ("queued", 0)}


def test_an_input_may_come_and_succeed_and_go_within_the_batch_that_names_it(desk: Desk) -> None:
    desk.give(
        creation("a"),
        creation("other"),
        creation("b", inputs=("a", "other")),
        report(said("a", "succeeded", at=1)),
        c.DeleteTask(task_id="a"),
        report(said("a", "succeeded", at=2)),
        report(said("other", "succeeded", at=2)),
    )
    assert waits(desk, "b") == {"b": ("queued", 0)}
    assert desk.leftovers(desk.task("b").pk) == ["details", "edges", "events"]


def test_a_held_task_is_mended_by_another_task_of_the_lost_inputs_id(desk: Desk) -> None:
    desk.create("a")
    desk.create("b", inputs=("a",), on_input_failure=OnInputFailure.HOLD)
    desk.do(c.DeleteTask(task_id="a"))
    assert (waits(desk, "b"), desk.task("b").reason) == ({"b": ("blocked", 1)}, "upstream")
    desk.create("a")
    desk.report(said("a", "succeeded", at=1))
    assert waits(desk, "b") == {"b": ("queued", 0)}


# Imports.


def test_imported_tasks_may_come_before_their_inputs(desk: Desk) -> None:
    desk.do(importing("b", state=TaskState.BLOCKED, inputs=("a", "x")))
    assert waits(desk, "b") == {"b": ("blocked", 2)}
    desk.do(importing("a", state=TaskState.SUCCEEDED))
    desk.do(importing("x", state=TaskState.RUNNING))
    assert waits(desk, "b") == {"b": ("blocked", 1)}
    desk.report(said("x", "succeeded"))
    assert waits(desk, "b") == {"b": ("queued", 0)}


@pytest.mark.parametrize("policy", list(OnInputFailure))
def test_an_input_that_is_imported_as_failed_is_told_to_those_who_wait(
    desk: Desk, policy: OnInputFailure
) -> None:
    waiting: dict[str, Any] = {"inputs": ("a", "x"), "on_input_failure": policy}
    desk.create("x")
    desk.do(importing("b", state=TaskState.BLOCKED, **waiting))
    desk.do(importing("a", state=TaskState.FAILED))
    assert (
        waits(desk, "b")["b"]
        == {
            OnInputFailure.CANCEL: ("cancelled", 2),
            OnInputFailure.HOLD: ("blocked", 2),
            OnInputFailure.RUN: ("blocked", 1),
        }[policy]
    )


def test_a_task_imported_as_waiting_for_what_has_failed_is_told(desk: Desk) -> None:
    desk.report(said("a", "failed", at=1))
    desk.do(importing("b", state=TaskState.BLOCKED, inputs=("a",)))
    assert waits(desk, "b") == {"b": ("cancelled", 1)}


def test_importing_over_a_waiting_task_counts_its_inputs_anew(desk: Desk) -> None:
    desk.create("a", "x")
    desk.report(said("y", "failed", at=1))
    desk.create("b", inputs=("a",))
    desk.do(importing("b", state=TaskState.BLOCKED, inputs=("x",)))
    desk.report(said("a", "succeeded", at=1))
    assert waits(desk, "b") == {"b": ("blocked", 1)}
    desk.do(importing("b", state=TaskState.BLOCKED, inputs=("x", "y")))
    assert waits(desk, "b") == {"b": ("cancelled", 2)}


def test_importing_over_an_input_tells_what_it_means(desk: Desk) -> None:
    desk.create("a")
    desk.create("b", inputs=("a",))
    desk.do(importing("a", state=TaskState.SUCCEEDED))
    assert waits(desk, "b") == {"b": ("queued", 0)}
    assert desk.rows(t.edges) >= 1


def test_inputs_that_form_a_cycle_by_import_do_not_run_for_ever(desk: Desk) -> None:
    desk.give(
        importing("a", state=TaskState.BLOCKED, inputs=("b",)),
        importing("b", state=TaskState.BLOCKED, inputs=("a",)),
    )
    desk.do(c.CancelTask(task_id="a"))
    assert [desk.state(id_) for id_ in "ab"] == ["cancelled", "cancelled"]
