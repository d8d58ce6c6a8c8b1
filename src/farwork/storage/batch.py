"""One transaction of the committer: load tasks, and decide in arrival order what becomes of them.

Everything a decision rests on is loaded under lock before or while deciding; nothing is written
before all is decided. What has been decided in this batch and is not yet in the tables is kept
beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain.commands import (
    Command,
    CreateTask,
    ImportTask,
    InputEnded,
    ReportTask,
)
from farwork.domain.decide import decide
from farwork.domain.decision import Decision, Known, LateReport, Needs
from farwork.domain.errors import DomainError, IdempotencyKeyReused, InputNotFound
from farwork.domain.facts import Fact, Opened
from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import FINAL_STATES, Instant, Result, TaskState
from farwork.storage.facts import fact_of, report_of
from farwork.storage.json import decode_text
from farwork.storage.rows import shard_from, task_from
from farwork.storage.statements import Statements
from farwork.storage.writes import Answer, Outcome, StoredAnswer, Write

Name = tuple[str, str]
"""A task's project and id."""


@dataclass(slots=True)
class Step:
    """One decision of the batch, with what it was about."""

    project: str
    command: Command
    before: Task | None
    decision: Decision
    outcome: Outcome


@dataclass(slots=True)
class Decided:
    """All that a batch has decided, ready to be written."""

    steps: list[Step] = field(default_factory=list[Step])
    originals: dict[Name, Task | None] = field(default_factory=dict[Name, "Task | None"])
    tasks: dict[Name, Task | None] = field(default_factory=dict[Name, "Task | None"])
    answers: list[tuple[str, Write, bytes, int]] = field(
        default_factory=list[tuple[str, Write, bytes, int]]
    )


