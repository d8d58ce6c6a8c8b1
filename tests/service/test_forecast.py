"""When a task will likely start and finish."""

from typing import Any

import pytest

from farwork.domain.task import Task
from farwork.domain.values import TaskState, moment
from farwork.protocol.parts import Likely
from farwork.service.forecast import Forecast, forecast, words
from farwork.storage.standing_reader import Past

# Ten that waited for 1 to 10 and ran for 100 to 1000.
PAST = [Past(n, 100 * n) for n in range(1, 11)]


def task(state: TaskState, **said: Any) -> Task:
    return Task("default", "t", 1_000, 1_000, state=state, **said)


def likely(middle: int, late: int, samples: int) -> Likely:
    return Likely(moment(middle), moment(late), samples)


def test_a_queued_task_starts_and_finishes_as_the_others_did() -> None:
    waiting = task(TaskState.QUEUED, queued_at=1_000)
    found = forecast(waiting, PAST, 1_000, may_start=True)
    assert found == Forecast(likely(1_006, 1_010, 10), likely(1_606, 2_010, 10))
    assert [line.split(" at ")[0] for line in words(found)] == [
        "It will likely start",
        "It will likely finish",
    ]


def test_whoever_has_waited_longer_is_compared_with_those_who_waited_longer() -> None:
    found = forecast(task(TaskState.QUEUED, queued_at=1_000), PAST, 1_005, may_start=True)
    assert found.start == likely(1_008, 1_010, 5)
    later = forecast(task(TaskState.QUEUED, queued_at=1_000), PAST, 1_006, may_start=True)
    assert later == Forecast()


def test_a_running_task_finishes_as_the_others_did_from_its_start() -> None:
    found = forecast(task(TaskState.RUNNING, started_at=2_000), PAST, 2_400, may_start=True)
    assert found == Forecast(finish=likely(2_800, 3_000, 6))


def test_a_task_that_is_not_due_waits_from_then_on() -> None:
    waiting = task(TaskState.QUEUED, queued_at=1_000, not_before=9_000)
    assert forecast(waiting, PAST, 1_500, may_start=True).start == likely(9_006, 9_010, 10)


@pytest.mark.parametrize("state", [TaskState.CREATED, TaskState.BLOCKED, TaskState.FAILED])
def test_of_a_task_that_waits_for_something_else_nothing_is_known(state: TaskState) -> None:
    assert forecast(task(state), PAST, 1_000, may_start=True) == Forecast()


def test_of_a_task_that_is_held_up_or_the_first_of_its_kind_nothing_is_known() -> None:
    waiting = task(TaskState.QUEUED)
    assert forecast(waiting, PAST, 1_000, may_start=False) == Forecast()
    assert forecast(waiting, PAST[:4], 1_000, may_start=True) == Forecast()
