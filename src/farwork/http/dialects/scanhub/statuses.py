"""What becomes of a task's state and progress when a client puts a whole record; pure.

Every client reads a whole record and puts it back whole. A copy that is older than the task, or
that contradicts itself, speaks for its other fields only as far as state and progress go: they move
forward by it, never back.
"""

from dataclasses import dataclass

from farwork.domain.task import Task
from farwork.domain.values import Instant, SettledBy, TaskState
from farwork.http.dialects.scanhub import wire

STATES: dict[wire.Status, TaskState] = {
    "NEW": TaskState.CREATED,
    "UPDATED": TaskState.CREATED,
    "STARTED": TaskState.QUEUED,
    "INPROGRESS": TaskState.RUNNING,
    "FINISHED": TaskState.SUCCEEDED,
    "ERROR": TaskState.FAILED,
}
_STATUSES: dict[TaskState, wire.Status] = {
    TaskState.CREATED: "NEW",
    TaskState.BLOCKED: "STARTED",
    TaskState.QUEUED: "STARTED",
    TaskState.RUNNING: "INPROGRESS",
    TaskState.SUCCEEDED: "FINISHED",
    TaskState.FAILED: "ERROR",
    TaskState.CANCELLED: "ERROR",
}
_RANKS: dict[wire.Status, int] = {
    "NEW": 0,
    "UPDATED": 1,
    "STARTED": 2,
    "INPROGRESS": 3,
    "ERROR": 4,
    "FINISHED": 5,
}
_MILLISECOND: Instant = 1_000


class NotATransition(Exception):
    """A state that the task cannot come back to; the text says why."""


@dataclass(slots=True, frozen=True)
class Move:
    """What is to be reported: a status and a progress, of the present attempt or of another.

    `retries`: another attempt begins with it. `gives_up`: the present one is ended before that.
    """

    status: wire.Status
    progress: int
    retries: bool = False
    gives_up: bool = False


def status_of(task: Task) -> wire.Status:
    """The status of a task."""
    if task.state is TaskState.CREATED and task.reported_status == "UPDATED":
        return "UPDATED"
    return _STATUSES[task.state]


def is_stale(task: Task, read_at: Instant | None, *, told: bool) -> bool:
    """Whether a copy was read before the task last changed.

    `told` says whether the copy tells when that was; `read_at` None is the copy of a new task. A
    program that keeps no microseconds gives its milliseconds.
    """
    if not told or task.updated_at == task.created_at:
        return False
    if read_at is None:
        return True
    if read_at % _MILLISECOND == 0:
        return read_at < task.updated_at - task.updated_at % _MILLISECOND
    return read_at < task.updated_at


def move(task: Task, said: wire.Status, progress: int, *, stale: bool) -> Move | None:
    """What becomes of a task when a record says this of it; None: nothing.

    Raises `NotATransition`.
    """
    status = status_of(task)
    shown = int(task.percent)
    # The one who edits a task puts state and progress as he has seen them: a different progress is
    # that of an older copy.
    old = stale or (said == "UPDATED" and task.state is not TaskState.CREATED and progress != shown)
    if old:
        return _forward(task, said, progress)
    if said == status:
        return None if task.is_final or progress == shown else Move(said, progress)
    if said == "NEW" and status != "UPDATED":
        raise NotATransition(
            f"The task is {status}; it cannot become NEW again. Put UPDATED, STARTED or INPROGRESS "
            "to work on it once more."
        )
    return Move(
        said,
        progress,
        retries=_begins_again(task, said),
        gives_up=said == "STARTED" and task.state is TaskState.RUNNING,
    )


def _begins_again(task: Task, said: wire.Status) -> bool:
    """Whether a status belongs to another attempt than the present one."""
    if said in ("FINISHED", "ERROR"):
        return False
    if said == "INPROGRESS" and task.settled_by in (SettledBy.SERVER, SettledBy.SHARDS):
        # The end was our conclusion; that it goes on corrects it.
        return False
    return task.is_final or (said == "STARTED" and task.state is TaskState.RUNNING)


def _forward(task: Task, said: wire.Status, progress: int) -> Move | None:
    status = status_of(task)
    shown = int(task.percent)
    if _RANKS[said] > _RANKS[status]:
        return Move(said, max(progress, shown))
    if said == status and progress > shown and not task.is_final:
        return Move(said, progress)
    return None
