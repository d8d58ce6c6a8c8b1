"""The deciding half of a transaction: load tasks, decide in arrival order what becomes of them.

Everything a decision rests on is loaded under lock before or while deciding; nothing is written
before all is decided. What has been decided in this batch and is not yet in the tables is kept
beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain.commands import (
    ClaimTask,
    Command,
    CreateTask,
    ImportTask,
    InputEnded,
    ReportTask,
)
from farwork.domain.decide import decide
from farwork.domain.decision import Decision, Known, LateReport, Needs
from farwork.domain.errors import DomainError, IdempotencyKeyReused, InputNotFound
from farwork.domain.retention import Rules
from farwork.domain.task import Task
from farwork.domain.values import Instant, OnInputFailure, TaskState
from farwork.storage import retention_store
from farwork.storage.claims import Claims
from farwork.storage.history import History
from farwork.storage.memory import Memory
from farwork.storage.rows import task_from
from farwork.storage.statements import Statements
from farwork.storage.waits import Name, Waits, ended_well, news_of
from farwork.storage.writes import Answer, Ask, Outcome, Renewal, StoredAnswer, Write

FOR_EVER: Instant = 2**62


@dataclass(slots=True)
class Step:
    """One decision of the batch, with what it was about."""

    project: str
    command: Command
    before: Task | None
    decision: Decision
    outcome: Outcome


@dataclass(slots=True)
class Promise:
    """An answer that is to be written into the record, for the same request when it comes again."""

    write: Write
    outcomes: list[Outcome]
    answer: StoredAnswer


@dataclass(slots=True)
class Decided:
    """All that a batch has decided, ready to be written."""

    steps: list[Step] = field(default_factory=list[Step])
    originals: dict[Name, Task | None] = field(default_factory=dict[Name, "Task | None"])
    tasks: dict[Name, Task | None] = field(default_factory=dict[Name, "Task | None"])
    promises: list[Promise] = field(default_factory=list[Promise])
    waits: Waits = field(default_factory=Waits)
    renewals: dict[tuple[int, int], Instant] = field(default_factory=dict[tuple[int, int], Instant])
    """How long leases (by task key and number) last at least."""
    all_renewed: bool = True
    """Whether every renewal, once written, was of a lease that was there and ended earlier."""
    claimed: list[Outcome] = field(default_factory=list[Outcome])
    slots: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    def keep(self, name: Name, task: Task) -> None:
        """Take a task into the working set, unless it is there."""
        if name not in self.originals:
            self.originals[name] = self.tasks[name] = task


class Batch:
    """The working set of one transaction, and the decisions on it.

    `known` names tasks that an earlier try of the same writes came to need. They are locked at
    once, and whatever this try comes to need is added: rows are waited for in one order only, the
    order of ids, and what is needed beyond is taken without waiting or not at all.
    """

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        now: Now,
        keys: Iterable[int],
        known: set[Name] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._now = now
        self._keys = iter(keys)
        self._known = set[Name]() if known is None else known
        self._memory = memory or Memory()
        self._history = History(connection, statements)
        self._logged: set[tuple[int, int]] = set()
        self._seen: set[tuple[int, int]] = set()
        self._given: dict[Name, tuple[bytes, StoredAnswer]] = {}
        self._moved: list[Step] = []
        self._undo: list[tuple[Name, Task | None]] = []
        self._retention: dict[str, Rules] = {}
        self.decided = Decided()
        self._claims = Claims(connection, statements, self.decided.tasks, self.decided.keep)

    # --- loading ---

    def load(self, writes: list[Write]) -> None:
        """Read and lock every task that the writes name; find out which reports came before."""
        wanted: dict[str, set[str]] = {}
        for project, id_ in self._known:
            wanted.setdefault(project, set()).add(id_)
        for write in writes:
            ids = wanted.setdefault(write.project, set())
            for command in write.commands:
                ids.add(command.task_id)
                if isinstance(command, CreateTask | ImportTask) and command.task.inputs:
                    ids.update(command.task.inputs)
        for project in sorted(wanted):
            self._load_tasks(project, wanted[project], wait=True)
        self._load_seen(writes)
        self._look_for_dependents(writes)
        self._claims.expect(writes)

    def _load_tasks(self, project: str, ids: Iterable[str], *, wait: bool = False) -> None:
        decided = self.decided
        missing = [id_ for id_ in ids if (project, id_) not in decided.originals]
        if not missing:
            return
        self._known.update((project, id_) for id_ in missing)
        remembered = self._memory.task
        found = {id_: remembered((project, id_)) for id_ in missing}
        unread = [id_ for id_, task in found.items() if task is None]
        if unread:
            rows = self._statements.tasks_of(self._connection, project, unread, wait=wait)
            found.update((task.id, task) for task in map(task_from, rows))
        for id_, task in found.items():
            decided.originals[project, id_] = decided.tasks[project, id_] = task

    def _load_seen(self, writes: list[Write]) -> None:
        pairs: list[tuple[int, int]] = []
        originals = self.decided.originals
        for write in writes:
            for command in write.commands:
                if isinstance(command, ReportTask):
                    task = originals[write.project, command.task_id]
                    if task is not None:
                        pairs.append((task.pk, command.report.dedup))
        if pairs:
            self._logged = self._statements.seen(self._connection, pairs)
            self._seen = set(self._logged)

    def _look_for_dependents(self, writes: list[Write]) -> None:
        """Look up at once who waits for those tasks that may well end, or come into being."""
        wanted: dict[str, list[str]] = {}
        originals = self.decided.originals
        for write in writes:
            for command in write.commands:
                task = originals[write.project, command.task_id]
                if task is None or not isinstance(command, ReportTask) or command.report.ends:
                    wanted.setdefault(write.project, []).append(command.task_id)
        for project, ids in wanted.items():
            self._look_up_dependents(project, ids)
            # All of them in one look, rather than those of each task in one of its own.
            names = [(project, id_) for id_ in ids]
            self._load_tasks(
                project, {one for name in names for one in self.decided.waits.of(name)}
            )

    def _look_up_dependents(self, project: str, ids: Iterable[str]) -> None:
        missing = self.decided.waits.unknown(project, ids)
        if missing:
            rows = self._statements.dependents_of(self._connection, project, missing)
            self.decided.waits.learn(project, missing, rows)

    # --- carrying out ---

    def answer(self, write: Write) -> Answer:
        """Carry out one write on the working set.

        Raises the refusal of an atomic write, which then changed nothing.
        """
        if write.idempotency is None:
            return Answer(self._carry_out(write))
        key = (write.project, write.idempotency.key)
        known = self._known_answer(key, write.idempotency.fingerprint)
        if known is not None:
            return Answer(stored=known)
        outcomes = self._carry_out(write)
        if write.claim is not None and not outcomes:
            # Whoever found nothing to claim looks again, and may have more luck.
            return Answer([])
        answer = StoredAnswer(0, b"")
        self._given[key] = (write.idempotency.fingerprint, answer)
        self.decided.promises.append(Promise(write, outcomes, answer))
        return Answer(outcomes, answer)

    def _known_answer(self, key: Name, asked: bytes) -> StoredAnswer | None:
        if key not in self._given:
            rows = self._statements.select_idempotency.all(self._connection, key)
            if not rows:
                return None
            fingerprint, status, body = rows[0]
            self._given[key] = (bytes(fingerprint), StoredAnswer(status, bytes(body)))
        fingerprint, stored = self._given[key]
        if fingerprint != asked:
            raise IdempotencyKeyReused(
                f"The Idempotency-Key {key[1]!r} came before with another request; use a new key "
                "for a new request."
            )
        return stored

    def _carry_out(self, write: Write) -> list[Outcome]:
        if not write.atomic:
            outcomes = [self._settle(write.project, command) for command in write.commands]
            self._renew(write.renewals)
            return outcomes if write.claim is None else outcomes + self._claim(write, write.claim)
        steps = len(self.decided.steps)
        self._undo = []
        try:
            return [self._execute(write.project, command) for command in write.commands]
        except DomainError:
            if self._undo:
                self._take_back(steps)
            raise

    def _claim(self, write: Write, ask: Ask) -> list[Outcome]:
        """Let a worker claim what it asks for, as far as there is some."""
        claimed: list[Outcome] = []
        while len(claimed) < ask.tasks_max:
            id_ = self._claims.next(write.project, ask)
            if id_ is None:
                break
            command = ClaimTask(
                task_id=id_, actor=ask.worker, worker=ask.worker, lease_us=ask.lease_us
            )
            outcome = self._execute(write.project, command)
            assert outcome.task is not None
            self.decided.slots += self._claims.slots(outcome.task)
            claimed.append(outcome)
        self.decided.claimed += claimed
        return claimed

    def _take_back(self, steps: int) -> None:
        """Make the working set what it was before an atomic write."""
        for name, before in reversed(self._undo):
            self._claims.note(self.decided.tasks[name], before)
            self.decided.tasks[name] = before
        del self.decided.steps[steps:]
        self._seen = set(self._logged)
        self._history.forget()
        self.decided.waits.forget()
        for step in self.decided.steps:
            self._remember(step)

    def _settle(self, project: str, command: Command) -> Outcome:
        try:
            return self._execute(project, command)
        except DomainError as refusal:
            return Outcome(command.task_id, refusal=refusal)

    def _execute(self, project: str, command: Command) -> Outcome:
        """Carry out a command, and tell those who wait for the task what that means for them."""
        outcome = self._step(project, command)
        while self._moved:
            moved, self._moved = self._moved, []
            for waiting, told in self._news(moved):
                self._step(waiting, told)
            outcome.task = self.decided.tasks[project, command.task_id]
        return outcome

    def _step(self, project: str, command: Command) -> Outcome:
        name = (project, command.task_id)
        before = self.decided.tasks[name]
        if isinstance(command, CreateTask | ImportTask) and command.task.inputs:
            self._count_inputs(project, command)
        now = self._now()
        if before is not None and now <= before.updated_at:
            # Commands on one task keep their order in time, even if another host's clock is ahead.
            now = before.updated_at + 1
        decision = self._decide(before, command, now)
        return self._note(name, command, before, decision)

    def _decide(self, task: Task | None, command: Command, now: Instant) -> Decision:
        known = Known()
        if task is not None and isinstance(command, ReportTask):
            known.seen = (task.pk, command.report.dedup) in self._seen
        while True:
            decision = decide(task, command, now, known)
            if isinstance(decision, Decision):
                return decision
            assert task is not None
            self._look_up(decision, task, command, known)

    def _look_up(self, needs: Needs, task: Task, command: Command, known: Known) -> None:
        match needs:
            case Needs.TIMELINE:
                known.timeline = self._history.timeline(task)
            case Needs.SHARDS:
                known.shards = self._history.shards(task)
            case Needs.LEASE:
                known.lease_ends_at = self._lease_end(task)
            case Needs.HOLD:
                known.hold = self._rules(task.project).hold(task.kind, task.state)
                known.hold_loaded = True
            case Needs.LATE_REPORT:
                known.late_report = self._late_report(task, command)
                known.late_report_loaded = True

    def _rules(self, project: str) -> Rules:
        if project not in self._retention:
            self._retention[project] = retention_store.rules(self._connection, project)
        return self._retention[project]

    def _renew(self, renewals: Iterable[Renewal]) -> None:
        for one in renewals:
            key = (one.task_pk, one.lease_seq)
            self.decided.renewals[key] = max(one.ends_at, self.decided.renewals.get(key, 0))

    def _lease_end(self, task: Task) -> Instant:
        """When the present lease ends, with what this batch did to it."""
        key = (task.pk, task.lease_seq)
        ends = self._statements.work.select_lease_end.all(self._connection, key)
        # A lease that this very batch gave cannot have run out.
        stands = ends[0][0] if ends else FOR_EVER
        for step in reversed(self.decided.steps):
            term = step.decision.lease
            of = step.decision.task
            if term is not None and of is not None and (of.pk, term.lease_seq) == key:
                stands = term.ends_at
                break
        return max(stands, self.decided.renewals.get(key, 0))

    def _late_report(self, task: Task, command: Command) -> LateReport | None:
        return self._history.late_report(task, getattr(command, "event_id", None))

    def _note(
        self, name: Name, command: Command, before: Task | None, decision: Decision
    ) -> Outcome:
        project, id_ = name
        after = decision.task
        if after is not None and (after.pk == 0 or decision.replaces):
            after.pk = before.pk if before is not None else next(self._keys)
            after.project, after.id = project, id_
        outcome = Outcome(id_, after, decision.verdict, decision.reason, existed=before is not None)
        if after is before and not decision.events and decision.lease is None:
            return outcome
        if after is not None and _changes_lane(before, after):
            after.lane = self._claims.settings(project).lane(after)
        self._undo.append((name, before))
        self.decided.tasks[name] = after
        self._claims.note(before, after)
        step = Step(project, command, before, decision, outcome)
        self.decided.steps.append(step)
        self._remember(step)
        if before is None or after is None or before.state is not after.state or decision.replaces:
            self._moved.append(step)
        return outcome

    def _remember(self, step: Step) -> None:
        """Keep what later decisions of this batch may ask for and the tables do not have yet."""
        command, decision = step.command, step.decision
        task = decision.task
        if task is None:
            if ended_well(step.before):
                # Whoever waited has what it waited for; another task of this id is not it.
                self.decided.waits.drop((step.project, command.task_id))
            return
        if isinstance(command, ReportTask):
            self._seen.add((task.pk, command.report.dedup))
        self._history.remember(task, decision)
        for input_id in decision.inputs:
            self.decided.waits.add((step.project, input_id), task.id)

    # --- inputs and those who wait for them ---

    def _count_inputs(self, project: str, command: CreateTask | ImportTask) -> None:
        task = command.task
        pending = 0
        for input_id in task.inputs:
            found = self.decided.tasks[project, input_id]
            if found is None and isinstance(command, CreateTask):
                raise InputNotFound(
                    f"Task {command.task_id!r} names the input {input_id!r}, which does not exist; "
                    "create it first or in the same call."
                )
            how = ended_well(found)
            pending += not (how or (how is False and _runs_regardless(task)))
        task.inputs_pending = pending

    def _news(self, moved: list[Step]) -> list[tuple[str, InputEnded]]:
        """What those must be told who wait for the tasks of these steps."""
        told: list[tuple[str, InputEnded]] = []
        for step in moved:
            project, id_ = step.project, step.command.task_id
            news = news_of(step.before, step.decision.task)
            if news:
                waiting = self._waiting(project, id_)
                told += [(project, one.to(task_id, id_)) for task_id in waiting for one in news]
            told += self._bad_news_for(step)
        return told

    def _waiting(self, project: str, id_: str) -> list[str]:
        """The ids of the tasks that have this one as an input."""
        self._look_up_dependents(project, [id_])
        ids = self.decided.waits.of((project, id_))
        self._load_tasks(project, ids)
        tasks = ((task_id, self.decided.tasks[project, task_id]) for task_id in ids)
        return [task_id for task_id, task in tasks if task is not None and id_ in task.inputs]

    def _bad_news_for(self, step: Step) -> list[tuple[str, InputEnded]]:
        """What a task must be told that began to wait only after its inputs had failed."""
        before, after = step.before, step.decision.task
        if after is None or after.state is not TaskState.BLOCKED or _runs_regardless(after):
            return []
        if before is not None and before.state is TaskState.BLOCKED and not step.decision.replaces:
            return []
        self._load_tasks(step.project, after.inputs)
        inputs = ((id_, self.decided.tasks[step.project, id_]) for id_ in after.inputs)
        # What an imported task waits for may be imported after it.
        imported = isinstance(step.command, ImportTask)
        return [
            (step.project, InputEnded(task_id=after.id, input_id=id_, succeeded=False))
            for id_, task in inputs
            if ended_well(task) is False and not (imported and task is None)
        ]


def _changes_lane(before: Task | None, after: Task) -> bool:
    if not after.labels and not after.requires:
        return bool(after.lane)
    if before is None or (after.is_ready and not before.is_ready):
        # How lanes are drawn may have changed since.
        return True
    return (before.labels, before.requires, before.queue) != (
        after.labels,
        after.requires,
        after.queue,
    )


def _runs_regardless(task: Task) -> bool:
    return task.on_input_failure is OnInputFailure.RUN
