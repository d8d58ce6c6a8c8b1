"""decide: what becomes of a task when a command is given. Pure; all writes go through it.

The answer is a `Decision`, a raised refusal, or a `Needs`: the same question must be asked again
with that part of the task's history in `Known` as well.
"""

from collections.abc import Callable
from typing import Any

from farwork.domain import commands as c
from farwork.domain import creation, inputs, leases, operators, sharding
from farwork.domain.decision import Decision, Known, Needs
from farwork.domain.errors import VersionMismatch
from farwork.domain.policy import arm
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
    c.HoldTask: operators.hold,
    c.ReleaseTask: operators.release,
    c.ChangeTask: operators.change,
    c.ExpireTask: operators.expire,
    c.InputEnded: inputs.input_ended,
    c.ClaimTask: leases.claim,
    c.LeaseReport: leases.report,
    c.RenewLease: leases.renew,
    c.HandBack: leases.hand_back,
    c.AnswerCancel: leases.answer_cancel,
    c.ReapLease: leases.reap,
    c.CheckDeadline: leases.check_deadline,
    c.WakeTask: leases.wake,
    c.AddShards: sharding.add,
    c.RetryShard: sharding.retry,
    c.CancelShard: sharding.cancel,
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
    decision = HANDLERS[type(command)](task, command, now, known)
    if isinstance(decision, Decision):
        after = decision.task
        if after is not None and after is not task and after.policy is not None:
            arm(task, after)
    return decision
