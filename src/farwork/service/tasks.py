"""Creating, reading and steering tasks."""

from collections import Counter
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from msgspec import UNSET, structs

from farwork import clock
from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.errors import InputsFormACycle, TaskExists
from farwork.domain.task import IDENTITY_FIELDS, Task
from farwork.domain.values import Instant, instant
from farwork.protocol.policies import policy_from
from farwork.protocol.tasks import TaskCreate, TaskPatch
from farwork.service.access import Principal, Role
from farwork.service.hooks import callback_of
from farwork.service.kinds import Kinds
from farwork.service.ledger import Ledger
from farwork.service.shards import announced
from farwork.storage import task_reader
from farwork.storage.steering_store import KindRow
from farwork.storage.task_reader import Page, TaskFilter
from farwork.storage.writes import Answer, Idempotency, Outcome

VERBS: dict[str, type[c.Command]] = {
    "submit": c.SubmitTask,
    "cancel": c.CancelTask,
    "retry": c.RetryTask,
    "archive": c.ArchiveTask,
    "restore": c.RestoreTask,
    "adopt": c.AdoptReport,
}
_ADMINS_VERBS: dict[str, type[c.Command]] = {"hold": c.HoldTask, "release": c.ReleaseTask}


def needed_for(verb: str) -> Role:
    """The role that a verb needs."""
    return Role.ADMIN if verb in _ADMINS_VERBS else Role.OPERATOR


class Tasks:
    """The use cases of tasks.

    Every method names the role that it needs, and raises `Forbidden` without it.
    """

    def __init__(self, ledger: Ledger, kinds: Kinds | None = None) -> None:
        self._ledger = ledger
        self._kinds = kinds or Kinds(ledger)

    async def create(
        self, caller: Principal, wanted: list[TaskCreate], idempotency: Idempotency | None = None
    ) -> Answer:
        """Create all of these tasks or none; outcomes in their order.

        Needs operator; worker will do where every task goes into a job.
        Raises `TaskExists`, `InputNotFound`, `InputsFormACycle`.
        """
        caller.require(Role.WORKER if all(w.job_id for w in wanted) else Role.OPERATOR)
        now = self._ledger.now()
        kinds = await self._kinds.of(caller.project)
        ordered = [
            _creation(one, caller, now, kinds.get(one.kind)) for one in _inputs_first(wanted, now)
        ]
        answer = await self._ledger.commands(
            caller.project, ordered, atomic=True, idempotency=idempotency
        )
        places = {one.id: index for index, one in enumerate(wanted)}
        answer.outcomes.sort(key=lambda outcome: places[outcome.task_id])
        return answer

    async def get(self, caller: Principal, task_id: str) -> tuple[Task, Details]:
        """A task, whole. Needs viewer. Raises `TaskNotFound`."""
        caller.require(Role.VIEWER)
        task = await self._ledger.task(caller.project, task_id)
        details = await self._ledger.read(lambda con: task_reader.get_details(con, task.pk))
        return task, details

    async def page(
        self, caller: Principal, wanted: TaskFilter, at: Page
    ) -> tuple[list[Task], tuple[int, int] | None]:
        """A page of tasks, and the place where the next begins (None: the end). Needs viewer."""
        caller.require(Role.VIEWER)
        more = Page(at.limit + 1, at.order, at.descending, at.after, at.offset)
        found = await self._ledger.read(
            lambda con: task_reader.page(con, caller.project, wanted, more)
        )
        if len(found) <= at.limit:
            return found, None
        last = found[at.limit - 1]
        return found[: at.limit], (getattr(last, f"{at.order}_at"), last.pk)

    async def change(
        self, caller: Principal, task_id: str, patch: TaskPatch, if_version: int | None
    ) -> Outcome:
        """Change what a task says of itself. Needs operator.

        Raises `TaskNotFound`, `VersionMismatch`.
        """
        caller.require(Role.OPERATOR)
        said: dict[str, Any] = {
            name: value for name, value in structs.asdict(patch).items() if value is not UNSET
        }
        command = c.ChangeTask(
            task_id=task_id,
            actor=caller.name,
            if_version=if_version,
            params=said.pop("params", None),
            metadata=said.pop("metadata", None),
            extensions=said.pop("extensions", None),
            fields=said,
        )
        return await self._ledger.command(caller.project, command)

    async def delete(
        self,
        caller: Principal,
        task_id: str,
        if_version: int | None = None,
        *,
        archived: bool | None = None,
    ) -> None:
        """Remove a task for good. Needs operator.

        With `archived` given, one that is not as it says is not there.
        Raises `TaskNotFound`, `VersionMismatch`, `TaskUnderHold`.
        """
        caller.require(Role.OPERATOR)
        command = c.DeleteTask(
            task_id=task_id, actor=caller.name, if_version=if_version, archived=archived
        )
        await self._ledger.command(caller.project, command)

    async def order(
        self,
        caller: Principal,
        verb: str,
        task_id: str,
        *,
        if_version: int | None = None,
        idempotency: Idempotency | None = None,
        **said: Any,
    ) -> Answer:
        """Carry out a verb: one outcome. Needs the role that `needed_for` says.

        Raises what the verb's command is refused with.
        """
        caller.require(needed_for(verb))
        command = (VERBS | _ADMINS_VERBS)[verb](
            task_id=task_id, actor=caller.name, if_version=if_version, **said
        )
        return await self._ledger.commands(
            caller.project, [command], atomic=True, idempotency=idempotency
        )


