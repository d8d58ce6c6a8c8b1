"""How a task follows the tasks that it waits for."""

from farwork.domain import commands as c
from farwork.domain.decision import Decision, Known, Needs, present, take
from farwork.domain.events import EventType
from farwork.domain.facts import Held, Inferred, Unblocked
from farwork.domain.marks import command_mark
from farwork.domain.task import Task
from farwork.domain.values import Fault, Instant, OnInputFailure, TaskState

UPSTREAM = "upstream"
"""The reason of a task that was cancelled, or waits, because an input ended without success."""


def input_ended(
    task: Task | None, command: c.InputEnded, now: Instant, known: Known
) -> Decision | Needs:
    """Count an input that ended as the task needs it, and unblock the task with the last.

    One that ended otherwise stays pending; if the task waits, it is cancelled or held, as it says.
    """
    task = present(task, command)
    suits = command.succeeded or task.on_input_failure is OnInputFailure.RUN
    if not suits:
        return Decision(task) if command.reopened else _input_failed(task, command, now, known)
    after = task.draft()
    after.inputs_pending += 1 if command.reopened else -1
    assert after.inputs_pending >= 0
    if after.inputs_pending or after.state is not TaskState.BLOCKED:
        return Decision(after)
    fact = Unblocked(now, command_mark(now, task.mark))
    return take(after, fact, EventType.TASK_UNBLOCKED, known, command)


def _input_failed(
    task: Task, command: c.InputEnded, now: Instant, known: Known
) -> Decision | Needs:
    if task.state is not TaskState.BLOCKED:
        return Decision(task)
    mark = command_mark(now, task.mark)
    if task.on_input_failure is OnInputFailure.CANCEL:
        error = Fault(UPSTREAM, f"input {command.input_id!r} ended without success")
        fact = Inferred(now, mark, TaskState.CANCELLED, UPSTREAM, error)
        return take(task, fact, EventType.TASK_EXPIRED, known, command)
    if task.reason == UPSTREAM:
        return Decision(task)
    return take(task, Held(now, mark, UPSTREAM), EventType.TASK_HELD, known, command)