class Batch:
    """The deciding half of a transaction."""

    def __init__(
        self, connection: Connection, statements: Statements, now: Now, keys: Iterable[int]
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._now = now
        self._keys = iter(keys)
        self._seen: set[tuple[int, int]] = set()
        self._timelines: dict[tuple[int, int], list[Fact]] = {}
        self._shards: dict[int, dict[int, Shard]] = {}
        self._new_facts: dict[tuple[int, int], list[Fact]] = {}
        self._new_shards: dict[int, dict[int, Shard]] = {}
        self._inputs: set[Name] = set()
        self._edges: dict[Name, list[str]] = {}
        self._given: dict[tuple[str, str], tuple[bytes, StoredAnswer]] = {}
        self.decided = Decided()

    # --- loading ---

    def load(self, writes: list[Write]) -> None:
        """Read and lock every task that the writes name, and find out which reports came before."""
        wanted: dict[str, set[str]] = {}
        for write in writes:
            ids = wanted.setdefault(write.project, set())
            for command in write.commands:
                ids.add(command.task_id)
                if isinstance(command, CreateTask | ImportTask) and command.task.inputs:
                    ids.update(command.task.inputs)
        for project in sorted(wanted):
            self._load_tasks(project, wanted[project])
        self._load_seen(writes)

    def _load_tasks(self, project: str, ids: set[str]) -> None:
        missing = [id_ for id_ in ids if (project, id_) not in self.decided.originals]
        for id_ in missing:
            self.decided.originals[project, id_] = None
        if not missing:
            return
        for row in self._statements.tasks_of(self._connection, project, missing):
            task = task_from(row)
            self.decided.originals[project, task.id] = task
        for id_ in missing:
            self.decided.tasks[project, id_] = self.decided.originals[project, id_]
        depended = self._statements.dependents_among(self._connection, project, missing)
        self._inputs.update((project, id_) for id_ in depended)

    def _load_seen(self, writes: list[Write]) -> None:
        pairs: list[tuple[int, int]] = []
        for write in writes:
            for command in write.commands:
                if isinstance(command, ReportTask):
                    task = self.decided.originals[write.project, command.task_id]
                    if task is not None:
                        pairs.append((task.pk, command.report.dedup))
        if pairs:
            self._seen = self._statements.seen(self._connection, pairs)

    # --- deciding ---

    def answer(self, write: Write) -> Answer:
        """Carry out one write on the working set.

        Raises the refusal of an atomic write, which then changed nothing.
        """
        if write.idempotency is None:
            return Answer(self._carry_out(write))
        known = self._known_answer(write)
        if known is not None:
            return known
        outcomes = self._carry_out(write)
        status, body = write.idempotency.render(outcomes)
        key = (write.project, write.idempotency.key)
        self._given[key] = (write.idempotency.fingerprint, StoredAnswer(status, body))
        self.decided.answers.append((write.project, write, body, status))
        return Answer(outcomes, StoredAnswer(status, body))

    def _known_answer(self, write: Write) -> Answer | None:
        assert write.idempotency is not None
        key = (write.project, write.idempotency.key)
        if key not in self._given:
            rows = self._statements.select_idempotency.all(self._connection, key)
            if not rows:
                return None
            fingerprint, status, body = rows[0]
            self._given[key] = (bytes(fingerprint), StoredAnswer(status, bytes(body)))
        fingerprint, stored = self._given[key]
        if fingerprint != write.idempotency.fingerprint:
            raise IdempotencyKeyReused(
                f"The Idempotency-Key {key[1]!r} came before with another request; use a new key "
                "for a new request."
            )
        return Answer(stored=stored)

    def _carry_out(self, write: Write) -> list[Outcome]:
        if not write.atomic:
            return [self._settle(write.project, command) for command in write.commands]
        if len(write.commands) == 1:
            return [self._execute(write.project, write.commands[0])]
        tasks, steps = dict(self.decided.tasks), len(self.decided.steps)
        try:
            return [self._execute(write.project, command) for command in write.commands]
        except DomainError:
            self._take_back(tasks, steps)
            raise

    def _take_back(self, tasks: dict[Name, Task | None], steps: int) -> None:
        """Make the working set what it was before an atomic write."""
        self.decided.tasks = self.decided.originals | tasks
        del self.decided.steps[steps:]
        for memory in (self._new_facts, self._new_shards, self._edges):
            memory.clear()
        for step in self.decided.steps:
            if step.outcome.task is not None:
                self._remember(step.outcome.task, step.command, step.decision)

    def _settle(self, project: str, command: Command) -> Outcome:
        try:
            return self._execute(project, command)
        except DomainError as refusal:
            return Outcome(command.task_id, refusal=refusal)

    def _execute(self, project: str, command: Command) -> Outcome:
        name = (project, command.task_id)
        if name not in self.decided.originals:
            self._load_tasks(project, {command.task_id})
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
                known.timeline = self._timeline(task)
            case Needs.SHARDS:
                known.shards = self._shards_of(task)
            case Needs.LATE_REPORT:
                known.late_report = self._late_report(task, getattr(command, "event_id", None))
                known.late_report_loaded = True

    def _note(
        self, name: Name, command: Command, before: Task | None, decision: Decision
    ) -> Outcome:
        project, id_ = name
        after = decision.task
        if after is not None and after.pk == 0:
            after.pk = before.pk if before is not None else next(self._keys)
            after.project, after.id = project, id_
        outcome = Outcome(id_, after, decision.verdict, decision.reason, existed=before is not None)
        if after is before and not decision.events:
            return outcome
        self.decided.tasks[name] = after
        self.decided.steps.append(Step(project, command, before, decision, outcome))
        if after is not None:
            self._remember(after, command, decision)
        self._tell_dependents(name, before, after)
        return outcome

    def _remember(self, task: Task, command: Command, decision: Decision) -> None:
        """Keep what later decisions of this batch may ask for and the tables do not have yet."""
        if isinstance(command, ReportTask):
            self._seen.add((task.pk, command.report.dedup))
        for event in decision.events:
            if event.fact is not None:
                self._new_facts.setdefault((task.pk, event.attempt), []).append(event.fact)
        for shard in decision.shards:
            self._new_shards.setdefault(task.pk, {})[shard.index] = shard
        for input_id in decision.inputs:
            self._edges.setdefault((task.project, input_id), []).append(task.id)

    # --- inputs and dependents ---

    def _count_inputs(self, project: str, command: CreateTask | ImportTask) -> None:
        pending = 0
        for input_id in command.task.inputs:
            if (project, input_id) not in self.decided.originals:
                self._load_tasks(project, {input_id})
            task = self.decided.tasks[project, input_id]
            if task is None and isinstance(command, CreateTask):
                raise InputNotFound(
                    f"Task {command.task_id!r} names the input {input_id!r}, which does not exist; "
                    "create it first or in the same call."
                )
            pending += task is None or not task.is_final
        command.task.inputs_pending = pending

    def _tell_dependents(self, name: Name, before: Task | None, after: Task | None) -> None:
        """Let the tasks that wait for this one know when it ended, or is open again."""
        was = before is not None and before.is_final
        is_ = after is None or after.is_final
        if was == is_ or (after is None and before is None):
            return
        project, id_ = name
        waiting = list(self._edges.get(name, ()))
        if name in self._inputs:
            rows = self._statements.select_dependents.all(self._connection, name)
            waiting += [row[0] for row in rows if row[0] not in waiting]
        succeeded = after is not None and after.state is TaskState.SUCCEEDED
        self._load_tasks(project, set(waiting))
        for task_id in waiting:
            if self.decided.tasks[project, task_id] is not None:
                told = InputEnded(
                    task_id=task_id, input_id=id_, succeeded=succeeded, reopened=not is_
                )
                self._execute(project, told)

    # --- history ---

    def _timeline(self, task: Task) -> list[Fact]:
        """What was said about the present attempt, from its last opening on.

        An import opens it anew.
        """
        key = (task.pk, task.attempt)
        if key not in self._timelines:
            rows = self._statements.select_timeline.all(self._connection, key)
            self._timelines[key] = [fact_of(row[0], row[1], row[2]) for row in rows]
        facts = self._timelines[key] + self._new_facts.get(key, [])
        openings = [index for index, fact in enumerate(facts) if isinstance(fact, Opened)]
        return facts[openings[-1] :]

    def _shards_of(self, task: Task) -> dict[int, Shard]:
        if task.pk not in self._shards:
            rows = self._statements.select_shards.all(self._connection, (task.pk,))
            self._shards[task.pk] = {row[0]: shard_from(row) for row in rows}
        return self._shards[task.pk] | self._new_shards.get(task.pk, {})

    def _late_report(self, task: Task, event_id: int | None) -> LateReport | None:
        for position, attempt, mark, text in self._statements.select_late_reports.all(
            self._connection, (task.pk,)
        ):
            if event_id not in (None, position):
                continue
            report = report_of(mark, text)
            if report.state in FINAL_STATES:
                report.results = self._late_results(task, report)
                return LateReport(position, attempt, report)
        return None

    def _late_results(self, task: Task, report: Report) -> list[Result]:
        rows = self._statements.select_late_results.all(self._connection, (task.pk, report.mark))
        return [
            Result(name, type_, None if data is None else decode_text(data), decode_text(files))
            for name, type_, data, files in rows
        ]
