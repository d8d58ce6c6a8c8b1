"""Work under leases: claims, signs of life, ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from farwork import clock
from farwork.domain import commands as c
from farwork.domain.commands import Details
from farwork.domain.errors import LeaseSuperseded, TaskNotFound
from farwork.domain.policy import LOST
from farwork.domain.task import Task
from farwork.domain.values import CancelStanding, Instant, TaskState, Verdict, moment
from farwork.protocol.leases import (
    Beat,
    Claim,
    ClaimedOut,
    Completed,
    Failed,
    HeartbeatIn,
    HeartbeatOut,
    InputOut,
    LeaseOut,
    LeaseRef,
    QueueWeight,
)
from farwork.protocol.reports import ReportIn, take_in
from farwork.protocol.shapes import when, whole
from farwork.service.access import Principal, Role
from farwork.service.ledger import Answer, Idempotency, Ledger, Outcome, Write
from farwork.service.views import result_out
from farwork.service.workforce import Workforce
from farwork.storage import lease_reader, task_reader
from farwork.storage.lease_reader import LeaseStanding
from farwork.storage.writes import Ask, Renewal

SECOND = 1_000_000
# A lease is renewed when less than this part of it is left: at most once per third of its length.
FRESH = 2 / 3
BEATS_PER_LEASE = 3


class ClaimRef(msgspec.Struct):
    """What is kept of a claim: enough to answer the same request again."""

    task_id: str
    lease_seq: int


class Kept(msgspec.Struct):
    """What is kept of an answer about leases, under an Idempotency-Key."""

    items: list[LeaseOut]
    claims: list[ClaimRef]


@dataclass(slots=True)
class Ended:
    """What became of ends, and what was claimed in the same transaction."""

    items: list[LeaseOut] = field(default_factory=list[LeaseOut])
    claimed: list[ClaimedOut] = field(default_factory=list[ClaimedOut])


class Leases:
    """The use cases of workers. Every one needs the role worker."""

    def __init__(self, ledger: Ledger, workforce: Workforce) -> None:
        self._ledger = ledger
        self._workforce = workforce

    # --- claims ---

    async def claim(
        self, caller: Principal, said: Claim, idempotency: "Asked | None" = None
    ) -> list[ClaimedOut]:
        """Let a worker hold as many tasks as it asks for and there are; maybe none."""
        caller.require(Role.WORKER)
        ask = await self._ask(caller, said)
        if ask is None and idempotency is None:
            return []
        write = Write(caller.project, [], claim=ask, idempotency=_kept(idempotency, []))
        answer = await self._ledger.write(write)
        return await self._claimed(caller, answer, 0)

    async def _ask(self, caller: Principal, said: Claim) -> Ask | None:
        """What a worker may ask for; None: it shall not work just now."""
        queues = [queue.name if isinstance(queue, QueueWeight) else queue for queue in said.queues]
        state = await self._workforce.seen(caller, said.worker, queues, said.labels)
        if state != "active":
            return None
        weights = {q.name: q.weight for q in said.queues if isinstance(q, QueueWeight)}
        return Ask(
            worker=said.worker,
            queues=list(dict.fromkeys(queues)),
            tasks_max=said.max,
            lease_us=round(said.lease_seconds * SECOND),
            labels=said.labels,
            weights=weights,
            dice=clock.dice,
        )

    async def _claimed(self, caller: Principal, answer: Answer, first: int) -> list[ClaimedOut]:
        """The claims of an answer: those of its outcomes from `first` on, or those it kept."""
        if answer.stored is not None and answer.stored.body and not answer.outcomes:
            kept = msgspec.json.decode(answer.stored.body, type=Kept)
            return await self._claimed_again(caller, kept.claims)
        outcomes = answer.outcomes[first:]
        given = await self._inputs(caller, [o.task for o in outcomes if o.task is not None])
        return [
            _claimed_out(o.task, o.details or Details(), given.get(o.task_id, []))
            for o in outcomes
            if o.task is not None
        ]

    async def _claimed_again(
        self, caller: Principal, claims: Sequence[ClaimRef]
    ) -> list[ClaimedOut]:
        """The same claims once more, those that still hold."""

        def look(connection: Connection) -> list[tuple[Task, Details]]:
            found = [task_reader.get(connection, caller.project, one.task_id) for one in claims]
            seqs = {one.task_id: one.lease_seq for one in claims}
            return [
                (task, task_reader.get_details(connection, task.pk))
                for task in found
                if task is not None and task.worker and task.lease_seq == seqs[task.id]
            ]

        held = await self._ledger.read(look)
        given = await self._inputs(caller, [task for task, _ in held])
        return [_claimed_out(task, details, given.get(task.id, [])) for task, details in held]

    async def _inputs(self, caller: Principal, tasks: list[Task]) -> dict[str, list[InputOut]]:
        """What the inputs of tasks ended with, by the id of the task."""
        waiting = [task for task in tasks if task.inputs]
        if not waiting:
            return {}

        ids = {input_id for task in waiting for input_id in task.inputs}
        found = await self._ledger.read(
            lambda connection: lease_reader.inputs_given(connection, caller.project, ids)
        )
        given = {
            id_: InputOut(id_, one.state, [result_out(row) for row in one.results])
            for id_, one in found.items()
        }
        return {task.id: [given[id_] for id_ in task.inputs] for task in waiting}

    # --- signs of life ---

    async def heartbeat(self, caller: Principal, said: HeartbeatIn) -> HeartbeatOut:
        """Renew leases, take what is said with it, and tell the worker what it shall do.

        Leases that are fresh cost nothing; bare signs of life cost no event.
        """
        caller.require(Role.WORKER)
        state = await self._workforce.seen(caller, said.worker)
        lease_us = round(said.lease_seconds * SECOND)
        items = await self._beat(caller, said, lease_us) if said.leases else []
        return HeartbeatOut(items, state, said.lease_seconds / BEATS_PER_LEASE)

    async def _beat(self, caller: Principal, said: HeartbeatIn, lease_us: int) -> list[LeaseOut]:
        found = await self._standings(caller, said)
        now = self._ledger.now()
        beats = _Beats(caller, said.worker, now, lease_us)
        for beat in said.leases:
            beats.take(beat, found.get(beat.task_id))
        if beats.commands or beats.renewals:
            write = Write(caller.project, beats.commands, renewals=beats.renewals)
            answer = await self._ledger.write(write)
            beats.learn(answer.outcomes)
            if beats.renewals and not answer.renewed:
                # A lease may have ended between the look and the write: nobody is told that it
                # holds what it does not hold.
                beats.look_again(await self._standings(caller, said))
        return beats.items

    async def _standings(self, caller: Principal, said: HeartbeatIn) -> dict[str, LeaseStanding]:
        ids = {beat.task_id for beat in said.leases}
        return await self._ledger.read(
            lambda connection: lease_reader.standings(connection, caller.project, ids)
        )

    # --- ends ---

    async def end(
        self,
        caller: Principal,
        said: Sequence[Completed | Failed],
        worker: str | None,
        claim: Claim | None,
        idempotency: "Asked | None" = None,
    ) -> Ended:
        """Take what attempts ended with, and in the same transaction let the worker claim more."""
        caller.require(Role.WORKER)
        await self._name_attempts(caller, said)
        commands = [self._end_of(caller, one, worker) for one in said]
        ask = None if claim is None else await self._ask(caller, claim)
        write = Write(caller.project, [*commands], claim=ask, idempotency=_kept(idempotency, said))
        answer = await self._ledger.write(write)
        if answer.stored is not None and not answer.outcomes:
            kept = msgspec.json.decode(answer.stored.body, type=Kept)
            return Ended(kept.items, await self._claimed_again(caller, kept.claims))
        return Ended(
            _lease_outs(said, answer.outcomes), await self._claimed(caller, answer, len(said))
        )

    async def _name_attempts(self, caller: Principal, said: Sequence[LeaseRef]) -> None:
        """Find out which attempt is meant by whoever does not say."""
        silent = [one for one in said if one.attempt is None]
        if not silent:
            return

        def look(connection: Connection) -> dict[tuple[str, int], int | None]:
            ids = {one.task_id for one in silent}
            found = lease_reader.standings(connection, caller.project, ids)
            return {
                (one.task_id, one.lease_seq): _attempt_meant(connection, one, found)
                for one in silent
            }

        meant = await self._ledger.read(look)
        for one in silent:
            one.attempt = meant[one.task_id, one.lease_seq]

    def _end_of(
        self, caller: Principal, said: Completed | Failed, worker: str | None
    ) -> c.LeaseReport:
        failed = isinstance(said, Failed)
        report = ReportIn(
            task_id=said.task_id,
            source=worker or caller.name,
            # Of one lease there is one end, however often it is told.
            delivery_id=f"lease-{said.lease_seq}-end",
            occurred_at=said.occurred_at,
            attempt=said.attempt,
            state=TaskState.FAILED if failed else TaskState(said.state),
            message=said.message,
            error=said.error if failed else None,
            metadata=said.metadata,
            result=said.result,
            results=said.results,
        )
        tries = (
            {"retryable": said.retryable, "attempts_max": said.attempts_max or 1} if failed else {}
        )
        return _lease_report(caller, report, said.lease_seq, self._ledger.now(), **tries)

    async def hand_back(
        self, caller: Principal, said: Sequence[LeaseRef], idempotency: "Asked | None" = None
    ) -> list[LeaseOut]:
        """Queue the tasks of these leases anew; the attempts do not count."""
        caller.require(Role.WORKER)
        commands: list[c.Command] = [
            c.HandBack(task_id=one.task_id, actor=caller.name, lease_seq=one.lease_seq)
            for one in said
        ]
        write = Write(caller.project, commands, idempotency=_kept(idempotency, said))
        answer = await self._ledger.write(write)
        if answer.stored is not None and not answer.outcomes:
            return msgspec.json.decode(answer.stored.body, type=Kept).items
        return _lease_outs(said, answer.outcomes)


class _Beats:
    """What a heartbeat comes to: commands, renewals, and what is answered."""

    def __init__(self, caller: Principal, worker: str, now: Instant, lease_us: int) -> None:
        self._caller = caller
        self._worker = worker
        self._now = now
        self._lease_us = lease_us
        self.items: list[LeaseOut] = []
        self.commands: list[c.Command] = []
        self.renewals: list[Renewal] = []
        self._asked: list[tuple[LeaseOut, int]] = []
        self._renewed: list[LeaseOut] = []

    def take(self, beat: Beat, found: LeaseStanding | None) -> None:
        """Look what one sign of life comes to."""
        out = LeaseOut(task_id=beat.task_id, lease_seq=beat.lease_seq)
        self.items.append(out)
        if found is None:
            _refuse(out, TaskNotFound.of(beat.task_id))
            return
        out.state, out.attempt = found.state, found.attempt
        held = found.lease_seq == beat.lease_seq and found.worker is not None
        given_up = found.lease_seq == beat.lease_seq and found.reason == LOST
        if not held and not given_up:
            _supersede(out, found.lease_seq)
            return
        out.cancel = found.cancel is not None and found.cancel.is_open
        self._renew(beat, found, out)

    def _renew(self, beat: Beat, found: LeaseStanding, out: LeaseOut) -> None:
        until = self._now + self._lease_us
        out.expires_at = moment(until)
        if found.cancel is CancelStanding.REQUESTED or (beat.cancel_refused and out.cancel):
            self._command(
                out,
                c.AnswerCancel(
                    task_id=beat.task_id,
                    actor=self._worker,
                    lease_seq=beat.lease_seq,
                    refused=beat.cancel_refused,
                ),
            )
            out.cancel = not beat.cancel_refused
        if found.reason == LOST:
            self._command(
                out,
                c.RenewLease(
                    task_id=beat.task_id,
                    actor=self._worker,
                    lease_seq=beat.lease_seq,
                    worker=self._worker,
                    lease_us=self._lease_us,
                ),
            )
        if _says_something(beat):
            self._command(out, self._report(beat, found))
        elif found.ends_at is None or found.ends_at - self._now < FRESH * self._lease_us:
            self.renewals.append(Renewal(found.task_pk, found.lease_seq, until))
            self._renewed.append(out)
        else:
            out.expires_at = when(found.ends_at)

    def _command(self, out: LeaseOut, command: c.Command) -> None:
        self._asked.append((out, len(self.commands)))
        self.commands.append(command)

    def _report(self, beat: Beat, found: LeaseStanding) -> c.LeaseReport:
        report = ReportIn(
            task_id=beat.task_id,
            source=self._worker,
            occurred_at=beat.occurred_at,
            attempt=found.attempt,
            progress=beat.progress,
            message=beat.message,
            reported_status=beat.reported_status,
            metadata=beat.metadata,
            external_ref=beat.external_ref,
            shard=beat.shard,
        )
        return _lease_report(
            self._caller, report, beat.lease_seq, self._now, lease_us=self._lease_us
        )

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in what became of the commands."""
        for out, place in self._asked:
            outcome = outcomes[place]
            if outcome.refusal is not None:
                _refuse(out, outcome.refusal)
            elif outcome.task is not None:
                out.state, out.verdict = outcome.state, outcome.verdict

    def look_again(self, found: dict[str, LeaseStanding]) -> None:
        """Take back what was said of leases that were to be renewed and are over."""
        for out in self._renewed:
            standing = found.get(out.task_id)
            if standing is None:
                _refuse(out, TaskNotFound.of(out.task_id))
            elif standing.lease_seq != out.lease_seq or standing.worker is None:
                _supersede(out, standing.lease_seq)


