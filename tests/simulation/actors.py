"""Those outside: workers, somebody who reports, an operator. Each act is a message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random  # noqa: TID251 - these are the dice that a run repeats from
from typing import Any

import msgspec

from farwork.domain.values import Instant, instant, moment
from farwork.protocol.leases import (
    Beat,
    Claim,
    ClaimedOut,
    Completed,
    Failed,
    HeartbeatIn,
    LeaseRef,
)
from farwork.protocol.reports import ReportIn
from farwork.protocol.tasks import TaskCreate
from farwork.service.access import Principal, Role
from farwork.service.kinds import Kinds
from farwork.service.leases import Asked, Ended, Leases
from farwork.service.ledger import Answer, Idempotency, Ledger, Outcome
from farwork.service.reports import Reports
from farwork.service.tasks import Tasks
from farwork.service.workforce import Workforce
from farwork.upkeep.keepers import DeadlineKeeper, LeaseReaper, Scheduler
from tests.simulation.record import Record

CALLER = Principal("default", Role.ADMIN, "sim")
QUEUES = ("near", "far")
LEASE_S = 10.0


class Server:
    """The use cases over one store, as a process has them."""

    def __init__(self, ledger: Ledger) -> None:
        self.tasks = Tasks(ledger, Kinds(ledger))
        self.reports = Reports(ledger)
        self.leases = Leases(ledger, Workforce(ledger))
        self.keepers = (LeaseReaper(ledger), DeadlineKeeper(ledger), Scheduler(ledger))


@dataclass
class Message:
    """A request on its way: what it asks, what its answer promises, and who waits for it."""

    name: str
    ask: Callable[[Server], Awaitable[Any]]
    promised: Callable[[Any], None]
    heard: Callable[[Any], None] = lambda _answer: None


@dataclass
class Outside:
    """What all actors share."""

    dice: Random
    record: Record
    now: Callable[[], Instant]
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    ids: list[str] = field(default_factory=list[str])

    def key(self) -> Asked:
        key = f"key-{next(self.numbers)}"
        return Asked(key, key.encode())

    def some_id(self) -> str:
        return self.dice.choice(self.ids) if self.ids else "t0"

    def noted(self, outcomes: list[Outcome]) -> None:
        """These outcomes were answered."""
        for outcome in outcomes:
            if outcome.refusal is None and outcome.task is not None:
                self.record.seen(outcome.task_id, outcome.task.version)


def kept(asked: Asked) -> Idempotency:
    return Idempotency(asked.key, asked.fingerprint, lambda _outcomes: (200, b"{}"))


class Operator:
    """Creates tasks, and steers them."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def act(self) -> Message:
        dice = self._outside.dice
        if len(self._outside.ids) < 4 or dice.random() < 0.3:
            return self._create()
        verb = dice.choice(["cancel", "cancel", "retry", "retry", "archive", "restore", "submit"])
        return self.order(verb, self._outside.some_id(), force=dice.random() < 0.3)

    def _create(self) -> Message:
        outside, dice = self._outside, self._outside.dice
        made = [self._task(f"t{len(outside.ids)}") for _ in range(dice.randint(1, 2))]
        asked = outside.key()

        def promised(answer: Answer) -> None:
            outside.noted(answer.outcomes)
            for one in made:
                outside.record.seen(one["id"], 1)

        return Message(
            f"create {[one['id'] for one in made]}",
            lambda server: server.tasks.create(
                CALLER, msgspec.convert(made, list[TaskCreate]), kept(asked)
            ),
            promised,
        )

    def _task(self, id_: str) -> dict[str, Any]:
        outside, dice = self._outside, self._outside.dice
        grace_s = dice.choice([0, 5])
        outside.record.graces_us[id_] = grace_s * 1_000_000
        limits = {"run_seconds": 40} if dice.random() < 0.2 else {}
        made: dict[str, Any] = {
            "id": id_,
            "queue": dice.choice(QUEUES),
            "job_id": dice.choice([None, "j1", "j2"]),
            "priority": dice.randint(0, 2),
            "attempts_max": dice.randint(1, 3),
            "labels": {"user": dice.choice("ab")},
            "submit": dice.random() < 0.9,
            "policy": {
                "grace_seconds": grace_s,
                "retry": {"backoff_seconds": dice.choice([0, 4])},
                "late": dice.choice(["keep", "adopt", "ignore"]),
                "limits": limits,
            },
        }
        if outside.ids and dice.random() < 0.4:
            made["inputs"] = [outside.some_id()]
            made["on_input_failure"] = dice.choice(["cancel", "hold", "run"])
        outside.ids.append(id_)
        return made

    def order(self, verb: str, id_: str, *, force: bool = False) -> Message:
        asked = self._outside.key()
        said = {"force": True} if verb == "cancel" and force else {}
        return Message(
            f"{verb} {id_}",
            lambda server: server.tasks.order(CALLER, verb, id_, idempotency=kept(asked), **said),
            lambda answer: self._outside.noted(answer.outcomes),
        )


