"""Submissions to outside platforms: noted before and after, and set right by their lists."""

from collections.abc import Sequence

from msgspec import UNSET

from farwork.clock import Now
from farwork.domain.commands import ReportTask
from farwork.protocol.reports import ProgressIn, ReportIn, ShardIn, take_in
from farwork.protocol.submissions import (
    PlatformJob,
    ReconciledJob,
    ReconcileIn,
    SubmissionIn,
)
from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.storage import submission_store
from farwork.storage.submission_store import Intent, Submission


class Submissions:
    """The use cases of submissions. Every one needs the role worker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def note(self, caller: Principal, said: SubmissionIn) -> Submission:
        """Keep what is about to be submitted, or the id that the platform gave for it.

        Raises `TaskNotFound`, `LeaseSuperseded`.
        """
        caller.require(Role.WORKER)
        intent = Intent(
            caller.project,
            said.task_id,
            said.lease_seq,
            said.platform,
            said.part,
            said.shard,
            said.external_ref,
            said.anew,
        )
        now: Now = self._ledger.now
        return await self._ledger.work(lambda con: submission_store.note(con, intent, now()))

    async def reconcile(self, caller: Principal, said: ReconcileIn) -> list[ReconciledJob]:
        """Take a platform's list as reports about all the tasks concerned."""
        caller.require(Role.WORKER)
        refs = {job.external_ref for job in said.jobs if job.external_ref is not None}
        tokens = {job.token for job in said.jobs if job.token is not None}
        by_ref, by_token = await self._ledger.read(
            lambda con: submission_store.known(con, caller.project, said.platform, refs, tokens)
        )
        meant = [
            by_ref.get(job.external_ref or "") or by_token.get(job.token or "") for job in said.jobs
        ]
        items = [
            ReconciledJob(job.external_ref, job.token, one and one.task_id, None, None)
            for job, one in zip(said.jobs, meant, strict=True)
        ]
        await self._attach(caller, said, meant)
        await self._report(caller, said, meant, items)
        return items

    async def _attach(
        self, caller: Principal, said: ReconcileIn, meant: Sequence[Submission | None]
    ) -> None:
        """Keep what a worker did not live to tell: under which id the platform has its work."""
        found = {
            one.token: job.external_ref
            for job, one in zip(said.jobs, meant, strict=True)
            if one is not None and one.external_ref is None and job.external_ref is not None
        }
        if found:
            now = self._ledger.now
            await self._ledger.work(
                lambda con: submission_store.attach(
                    con, caller.project, said.platform, found, now()
                )
            )

    async def _report(
        self,
        caller: Principal,
        said: ReconcileIn,
        meant: Sequence[Submission | None],
        items: list[ReconciledJob],
    ) -> None:
        now = self._ledger.now()
        commands: list[ReportTask] = []
        for job, one in zip(said.jobs, meant, strict=True):
            if one is not None:
                report = _report_of(job, one, said.platform)
                taken, encoded = take_in(report, source=caller.name, received_at=now)
                commands.append(
                    ReportTask(
                        task_id=one.task_id,
                        actor=caller.name,
                        report=taken,
                        register=False,
                        encoded=encoded,
                    )
                )
        if not commands:
            return
        answer = await self._ledger.commands(caller.project, commands)
        concerned = [item for item in items if item.task_id is not None]
        for item, outcome in zip(concerned, answer.outcomes, strict=True):
            item.verdict, item.state = outcome.verdict, outcome.state


def _report_of(job: PlatformJob, one: Submission, platform: str) -> ReportIn:
    """The report of what a platform says: about the shard that was submitted, or the task."""
    report = ReportIn(
        task_id=one.task_id,
        source=platform,
        occurred_at=job.occurred_at,
        attempt=one.attempt,
        reported_status=job.reported_status,
    )
    if one.shard is not None:
        report.shard = ShardIn(
            one.shard, job.state, None, job.external_ref, None, None, None, job.error, job.result
        )
        return report
    report.state, report.error = job.state, job.error
    report.external_ref = job.external_ref
    if job.percent is not None:
        report.progress = ProgressIn(job.percent)
    if job.result is not UNSET:
        report.result = job.result
    return report
