"""decide: what becomes of a task when a command is given. Pure; all writes go through it.

The answer is a `Decision`, a raised refusal, or a `Needs`: the same question must be asked again
with that part of the task's history in `Known` as well.
"""

from collections.abc import Callable
from typing import Any

from farwork.domain import commands as c
from farwork.domain import creation, inputs, operators
from farwork.domain.decision import Decision, Known, Needs
from farwork.domain.errors import VersionMismatch
from farwork.domain.reporting import take_report
from farwork.domain.task import Task
from farwork.domain.values import Instant

HANDLERS: dict[type, Callable[[Any, Any, Instant, Known], Decision | Needs]] = {
    c.CreateTask: creation.create,
    c.ImportTask: creation.import_task,
    c.ReportTask: take_report,
    c.SubmitTask: operators.submit,
    c.CancelTask: operators.cancel,
    c.RetryTask: operators.retry,
    c.AdoptReport: operators.adopt,
    c.ArchiveTask: operators.archive,
    c.RestoreTask: operators.restore,
    c.DeleteTask: operators.delete,
    c.ChangeTask: operators.change,
    c.ExpireTask: operators.expire,
    c.InputEnded: inputs.input_ended,
}
NOTHING_KNOWN = Known()


def decide(
    task: Task | None, command: c.Command, now: Instant, known: Known = NOTHING_KNOWN
) -> Decision | Needs:
    """What becomes of `task` (None: there is none) when `command` is given `now`.

    Raises a `DomainError` when it is refused; then nothing changes. `now` is later than any time at
    which the task was updated: the caller sees to it when clocks disagree. Nothing that is given is
    changed in place.
    """
    if task is not None and command.if_version is not None and command.if_version != task.version:
        raise VersionMismatch(
            f"The task has version {task.version}, not {command.if_version}; read it again."
        )
    return HANDLERS[type(command)](task, command, now, known)
