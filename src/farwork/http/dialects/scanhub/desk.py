"""What every call does: know the caller, read whole, write in time."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from farwork import clock
from farwork.domain.commands import Command, CreateTask
from farwork.domain.errors import JobNotFound, TaskNotFound
from farwork.domain.values import Instant, Limits, Policy
from farwork.http import body
from farwork.http.auth import AnyRequest
from farwork.http.context import UseCases
from farwork.http.dialects.scanhub import translate
from farwork.http.dialects.scanhub.asking import Refused
from farwork.service.access import Principal, Role
from farwork.service.ledger import NotInTime
from farwork.service.trees import Composition, Document, Job, Leaf, Tree, Written

T = TypeVar("T")

CLIENT_SECONDS = 3.0
"""So long the managers wait for an answer."""
WRITE_SECONDS = 2.0
"""Nothing is written later than this after a request has come."""
ANSWER_SECONDS = 2.8


class Desk:
    """One request: its caller, and the moment after which nobody waits for its answer."""

    def __init__(self, context: UseCases, caller: Principal, come_at: float) -> None:
        self.context = context
        self.caller = caller
        self._come_at = come_at

    # --- reading ---

    def now(self) -> Instant:
        """The present instant."""
        return self.context.ledger.now()

    def new_id(self) -> str:
        """A new UUID."""
        return clock.uuid7(self.now())

    async def raw(self, request: AnyRequest) -> bytes:
        """The body of a request."""
        return await body.read(request, self.context.config.single_body_bytes_max)

    async def task(self, task_id: str) -> tuple[Leaf, Tree]:
        """A task of this dialect. Raises `Refused`."""
        try:
            tree = await self.context.trees.task(self.caller, task_id, translate.HANGINGS)
        except TaskNotFound:
            raise Refused(404, f"There is no task {task_id}.") from None
        leaf = tree.leaves[0]
        if not translate.is_ours(leaf):
            raise Refused(404, f"There is no task {task_id} of ScanHub.")
        return leaf, tree

    async def workflow(self, workflow_id: str) -> tuple[Job, Tree] | None:
        """A workflow with its tasks."""
        try:
            tree = await self.context.trees.job(self.caller, workflow_id, 0, translate.HANGINGS)
        except JobNotFound:
            return None
        job = tree.jobs[0]
        return (job, tree) if translate.is_workflow(job) else None

    async def exam(self, exam_id: str) -> tuple[Job, Tree] | None:
        """An exam with its workflows and their tasks."""
        try:
            tree = await self.context.trees.job(self.caller, exam_id, 1, translate.HANGINGS)
        except JobNotFound:
            return None
        job = tree.jobs[0]
        return (job, tree) if translate.is_exam(job) else None

    async def document(self, kind: str, document_id: str) -> Document | None:
        """A document of this dialect."""
        return await self.context.trees.document(self.caller, translate.NAME, [kind], document_id)

    async def documents(self, kind: str) -> list[Document]:
        """All documents of a kind."""
        return await self.context.trees.documents(self.caller, translate.NAME, kind)

    async def under(self, kind: str, parents: Sequence[str]) -> list[Document]:
        """The documents of a kind that hang on one of these."""
        return await self.context.trees.under(self.caller, translate.NAME, kind, parents)

    # --- writing ---

    def composition(self, *, is_told: bool = True) -> Composition:
        """Nothing yet; to be filled with what goes together."""
        return Composition(self.caller.project, self.caller.name, is_told=is_told)

    def new(
        self,
        kind: str,
        fields: translate.Fields,
        *,
        document_id: str | None = None,
        parent_id: str | None = None,
    ) -> Document:
        """A new document."""
        now = self.now()
        return Document(
            project=self.caller.project,
            dialect=translate.NAME,
            kind=kind,
            id=document_id or self.new_id(),
            parent_id=parent_id,
            body=fields,
            creator=self.caller.name,
            created_at=now,
            updated_at=now,
        )

    def new_job(
        self,
        name: str,
        fields: translate.Fields,
        *,
        job_id: str | None = None,
        parent_id: str | None = None,
        labels: dict[str, str] | None = None,
    ) -> Job:
        """A new job."""
        now = self.now()
        return Job(
            project=self.caller.project,
            id=job_id or self.new_id(),
            name=name,
            parent_id=parent_id,
            labels=labels or {},
            metadata={translate.NAME: fields},
            creator=self.caller.name,
            created_at=now,
            updated_at=now,
            version=1,
        )

    async def write(
        self, needs: Role, commands: Sequence[Command], what: Composition | None = None
    ) -> Written:
        """Write all of it while the client still waits, or nothing. Raises `NotInTime`."""
        await self._treat_as_their_kind(commands)
        writing = self.context.trees.write(
            self.caller, needs, commands, what, until=self._come_at + WRITE_SECONDS
        )
        left = self._come_at + ANSWER_SECONDS - clock.ticks()
        try:
            return await asyncio.wait_for(writing, max(left, 0))
        except TimeoutError:
            raise NotInTime("The write was not made in the time that its sender waits.") from None

    async def _treat_as_their_kind(self, commands: Sequence[Command]) -> None:
        """Give new tasks the policy of their kind, or the limits that end what hangs for ever."""
        new = [one.task for one in commands if isinstance(one, CreateTask)]
        if not new:
            return
        config = self.context.config
        limits = Limits(
            queue_s=config.scanhub_wait_seconds_max, silence_s=config.scanhub_silence_seconds_max
        )
        kinds = await self.context.kinds.of(self.caller.project)
        for task in new:
            kind = kinds.get(task.kind)
            task.policy = Policy(limits=limits) if kind is None else kind.policy
            if kind is not None and kind.attempts_max is not None:
                task.attempts_max = kind.attempts_max


async def opened(request: AnyRequest, context: UseCases, needs: Role = Role.VIEWER) -> Desk:
    """The desk of a request. Who calls, and whether he may, is asked before anything else.

    Raises `Unauthenticated`, `Forbidden`.
    """
    come_at = clock.ticks()
    caller = await context.doorkeeper.caller(request)
    caller.require(needs)
    return Desk(context, caller, come_at)
