"""A job is a group of tasks; its state is derived from theirs and never set."""

from collections.abc import Mapping
from enum import StrEnum

from farwork.domain.values import FINAL_STATES, TaskState


class JobState(StrEnum):
    """Where a job stands."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


_NOT_SUBMITTED = frozenset({TaskState.CREATED})


def job_state(counts: Mapping[TaskState, int]) -> JobState:
    """The state of a job whose tasks (those of jobs inside it included) stand as `counts` says.

    Without tasks, or with none submitted, the job is `created`; when all have ended it is `done`;
    when one is running, or some have ended and others not, it is `running`; else it is `queued`.
    """
    present = {state for state, count in counts.items() if count > 0}
    if present <= _NOT_SUBMITTED:
        return JobState.CREATED
    if present <= FINAL_STATES:
        return JobState.DONE
    if TaskState.RUNNING in present or present & FINAL_STATES:
        return JobState.RUNNING
    return JobState.QUEUED
