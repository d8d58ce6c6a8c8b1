"""What decisions may ask of a task's past: from the tables, with what this batch adds to it."""

from sqlalchemy import Connection

from farwork.domain.decision import Decision, LateReport
from farwork.domain.facts import Fact, Opened
from farwork.domain.reports import Report
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import Result
from farwork.storage.facts import fact_of, report_of
from farwork.storage.json import decode_text
from farwork.storage.rows import shard_from
from farwork.storage.statements import Statements


class History:
    """The past of the tasks of one batch, by key."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements
        self._timelines: dict[int, list[Fact]] = {}
        self._shards: dict[int, dict[int, Shard]] = {}
        self._new_facts: dict[int, list[Fact]] = {}
        self._new_shards: dict[int, dict[int, Shard]] = {}
        self._replaced: set[int] = set()

    def remember(self, task: Task, decision: Decision) -> None:
        """Add what has been decided and is not yet in the tables."""
        if decision.replaces:
            self._replaced.add(task.pk)
            self._new_shards.pop(task.pk, None)
        for event in decision.events:
            if event.fact is not None:
                self._new_facts.setdefault(task.pk, []).append(event.fact)
        for shard in decision.shards:
            self._new_shards.setdefault(task.pk, {})[shard.index] = shard

    def forget(self) -> None:
        """Go back to what the tables say."""
        self._new_facts.clear()
        self._new_shards.clear()
        self._replaced.clear()

    def timeline(self, task: Task) -> list[Fact]:
        """The facts of a task in the order of its log, from its last opening on."""
        if task.pk not in self._timelines:
            rows = self._statements.select_timeline.all(self._connection, (task.pk,))
            self._timelines[task.pk] = [fact_of(*row) for row in rows]
        facts = self._timelines[task.pk] + self._new_facts.get(task.pk, [])
        openings = [index for index, fact in enumerate(facts) if isinstance(fact, Opened)]
        return facts[openings[-1] :]

    def shards(self, task: Task) -> dict[int, Shard]:
        """The shards of a task by index."""
        new = self._new_shards.get(task.pk, {})
        if task.pk in self._replaced:
            return dict(new)
        if task.pk not in self._shards:
            rows = self._statements.select_shards.all(self._connection, (task.pk,))
            self._shards[task.pk] = {row[0]: shard_from(row) for row in rows}
        return self._shards[task.pk] | new

    def late_report(self, task: Task, event_id: int | None) -> LateReport | None:
        """The latest report of an end that came too late, or the one of that event."""
        rows = self._statements.select_late_reports.all(self._connection, (task.pk,))
        for position, attempt, mark, text in rows:
            if event_id not in (None, position):
                continue
            report = report_of(mark, text)
            if report.ends:
                report.results = self._late_results(task, report)
                return LateReport(position, attempt, report)
        return None

    def _late_results(self, task: Task, report: Report) -> list[Result]:
        rows = self._statements.select_late_results.all(self._connection, (task.pk, report.mark))
        return [
            Result(name, type_, None if data is None else decode_text(data), decode_text(files))
            for name, type_, data, files in rows
        ]