class Reporter:
    """Says what it sees of tasks: of ones that others made, and of ones nobody has heard of."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def act(self) -> Message:
        outside, dice = self._outside, self._outside.dice
        said: list[dict[str, Any]] = []
        for _ in range(dice.randint(1, 3)):
            own = dice.random() < 0.7
            id_ = f"r{dice.randint(0, 4)}" if own else outside.some_id()
            said.append(self._of(id_))
        return self.report(said)

    def _of(self, id_: str) -> dict[str, Any]:
        outside, dice = self._outside, self._outside.dice
        at = outside.now() + dice.randint(-20_000_000, 1_000_000)
        state = dice.choice([None, "queued", "running", "running", "succeeded", "failed"])
        said: dict[str, Any] = {
            "task_id": id_,
            "source": "lab",
            "delivery_id": f"d{next(outside.numbers)}",
            "occurred_at": moment(at),
            "progress": dice.randint(0, 100),
            "metadata": {dice.choice("xy"): dice.randint(0, 9)},
            "queue": dice.choice(QUEUES),
        }
        if state is not None:
            said["state"] = state
        if dice.random() < 0.3:
            said["attempt"] = dice.randint(1, 2)
        if state == "succeeded":
            said["result"] = {"at": at}
        return said

    def report(self, said: list[dict[str, Any]]) -> Message:
        outside = self._outside

        def promised(answer: Answer) -> None:
            outside.noted(answer.outcomes)
            for one, outcome in zip(said, answer.outcomes, strict=True):
                if outcome.refusal is None:
                    outside.record.reported(one["task_id"], f"lab/{one['delivery_id']}")

        shown = [f"{one['task_id']} {one.get('state')}" for one in said]
        return Message(
            f"report {shown}",
            lambda server: server.reports.take(
                CALLER, [msgspec.convert(one, ReportIn) for one in said]
            ),
            promised,
        )


class Worker:
    """Claims tasks and works on them, as far as it hears what it is answered."""

    def __init__(self, outside: Outside, name: str) -> None:
        self._outside = outside
        self.name = name
        self._held: dict[str, tuple[int, int]] = {}
        self._unanswered: Message | None = None

    def act(self) -> Message:
        dice = self._outside.dice
        if self._unanswered is not None and dice.random() < 0.6:
            return self._unanswered
        self._unanswered = self._next()
        return self._unanswered

    def _next(self) -> Message:
        dice = self._outside.dice
        if not self._held or dice.random() < 0.2:
            return self.claim(dice.randint(1, 2))
        id_ = dice.choice(list(self._held))
        lease = self._held[id_]
        chosen = dice.random()
        if chosen < 0.4:
            return self._beat(dice.choice([None, dice.randint(0, 99)]))
        del self._held[id_]
        if chosen < 0.9:
            return self.end(id_, *lease, failed=chosen > 0.75, more=dice.random() < 0.4)
        if chosen < 0.95:
            return self._hand_back(id_, *lease)
        # It forgets everything, as one that is started anew does.
        self._held.clear()
        return self.claim(1)

    def lay_down(self) -> list[tuple[str, tuple[int, int]]]:
        """What it holds, for somebody else to end it."""
        held = list(self._held.items())
        self._held.clear()
        return held

    def claim(self, most: int) -> Message:
        asked = self._outside.key()
        return Message(
            f"{self.name} claims {most}",
            lambda server: server.leases.claim(CALLER, self._ask(most), asked),
            self._promised,
            self._heard,
        )

    def _ask(self, most: int) -> Claim:
        # What a report registers without naming a queue is in the default one.
        return Claim(self.name, [*QUEUES, "default"], most, LEASE_S)

    def _promised(self, claimed: list[ClaimedOut]) -> None:
        for one in claimed:
            until = instant(one.expires_at)
            self._outside.record.held(one.task.id, one.lease_seq, self.name, until)
            self._outside.record.seen(one.task.id, one.task.version)

    def _heard(self, claimed: list[ClaimedOut]) -> None:
        self._unanswered = None
        self._held |= {one.task.id: (one.lease_seq, one.attempt) for one in claimed}

    def end(self, id_: str, seq: int, attempt: int, *, failed: bool, more: bool) -> Message:
        asked = self._outside.key()

        def one() -> Completed | Failed:
            if failed:
                return Failed(task_id=id_, lease_seq=seq, attempt=attempt)
            return Completed(task_id=id_, lease_seq=seq, attempt=attempt, result={"seq": seq})

        def promised(ended: Ended) -> None:
            if ended.items[0].code is None and ended.items[0].verdict != "duplicate":
                self._outside.record.reported(id_, f"{self.name}/lease-{seq}-end")
            self._promised(ended.claimed)

        def ask(server: Server) -> Awaitable[Ended]:
            claim = self._ask(1) if more else None
            return server.leases.end(CALLER, [one()], self.name, claim, asked)

        return Message(
            f"{self.name} {'fails' if failed else 'completes'} {id_} under {seq}",
            ask,
            promised,
            lambda ended: self._heard(ended.claimed),
        )

    def _beat(self, percent: int | None) -> Message:
        held = dict(self._held)

        def said() -> HeartbeatIn:
            beats = [
                Beat(task_id=id_, lease_seq=seq, attempt=attempt, progress=percent)
                for id_, (seq, attempt) in held.items()
            ]
            return HeartbeatIn(self.name, beats, LEASE_S)

        def promised(answer: Any) -> None:
            for out in answer.items:
                if out.code is None and out.expires_at is not None:
                    until = instant(out.expires_at)
                    self._outside.record.renewed(out.task_id, out.lease_seq, until)

        def heard(answer: Any) -> None:
            self._unanswered = None
            for out in answer.items:
                if out.code is not None and self._held.get(out.task_id, (0,))[0] == out.lease_seq:
                    del self._held[out.task_id]

        return Message(
            f"{self.name} lives, with {sorted(held)}",
            lambda server: server.leases.heartbeat(CALLER, said()),
            promised,
            heard,
        )

    def _hand_back(self, id_: str, seq: int, attempt: int) -> Message:
        asked = self._outside.key()
        return Message(
            f"{self.name} hands {id_} back",
            lambda server: server.leases.hand_back(
                CALLER, [LeaseRef(task_id=id_, lease_seq=seq, attempt=attempt)], asked
            ),
            lambda _answer: None,
            lambda _answer: self._heard([]),
        )
