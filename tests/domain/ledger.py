"""A ledger in memory: what the storage does around `decide`, without a database.

It gives the domain what it needs from its own log, keeps what is decided, and checks at every step
what must hold whatever happens.
"""

from dataclasses import dataclass, field

from farwork.domain import commands as c
from farwork.domain.decide import decide
from farwork.domain.decision import Decision, Known, LateReport, Needs
from farwork.domain.errors import DomainError
from farwork.domain.events import Event
from farwork.domain.facts import Fact
from farwork.domain.metadata import merge
from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Instant, Json, Result, Verdict
from tests.domain.words import SECOND

Outcome = Decision | DomainError

FIRST_COMMAND_AT = 100 * SECOND


@dataclass
class Step:
    """One command that was given: the task before, what became of it, the task after."""

    command: c.Command
    before: Task | None
    outcome: Outcome
    after: Task | None


@dataclass
class Ledger:
    """The record of one task."""

    task: Task | None = None
    log: list[Event] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    metadata: dict[str, Json] = field(default_factory=dict)
    shards: dict[int, Shard] = field(default_factory=dict)
    shard_results: dict[int, tuple[str, Json]] = field(default_factory=dict)
    results: dict[tuple[int, str, str], tuple[str, Result]] = field(default_factory=dict)
    closed: list[Task] = field(default_factory=list)
    lease_ends_at: Instant = 0
    hold: str | None = None
    _marks: dict[str, str] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def give(self, command: c.Command, now: Instant) -> Outcome:
        """Give a command; a refusal is an outcome like any other."""
        before = self.task
        if before is not None:
            now = max(now, before.updated_at + 1)
        untouched = repr((before, command))
        try:
            outcome: Outcome = self._decide(command, now)
        except DomainError as refusal:
            outcome = refusal
        assert repr((before, command)) == untouched, "nothing that is given is changed in place"
        if isinstance(outcome, Decision):
            self._keep(command, outcome)
        self.steps.append(Step(command, before, outcome, self.task))
        return outcome

    @property
    def facts(self) -> list[Fact]:
        """The log as the fold reads it."""
        return [event.fact for event in self.log if event.fact is not None]

    @property
    def verdicts(self) -> list[Verdict]:
        """What became of the reports, in the order in which they came."""
        return [event.verdict for event in self.log if event.verdict is not None]

    @property
    def last(self) -> Event:
        """The latest entry of the log."""
        return self.log[-1]

    @property
    def answer(self) -> tuple[str, str | None, str]:
        """What became of the latest report, why, and the state of the task from then on."""
        event = self.last
        assert event.verdict is not None
        return event.verdict.value, event.reason, self.known.state.value

    @property
    def known(self) -> Task:
        """The task, where there is one."""
        assert self.task is not None
        return self.task

    def _decide(self, command: c.Command, now: Instant) -> Decision:
        known = Known()
        if isinstance(command, c.ReportTask):
            known.seen = command.report.dedup in self._seen
        asked: set[Needs] = set()
        while True:
            decision = decide(self.task, command, now, known)
            if isinstance(decision, Decision):
                return decision
            assert decision not in asked, f"{decision} was given already"
            asked.add(decision)
            self._look_up(decision, command, known)

    def _look_up(self, needs: Needs, command: c.Command, known: Known) -> None:
        match needs:
            case Needs.TIMELINE:
                known.timeline = self.facts
            case Needs.SHARDS:
                known.shards = dict(self.shards)
            case Needs.LEASE:
                known.lease_ends_at = self.lease_ends_at
            case Needs.HOLD:
                known.hold, known.hold_loaded = self.hold, True
            case Needs.LATE_REPORT:
                assert isinstance(command, c.AdoptReport)
                known.late_report = self._late_report(command.event_id)
                known.late_report_loaded = True

    def _late_report(self, event_id: int | None) -> LateReport | None:
        for position, event in reversed(list(enumerate(self.log))):
            if event.verdict is Verdict.LATE and event_id in (None, position):
                assert isinstance(event.fact, Report)
                return LateReport(position, event.attempt, event.fact)
        return None

    def _keep(self, command: c.Command, decision: Decision) -> None:
        if isinstance(command, c.ReportTask) and decision.events:
            self._seen.add(command.report.dedup)
        self.task = decision.task
        if decision.lease is not None:
            self.lease_ends_at = decision.lease.ends_at
        self.log.extend(decision.events)
        if decision.replaces or decision.task is None:
            for part in (self.shards, self.shard_results, self.results, self.metadata, self._marks):
                part.clear()
        if decision.details is not None:
            self.metadata.update(decision.details.metadata)
        if decision.metadata is not None:
            said, mark = decision.metadata
            merge(self.metadata, self._marks, said, mark)
        self.shards.update({shard.index: shard for shard in decision.shards})
        self._keep_results(decision)
        self.closed.extend(closed.task for closed in decision.closed)

    def _keep_results(self, decision: Decision) -> None:
        for record in decision.results:
            late_mark = record.rank[1:] if record.late else ""
            place = (record.attempt, record.result.name, late_mark)
            kept = self.results.get(place)
            if kept is None or kept[0] < record.rank:
                self.results[place] = (record.rank, record.result)
        for index, (data, rank) in decision.shard_results.items():
            kept = self.shard_results.get(index)
            if kept is None or kept[0] < rank:
                self.shard_results[index] = (rank, data)


def told(*commands: c.Command) -> Ledger:
    """A ledger that was given these commands 100, 101, 102 ... seconds after the epoch."""
    ledger = Ledger()
    for number, command in enumerate(commands):
        ledger.give(command, FIRST_COMMAND_AT + number * SECOND)
    return ledger


def tell(ledger: Ledger, *commands: c.Command) -> Ledger:
    """The ledger, after it was given these commands, one a second, after all that it was given."""
    for command in commands:
        ledger.give(command, FIRST_COMMAND_AT + len(ledger.steps) * SECOND)
    return ledger