def _says_something(beat: Beat) -> bool:
    return any(
        said is not None
        for said in (
            beat.progress,
            beat.message,
            beat.reported_status,
            beat.metadata,
            beat.external_ref,
            beat.shard,
        )
    )


def _lease_report(
    caller: Principal,
    said: ReportIn,
    lease_seq: int,
    received_at: Instant,
    **more: Any,
) -> c.LeaseReport:
    report, encoded = take_in(said, source=caller.name, received_at=received_at)
    return c.LeaseReport(
        task_id=report.task_id,
        actor=caller.name,
        report=report,
        register=False,
        encoded=encoded,
        lease_seq=lease_seq,
        worker=said.source or caller.name,
        dice=clock.dice(),
        **more,
    )


def _attempt_meant(
    connection: Connection, one: LeaseRef, found: dict[str, LeaseStanding]
) -> int | None:
    standing = found.get(one.task_id)
    if standing is None:
        return None
    if standing.lease_seq == one.lease_seq:
        return standing.attempt
    return lease_reader.attempt_of(connection, standing.task_pk, one.lease_seq)


def _lease_outs(said: Sequence[LeaseRef], outcomes: Sequence[Outcome]) -> list[LeaseOut]:
    items: list[LeaseOut] = []
    for one, outcome in zip(said, outcomes[: len(said)], strict=True):
        out = LeaseOut(task_id=one.task_id, lease_seq=one.lease_seq, verdict=outcome.verdict)
        if outcome.task is not None:
            out.state, out.attempt = outcome.task.state, outcome.task.attempt
        if outcome.refusal is not None:
            _refuse(out, outcome.refusal)
        elif outcome.verdict is Verdict.LATE and outcome.task is not None:
            _supersede(out, outcome.task.lease_seq)
        items.append(out)
    return items