def _inputs_first(wanted: list[TaskCreate], now: Instant) -> list[TaskCreate]:
    """The tasks in an order in which each comes after its inputs; those without an id get one."""
    for one in wanted:
        one.id = one.id or clock.uuid7(now)
    by_id = {one.id: one for one in wanted}
    if len(by_id) < len(wanted):
        twice = next(id_ for id_, n in Counter(one.id for one in wanted).items() if n > 1)
        raise TaskExists(f"The id {twice!r} is given to more than one of these tasks.")
    if not any(one.inputs for one in wanted):
        return wanted
    sorter = TopologicalSorter({one.id: [i for i in one.inputs if i in by_id] for one in wanted})
    try:
        return [by_id[id_] for id_ in sorter.static_order()]
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise InputsFormACycle(f"The inputs form a cycle: {path}.") from None


def _later(moment: datetime | None, now: Instant) -> Instant | None:
    """A time that is yet to come."""
    at = None if moment is None else instant(moment)
    return at if at is not None and at > now else None


def _creation(
    one: TaskCreate, caller: Principal, now: Instant, kind: KindRow | None
) -> c.CreateTask:
    assert one.id is not None
    policy = None if kind is None else kind.policy
    attempts_max = None if kind is None else kind.attempts_max
    pinned = set(IDENTITY_FIELDS)
    # What only the outside knows is left for reports to say.
    pinned -= {name for name in ("external_ref", "job_id") if getattr(one, name) is None}
    task = Task(
        project=caller.project,
        id=one.id,
        created_at=now,
        updated_at=now,
        kind=one.kind,
        name=one.name,
        queue=one.queue,
        priority=one.priority,
        labels=one.labels,
        external_ref=one.external_ref,
        job_id=one.job_id,
        inputs=tuple(dict.fromkeys(one.inputs)),
        on_input_failure=one.on_input_failure,
        creator=caller.name,
        items_total=one.items_total,
        pinned=frozenset(pinned),
        requires=one.requires,
        attempts_max=one.attempts_max or attempts_max or 1,
        not_before=_later(one.not_before, now),
        policy=policy if one.policy is None else policy_from(one.policy),
    )
    return c.CreateTask(
        task_id=one.id,
        actor=caller.name,
        task=task,
        details=Details(one.params, one.metadata, one.extensions),
        shards=announced(one.shards, now),
        submit=one.submit,
        callback=None if one.callback is None else callback_of(one.callback),
    )
