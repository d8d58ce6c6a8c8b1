"""The state of a job follows from its tasks."""

import pytest

from farwork.domain.jobs import JobState, job_state
from farwork.domain.values import TaskState


@pytest.mark.parametrize(
    ("tasks", "state"),
    [
        ("", "created"),
        ("created", "created"),
        ("created queued", "queued"),
        ("blocked", "queued"),
        ("blocked queued", "queued"),
        ("created running", "running"),
        ("queued running succeeded", "running"),
        ("created succeeded", "running"),
        ("blocked failed", "running"),
        ("running", "running"),
        ("succeeded", "done"),
        ("succeeded failed cancelled", "done"),
    ],
)
def test_a_job_stands_as_its_tasks_make_it(tasks: str, state: str) -> None:
    counts = dict.fromkeys(map(TaskState, tasks.split()), 2)
    assert job_state(counts) is JobState(state)


def test_states_without_tasks_do_not_count() -> None:
    assert job_state({TaskState.RUNNING: 0, TaskState.FAILED: 1}) is JobState.DONE