def _supersede(out: LeaseOut, present: int) -> None:
    _refuse(out, LeaseSuperseded.of(out.task_id, out.lease_seq, present))


def _refuse(out: LeaseOut, refusal: Any) -> None:
    out.code, out.detail, out.cancel = refusal.code, refusal.detail, False
    out.expires_at = None
    if isinstance(refusal, LeaseSuperseded):
        out.present_lease_seq = refusal.lease_seq


def _claimed_out(task: Task, details: Details, inputs: list[InputOut]) -> ClaimedOut:
    assert task.lease_ends_at is not None
    ends_at = moment(task.lease_ends_at)
    seq, attempt = task.lease_seq, task.attempt
    return ClaimedOut(whole(task, details), seq, attempt, ends_at, inputs, details.trace)


@dataclass(slots=True, frozen=True)
class Asked:
    """A request that may come again: its key and what it asked."""

    key: str
    fingerprint: bytes


def _kept(once: Asked | None, said: Sequence[LeaseRef]) -> Idempotency | None:
    """What is kept of the answer, for the same request when it comes again."""
    if once is None:
        return None

    def render(outcomes: list[Outcome]) -> tuple[int, bytes]:
        claims = [
            ClaimRef(o.task_id, o.task.lease_seq)
            for o in outcomes[len(said) :]
            if o.task is not None
        ]
        return 200, msgspec.json.encode(Kept(_lease_outs(said, outcomes), claims))

    return Idempotency(once.key, once.fingerprint, render)


__all__ = ["Asked", "Ended", "Leases"]
